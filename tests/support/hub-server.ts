// A server that behaves like the hub, well and badly: names and redirects to a second origin with what browsers demand of either,
// ranges, versions, hashes; and cut, slow, short, changed, gated and missing files. Serves what a test gives it.

import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

/** How a file misbehaves; the number of requests so far decides where it only does so at first. */
export interface HubFile {
  bytes: Uint8Array;
  /** A new one is a new version. By default a hash of the bytes, as the hub's. */
  etag?: string | null;
  /** 'none' answers every range with the whole file. */
  ranges?: 'none';
  contentType?: string;
  /** Answered instead of the file. */
  status?: number;
  /** As the hub's error header. */
  errorCode?: string;
  /** The connection is cut after so many bytes of an answer, this many times. */
  cut?: { after: number; times: number };
  /** Says it is longer than it is. */
  announced?: number;
  /** Sends so many bytes and then nothing more, without an end. */
  stall?: { after: number; times: number };
  /** Milliseconds between pieces of `pieceBytes`. */
  slow?: { pieceBytes: number; milliseconds: number };
  /** Not sent to the second origin. */
  direct?: boolean;
}

export interface HubServer {
  /** Address of names: `<base>/<name>/resolve/main/<file>`. */
  base: string;
  /** The second origin, which downloads are sent on to. */
  downloads: string;
  /** Both, as --hub and TRAINYARD_HUB take them. */
  hub: string;
  /** By path: 'timm/net/model.safetensors'. */
  files: Map<string, HubFile>;
  /** What `/api/models/<name>` answers, by name; none for a plain mirror. */
  models: Map<string, unknown>;
  /** 'METHOD path range' of every request, in order, preflights included. */
  log: string[];
  close(): Promise<void>;
}

/** Both origins on the loopback address, on free ports. */
export async function startHub(): Promise<HubServer> {
  const files = new Map<string, HubFile>();
  const models = new Map<string, unknown>();
  const log: string[] = [];
  const counts = new Map<HubFile, { cut: number; stall: number }>();
  const countOf = (file: HubFile): { cut: number; stall: number } => {
    const count = counts.get(file) ?? { cut: 0, stall: 0 };
    counts.set(file, count);
    return count;
  };

  const store = createServer((request, response) => {
    note(request, log);
    if (answeredPreflight(request, response)) return;
    const file = files.get(decodeURIComponent(pathOf(request).slice(1)));
    if (file === undefined) return end(response, 404, 'Not found');
    send(file, request, response, countOf(file));
  });
  const downloads = await listen(store);

  const front = createServer((request, response) => {
    note(request, log);
    if (answeredPreflight(request, response)) return;
    const path = decodeURIComponent(pathOf(request).slice(1));
    const model = /^api\/models\/(.+)$/.exec(path)?.[1];
    if (model !== undefined) {
      if (!models.has(model)) return end(response, 404, '{"error":"Not found"}');
      response.writeHead(200, { 'Content-Type': 'application/json', ...shared(request) });
      response.end(JSON.stringify(models.get(model)));
      return;
    }
    const [, name, wanted] = /^(.+?)\/resolve\/[^/]+\/(.+)$/.exec(path) ?? [];
    const key = name === undefined ? path : `${name}/${wanted}`;
    const file = files.get(key);
    if (file === undefined) return end(response, 404, 'Entry not found', { 'X-Error-Code': 'EntryNotFound' });
    if (file.status !== undefined) {
      const code: Record<string, string> = file.errorCode === undefined ? {} : { 'X-Error-Code': file.errorCode };
      return end(response, file.status, 'Refused', code);
    }
    if (file.direct === true) return send(file, request, response, countOf(file));
    // The hash is in the redirect alone, which pages never see: as the real one does it.
    response.writeHead(302, {
      Location: `${downloads}/${encodeURI(key)}`,
      'X-Linked-Size': file.bytes.length,
      'X-Linked-Etag': `"${sha256(file.bytes)}"`,
      ...shared(request),
    });
    response.end();
  });
  const base = await listen(front);
  return {
    base,
    downloads,
    hub: `${base} ${downloads}`,
    files,
    models,
    log,
    close: async () => {
      await Promise.all([front, store].map(stop));
    },
  };
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** What the hub's list of a model's files says. */
export function listingOf(
  files: Readonly<Record<string, Uint8Array>>,
  more: Readonly<Record<string, unknown>> = {},
): unknown {
  const siblings = Object.entries(files).map(([rfilename, bytes]) => ({
    rfilename,
    size: bytes.length,
    lfs: { sha256: sha256(bytes), size: bytes.length },
  }));
  return { siblings, ...more };
}

function send(
  file: HubFile,
  request: IncomingMessage,
  response: ServerResponse,
  count: { cut: number; stall: number },
): void {
  const { bytes } = file;
  const etag = file.etag === undefined ? `"${sha256(bytes)}"` : file.etag;
  const asked = file.ranges === 'none' ? null : /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
  const from = asked === null ? 0 : Number(asked[1]);
  const to = asked === null || asked[2] === '' ? bytes.length : Math.min(bytes.length, Number(asked[2]) + 1);
  const headers: Record<string, string | number> = {
    'Content-Type': file.contentType ?? 'application/octet-stream',
    ...(etag === null ? {} : { ETag: etag }),
    ...shared(request),
  };
  if (asked !== null && from >= bytes.length) {
    response.writeHead(416, { ...headers, 'Content-Range': `bytes */${bytes.length}` }).end();
    return;
  }
  const total = file.announced ?? bytes.length;
  const end = asked === null || asked[2] === '' ? total : to;
  headers['Content-Length'] = end - from;
  if (asked !== null) headers['Content-Range'] = `bytes ${from}-${end - 1}/${total}`;
  response.writeHead(asked === null ? 200 : 206, headers);
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  const body = bytes.subarray(from, to);
  if (file.cut !== undefined && count.cut < file.cut.times) {
    count.cut++;
    response.write(body.subarray(0, file.cut.after), () => response.destroy());
  } else if (file.stall !== undefined && count.stall < file.stall.times) {
    count.stall++;
    response.write(body.subarray(0, file.stall.after));
  } else if (file.slow !== undefined) {
    trickle(body, file.slow, response);
  } else {
    response.write(body, () => (file.announced === undefined ? response.end() : response.destroy()));
  }
}

function trickle(body: Uint8Array, slow: { pieceBytes: number; milliseconds: number }, response: ServerResponse): void {
  let at = 0;
  const timer = setInterval(() => {
    response.write(body.subarray(at, at + slow.pieceBytes));
    at += slow.pieceBytes;
    if (at < body.length) return;
    clearInterval(timer);
    response.end();
  }, slow.milliseconds);
  response.on('close', () => clearInterval(timer));
}

/** What the hub lets other sites' pages see. */
function shared(request: IncomingMessage): Record<string, string> {
  return {
    'Access-Control-Allow-Origin': request.headers.origin ?? '*',
    'Access-Control-Expose-Headers': 'ETag,Accept-Ranges,Content-Range,X-Error-Code,X-Linked-Size,X-Linked-ETag',
    Vary: 'Origin',
  };
}

/** The download hosts allow nothing that needs permission; the answer to such a question is no. */
function answeredPreflight(request: IncomingMessage, response: ServerResponse): boolean {
  if (request.method !== 'OPTIONS') return false;
  response.writeHead(403).end();
  return true;
}

function end(
  response: ServerResponse,
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'Content-Type': 'text/plain', ...shared(response.req), ...headers }).end(text);
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? '/').split('?')[0];
}

function note(request: IncomingMessage, log: string[]): void {
  log.push([request.method, pathOf(request), request.headers.range].filter(Boolean).join(' '));
}

function listen(server: Server): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      if (address === null || typeof address === 'string') reject(new Error('The server has no port.'));
      else resolve(`http://127.0.0.1:${address.port}`);
    });
  });
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
