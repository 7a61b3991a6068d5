// What the head of an answer says about a file: its length, which part of it comes, its version, its hash.

export interface FileHead {
  /** Of the whole file; null where the server does not say. */
  total: number | null;
  /** Of the first byte that comes. */
  start: number;
  /** Two answers with the same one are about the same bytes; null where the server gives none or only a weak one. */
  etag: string | null;
  /** Hex, of the whole file. */
  sha256: string | null;
}

/** `asked`: the first byte that was asked for. Headers that a server does not show to other sites' pages count as absent. */
export function readHead({ status, headers }: Pick<Response, 'status' | 'headers'>, asked: number): FileHead {
  const length = count(headers.get('content-length'));
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get('content-range') ?? '');
  const start = status === 206 ? (range === null ? asked : Number(range[1])) : 0;
  const ranged = range === null ? null : count(range[2]);
  const total = status === 206 ? (ranged ?? (length === null ? null : start + length)) : length;
  const etag = headers.get('etag');
  return {
    total: count(headers.get('x-linked-size')) ?? total,
    start,
    etag: etag === null || etag.startsWith('W/') ? null : etag,
    sha256: hashIn(headers.get('x-linked-etag')),
  };
}

/** True for a page in place of a file. `beginning` are the first bytes. */
export function looksLikePage(contentType: string | null, beginning: Uint8Array): boolean {
  if (/^\s*text\/html\b/i.test(contentType ?? '')) return true;
  const text = new TextDecoder('latin1').decode(beginning.subarray(0, 256)).trimStart().toLowerCase();
  return text.startsWith('<!doctype html') || text.startsWith('<html');
}

/** The note that version control keeps in place of a large file. */
export function looksLikePointer(beginning: Uint8Array): boolean {
  return new TextDecoder('latin1').decode(beginning.subarray(0, 64)).startsWith('version https://git-lfs.github.com/');
}

function count(value: string | null): number | null {
  return value !== null && /^\d{1,15}$/.test(value) ? Number(value) : null;
}

function hashIn(value: string | null): string | null {
  return /^"?([0-9a-f]{64})"?$/i.exec(value ?? '')?.[1].toLowerCase() ?? null;
}
