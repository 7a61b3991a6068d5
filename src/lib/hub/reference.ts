// What a person may write to mean weights: a name on the hub, an address, content that is here already. Asks nobody.

import { TrainyardError } from '$lib/core/errors';
import type { Hub } from './contract';

export type Reference =
  /** By content; only what is stored has one. */
  | { kind: 'content'; id: string }
  /** `name` as 'owner/model'; `revision` is a branch, tag or commit. */
  | { kind: 'hub'; name: string; revision: string }
  | { kind: 'address'; url: string; name: string };

/** In the order in which they are tried; the first reads fastest and can hold nothing but numbers. */
export const HUB_FILES = ['model.safetensors', 'pytorch_model.bin'] as const;

const NAME = /^([A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*?)(?:@([\w][\w./-]*))?$/;
const FILE_ENDING = /\.(safetensors|pth|pt|bin|ckpt|h5|hdf5|keras|onnx|json|zip|tar|gz)$/i;

/** Throws 'hub-reference'. */
export function parseReference(text: string, hub: Hub): Reference {
  const given = text.trim();
  const content = /^sha256:([0-9a-f]{64})$/i.exec(given);
  if (content !== null) return { kind: 'content', id: content[1].toLowerCase() };
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(given)) return parseAddress(given, hub);
  const name = NAME.exec(given.replace(/^hf[-_]hub:/, ''));
  if (name === null || FILE_ENDING.test(given)) {
    throw new TrainyardError(
      'hub-reference',
      `"${given}" is neither a name on the hub nor an address.`,
      'Names look like "timm/resnet18.a1_in1k", addresses begin with "https://"; a file on this computer has to be given or dropped.',
    );
  }
  return { kind: 'hub', name: name[1], revision: name[2] ?? 'main' };
}

function parseAddress(given: string, hub: Hub): Reference {
  if (!URL.canParse(given) || !/^https?:/i.test(given)) {
    throw new TrainyardError(
      'hub-reference',
      `"${given}" is no address that a page can download from.`,
      'Addresses of files begin with "https://".',
    );
  }
  const url = new URL(given);
  url.hash = '';
  const path = url.href.startsWith(`${hub.base}/`) ? url.href.slice(hub.base.length + 1).replace(/[?#].*$/, '') : '';
  // The page of a model, as it is copied from the address bar, means the model.
  const page = /^([^/]+\/[^/]+)(?:\/tree\/([^/]+))?\/?$/.exec(path);
  if (page !== null && NAME.test(page[1]) && !FILE_ENDING.test(page[1]))
    return { kind: 'hub', name: page[1], revision: page[2] ?? 'main' };
  // So does the page of a file mean the file.
  const file = /^([^/]+\/[^/]+)\/blob\/(.+)$/.exec(path);
  const direct = file === null ? url.href : `${hub.base}/${file[1]}/resolve/${file[2]}`;
  return { kind: 'address', url: direct, name: fileName(direct) };
}

/** Where a file of a model on the hub is downloaded from. */
export function hubAddress(hub: Hub, { name, revision }: { name: string; revision: string }, file: string): string {
  return `${hub.base}/${name}/resolve/${encodeURIComponent(revision)}/${file}`;
}

/** The last part of an address's path, decoded. */
export function fileName(url: string): string {
  const last = new URL(url).pathname.split('/').findLast((part) => part !== '') ?? 'weights';
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}
