// What a hub says about a model beside its weights: its files with sizes and hashes, its licence, how its images were prepared.
// All of it is good to know and none of it is needed: a hub that says nothing is fine.

import { isObject } from '$lib/core/path';
import type { InputPreprocess } from '$lib/interchange/weights/contract';
import type { RemoteFile, RequestOptions } from './contract';
import { hubAddress, type Reference } from './reference';
import { optionalJson } from './request';

/** Shorter than for the weights themselves: nobody waits half a minute for a licence. */
const SILENCE_MS = 10_000;

type HubReference = Extract<Reference, { kind: 'hub' }>;

export interface Listing {
  files: readonly RemoteFile[];
  licence: string | null;
}

/**
 * Asks `<hub>/api/models/<name>`. The redirect that gives a file's SHA-256 is hidden from pages, this answer is not.
 * Null where the hub has no such address.
 */
export async function listing(reference: HubReference, options: RequestOptions): Promise<Listing | null> {
  const { base } = options.hub;
  const revision = encodeURIComponent(reference.revision);
  const url = `${base}/api/models/${reference.name}${reference.revision === 'main' ? '' : `/revision/${revision}`}?blobs=true`;
  const answer = await optionalJson(url, { silenceMs: SILENCE_MS, ...options });
  if (!isObject(answer) || !Array.isArray(answer.siblings)) return null;
  const files = answer.siblings.flatMap((entry: unknown): RemoteFile[] => {
    if (!isObject(entry) || typeof entry.rfilename !== 'string') return [];
    const lfs = isObject(entry.lfs) ? entry.lfs : {};
    const path = entry.rfilename;
    return [{ path, url: hubAddress(options.hub, reference, path), bytes: size(entry.size), sha256: hash(lfs.sha256) }];
  });
  const card = isObject(answer.cardData) ? answer.cardData : {};
  return { files, licence: text(card.license) };
}

export interface ModelConfiguration {
  preprocess: InputPreprocess | null;
  classes: readonly string[] | null;
  licence: string | null;
}

/** Asks for the model's config.json and reads what timm writes there. */
export async function configuration(reference: HubReference, options: RequestOptions): Promise<ModelConfiguration> {
  const url = hubAddress(options.hub, reference, 'config.json');
  return readConfiguration(await optionalJson(url, { silenceMs: SILENCE_MS, ...options }));
}

/** Takes anything; what it cannot read is null. */
export function readConfiguration(document: unknown): ModelConfiguration {
  const config = isObject(document) ? document : {};
  const pretrained = isObject(config.pretrained_cfg) ? config.pretrained_cfg : config;
  return {
    preprocess: readPreprocess(pretrained),
    classes: readLabels(config.label_names ?? pretrained.label_names ?? config.id2label),
    licence: text(pretrained.license),
  };
}

function readPreprocess(config: Readonly<Record<string, unknown>>): InputPreprocess | null {
  const mean = triple(config.mean);
  const std = triple(config.std);
  if (mean === null || std === null || std.some((value) => value <= 0)) return null;
  const [channels, height, width] = Array.isArray(config.input_size) ? (config.input_size as unknown[]) : [];
  const sized = channels === 3 && isSize(height) && isSize(width);
  return {
    mean,
    std,
    imageSize: sized ? [height, width] : null,
    // Its 'center' cuts the middle out, its 'squash' stretches, its 'border' fills up.
    resize: lookUp({ center: 'crop', squash: 'stretch', border: 'letterbox' } as const, config.crop_mode),
    interpolation: lookUp(
      { bilinear: 'bilinear', bicubic: 'bicubic', nearest: 'nearest' } as const,
      config.interpolation,
    ),
  };
}

function readLabels(labels: unknown): readonly string[] | null {
  const list = isObject(labels) ? Object.keys(labels).map((_, i) => labels[String(i)]) : labels;
  if (!Array.isArray(list) || list.length === 0) return null;
  return list.every((label): label is string => typeof label === 'string') ? list : null;
}

function lookUp<Value>(table: Readonly<Record<string, Value>>, key: unknown): Value | null {
  return typeof key === 'string' && Object.hasOwn(table, key) ? table[key] : null;
}

function triple(value: unknown): readonly [number, number, number] | null {
  if (!Array.isArray(value) || value.length !== 3) return null;
  const [r, g, b] = value as unknown[];
  return isFinite(r) && isFinite(g) && isFinite(b) ? [r, g, b] : null;
}

function isFinite(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function isSize(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0;
}

function size(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

function hash(value: unknown): string | null {
  return typeof value === 'string' && /^[0-9a-f]{64}$/i.test(value) ? value.toLowerCase() : null;
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : null;
}
