// From a reference to the files behind it, with what is known of them before they are downloaded.

import type { InputPreprocess } from '$lib/interchange/weights/contract';
import { readHead, type FileHead } from './answer';
import type { RemoteFile, RequestOptions } from './contract';
import { configuration, listing } from './details';
import { HUB_FILES, hubAddress, type Reference } from './reference';
import { noWeights, notAFile, statusRefused } from './refusals';
import { request } from './request';

export type RemoteReference = Exclude<Reference, { kind: 'content' }>;

export interface Located {
  file: RemoteFile;
  licence: string | null;
}

/** The file that the reference means. Names on the hub cost a request or two, addresses none. Throws what requests throw. */
export async function locate(reference: RemoteReference, options: RequestOptions): Promise<Located> {
  if (reference.kind === 'address') {
    return { file: { url: reference.url, path: reference.name, bytes: null, sha256: null }, licence: null };
  }
  const listed = await listing(reference, options);
  if (listed !== null) {
    for (const wanted of HUB_FILES) {
      const file = listed.files.find(({ path }) => path === wanted);
      if (file !== undefined) return { file, licence: listed.licence };
    }
    const found = listed.files.map(({ path }) => path);
    throw noWeights(reference.name, HUB_FILES, found);
  }
  // A plain mirror: the files are asked for one after the other.
  let last: Response | null = null;
  for (const path of HUB_FILES) {
    const url = hubAddress(options.hub, reference, path);
    const { response, head } = await inquire(url, options);
    if (response.ok) return { file: { url, path, bytes: head.total, sha256: head.sha256 }, licence: null };
    last = response;
    if (response.status !== 404) break;
  }
  throw statusRefused(last ?? Response.error(), reference.name, options.known ?? []);
}

/** Length and version of a file, without its content. */
export async function inquire(url: string, options: RequestOptions): Promise<{ response: Response; head: FileHead }> {
  const asked = await request(url, { method: 'HEAD' }, options);
  asked.close();
  const refused = [400, 403, 405, 501].includes(asked.response.status);
  if (!refused) return { response: asked.response, head: readHead(asked.response, 0) };
  // Signed addresses are often good for GET alone: then the first byte is asked for, and its answer tells of the rest.
  const first = await request(url, { headers: { Range: 'bytes=0-0' } }, options);
  first.close();
  return { response: first.response, head: readHead(first.response, 0) };
}

/** What the person is shown before the download; the only requests before it. Throws what requests throw. */
export async function remoteOffer(
  reference: RemoteReference,
  options: RequestOptions,
): Promise<Located & { bytes: number | null }> {
  const located = await locate(reference, options);
  if (located.file.bytes !== null) return { ...located, bytes: located.file.bytes };
  const { response, head } = await inquire(located.file.url, options);
  const name = reference.name;
  if (!response.ok) throw statusRefused(response, name, options.known ?? []);
  if (/^\s*text\/html\b/i.test(response.headers.get('content-type') ?? '')) throw notAFile(name, 'a web page');
  return { ...located, bytes: head.total };
}

export interface Extras {
  preprocess: InputPreprocess | null;
  classes: readonly string[] | null;
  licence: string | null;
}

/** How the images were prepared and what the classes are called, where the hub says so. Never fails but by the caller's abort. */
export async function extras(reference: RemoteReference, options: RequestOptions): Promise<Extras> {
  if (reference.kind === 'address') return { preprocess: null, classes: null, licence: null };
  return configuration(reference, options);
}
