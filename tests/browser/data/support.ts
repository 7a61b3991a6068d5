// Imports into a fresh database, with the real decoder in this thread.

import { createDecoder } from '$lib/pipeline/decode';
import type { Inspect } from '$lib/pipeline/inspection';
import { THUMBNAIL_SIDE } from '$lib/pipeline/inspection';
import type { ImportEvent, ImportSource, ImportSummary } from '$lib/data/contract';
import { importDataset, type ImportRequest, type ImportTools } from '$lib/data/import';
import type { SplitSettings } from '$lib/storage/records';
import type { Database } from '$lib/storage/schema';

const urls = import.meta.glob<string>('../../fixtures/images/*.*', { query: '?url', import: 'default', eager: true });

export const SPLIT: SplitSettings = { source: 'folders', val: 0.2, test: 0.2, stratified: true, seed: 3 };

/** The image fixtures by name. */
export async function imageFixtures(): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const images = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const [path, url] of Object.entries(urls)) {
    if (path.endsWith('.md')) continue;
    const response = await fetch(url);
    images.set(path.slice(path.lastIndexOf('/') + 1), new Uint8Array(await response.arrayBuffer()));
  }
  return images;
}

const decoder = createDecoder();
export const inspect: Inspect = async (files) => {
  const found = [];
  for (const file of files) found.push(await decoder.inspect(file, { thumbnailSide: THUMBNAIL_SIDE }));
  return found;
};

type Content = Uint8Array<ArrayBuffer> | string;

export function filesSource(name: string, files: Readonly<Record<string, Content>>): ImportSource {
  const list = Object.entries(files).map(([path, content]) => ({ path, file: new File([content], path) }));
  return { kind: 'files', name, files: list };
}

export function zipSource(name: string, zip: Blob): ImportSource {
  return { kind: 'files', name, files: [{ path: name, file: new File([zip], name) }] };
}

export interface Imported {
  summary: ImportSummary;
  events: ImportEvent[];
}

export async function runImport(
  database: Database,
  source: ImportSource,
  request: Partial<ImportRequest> = {},
  tools: Partial<ImportTools> = {},
): Promise<Imported> {
  const events: ImportEvent[] = [];
  const summary = await importDataset(
    { projectId: null, projectName: 'Project', task: 'classification', split: SPLIT, source, ...request },
    { database, inspect, onEvent: (event) => events.push(event), ...tools },
  );
  return { summary, events };
}

/** A picture of its own for each number: 8 x 8, grey of that value with a mark. */
export async function picture(value: number, size = 8): Promise<Uint8Array<ArrayBuffer>> {
  const canvas = new OffscreenCanvas(size, size);
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('no canvas');
  context.fillStyle = `rgb(${value % 256} ${value >> 8} 99)`;
  context.fillRect(0, 0, size, size);
  const blob = await canvas.convertToBlob({ type: 'image/png' });
  return new Uint8Array(await blob.arrayBuffer());
}

/** `perClass` pictures for each class, all different. */
export async function pictures(
  classes: readonly string[],
  perClass: number,
): Promise<Record<string, Uint8Array<ArrayBuffer>>> {
  const files: Record<string, Uint8Array<ArrayBuffer>> = {};
  let value = 0;
  for (const name of classes) {
    for (let i = 0; i < perClass; i++) files[`${name}/${i}.png`] = await picture(value++);
  }
  return files;
}

/** How much each store holds. */
export async function storeCounts(database: Database): Promise<Record<string, number>> {
  const counts = await Promise.all(
    [...database.objectStoreNames].map(async (store) => [store, await database.count(store)] as const),
  );
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}
