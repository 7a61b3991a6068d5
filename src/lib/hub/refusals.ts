// Everything that can go wrong between this page and a server, each as one sentence with its remedy.

import { TrainyardError } from '$lib/core/errors';
import { formatBytes } from '$lib/core/format';
import { suggest } from '$lib/core/suggest';
import type { Hub } from './contract';

const BY_HAND = 'download the file yourself and give it to this page';

export function hostRefused(url: URL, hub: Hub): TrainyardError {
  const hosts = hub.sources.map((source) => source.replace('https://', '')).join(', ');
  return new TrainyardError(
    'hub-host',
    `This page may only connect to ${hosts}, not to ${url.host}.`,
    `Please ${BY_HAND}; whoever runs this site can allow another host (docs/deployment.md).`,
  );
}

export function redirectRefused(url: URL, hub: Hub): TrainyardError {
  const { code, message, hint } = hostRefused(url, hub);
  return new TrainyardError(code, `The server sent the download on to another host. ${message}`, hint);
}

export function offline(host: string): TrainyardError {
  return new TrainyardError(
    'hub-offline',
    `There is no connection to the internet, so ${host} cannot be asked.`,
    'Connect and try again, or give the file to this page; weights that were downloaded before work offline.',
  );
}

export function unreachable(host: string, cause: unknown): TrainyardError {
  return new TrainyardError(
    'hub-unreachable',
    `${host} cannot be reached from this page.`,
    `Check the connection and the name; a server may also refuse other sites' pages or a firewall may block it: then ${BY_HAND}.`,
    { cause },
  );
}

export function silent(host: string, seconds: number): TrainyardError {
  return new TrainyardError(
    'hub-silent',
    `${host} sent nothing for ${seconds} seconds.`,
    'Try again later; what has come so far is kept and the download goes on from there.',
  );
}

export function brokenOff(host: string, received: number, total: number | null, cause: unknown): TrainyardError {
  const of = total === null ? '' : ` of ${formatBytes(total)}`;
  return new TrainyardError(
    'hub-broken-off',
    `The connection to ${host} broke off again and again, after ${formatBytes(received)}${of}.`,
    'Try again: what has come so far is kept and the download goes on from there.',
    { cause },
  );
}

export function cancelled(received: number, total: number | null): TrainyardError {
  const of = total === null ? '' : ` of ${formatBytes(total)}`;
  const kept = received === 0 ? '' : `; ${formatBytes(received)}${of} are kept, and a new download goes on from there`;
  return new TrainyardError('cancelled', `The download was cancelled${kept}.`);
}

/** An answer that is no file. `known` are names that exist. */
export function statusRefused(response: Response, reference: string, known: readonly string[]): TrainyardError {
  const { status, headers } = response;
  const host = response.url === '' ? 'the server' : new URL(response.url).host;
  // The hub answers 401 for a model that does not exist, too, because it will not tell whether a private one does.
  const unknown = headers.get('x-error-code') === 'RepoNotFound';
  if (status === 404 || status === 410 || (status === 401 && unknown)) return notFound(host, reference, known);
  if (status === 401 || status === 403) {
    return new TrainyardError(
      'hub-gated',
      `${host} does not give "${reference}" to everybody (it answered ${status}).`,
      `Accept its conditions on the site, then ${BY_HAND}: this page has no account and asks for no password.`,
    );
  }
  const later = status === 429 || status >= 500;
  return new TrainyardError(
    'hub-failed',
    `${host} answered ${status}${response.statusText === '' ? '' : ` (${response.statusText})`} when asked for "${reference}".`,
    later ? 'The server is busy or broken: try again later.' : `Check the address, or ${BY_HAND}.`,
  );
}

function notFound(host: string, reference: string, known: readonly string[]): TrainyardError {
  const nearest = nearestName(reference, known);
  const hint = nearest === null ? 'Check how it is written.' : `Did you mean "${nearest}"?`;
  return new TrainyardError('hub-not-found', `${host} has no weights under "${reference}".`, hint);
}

/** A name that begins alike is nearer than the count of letters says: 'timm/resnet18' means 'timm/resnet18.a1_in1k'. */
function nearestName(reference: string, known: readonly string[]): string | null {
  const wanted = reference.toLowerCase();
  const bare = wanted.slice(wanted.indexOf('/') + 1);
  const begins = known.find((name) => name.toLowerCase().startsWith(wanted));
  const sameModel = known.find((name) => name.toLowerCase().split('/').at(-1)?.split('.')[0] === bare.split('.')[0]);
  return begins ?? sameModel ?? suggest(reference, known);
}

export function noWeights(name: string, wanted: readonly string[], found: readonly string[]): TrainyardError {
  const list = found.length === 0 ? 'nothing' : found.slice(0, 8).join(', ');
  return new TrainyardError(
    'hub-no-weights',
    `"${name}" has neither ${wanted.join(' nor ')} (it has ${list}).`,
    'Give the address of the file that you mean.',
  );
}

export function notAFile(reference: string, found: string): TrainyardError {
  return new TrainyardError(
    'hub-not-a-file',
    `"${reference}" gives ${found} instead of weights.`,
    'Use the address behind the download button: on the hub it has "/resolve/" in it.',
  );
}

export function wrongLength(reference: string, expected: number, found: number): TrainyardError {
  return new TrainyardError(
    'hub-wrong-length',
    `"${reference}" should have ${formatBytes(expected)} (${expected} bytes), but ${formatBytes(found)} (${found} bytes) came, so nothing of it was kept.`,
    'Try again; if it happens again, the file on the server is damaged.',
  );
}

export function wrongHash(reference: string, expected: string, found: string): TrainyardError {
  return new TrainyardError(
    'hub-wrong-hash',
    `What came as "${reference}" has the SHA-256 ${found.slice(0, 12)}..., not ${expected.slice(0, 12)}... as the hub says, so nothing of it was kept.`,
    'Try again; if it happens again, the file on the server is damaged or was exchanged.',
  );
}
