// HDF5 files that file.ts does not know (groups and attributes in heaps, as h5py writes with libver="latest") by way of the HDF5
// library itself, h5wasm. It is loaded only for them, into a worker of its own for each file, which is ended after a time limit: of
// 20,000 damaged copies of a small file six sent the library round in circles and eighteen spoilt its memory.

import type { Attribute } from './attribute';
import type { Dataset } from './dataset';
import type { Hdf5Node } from './file';
import type { LibraryAnswer, LibraryObject } from './library-worker';
import { Hdf5Problem, damaged } from './problem';

/** Loading the library is a download of 4 MB the first time. */
const START_LIMIT_MS = 60_000;
/** What is still running after this is taken for a hang; large files get more. */
const LIMIT_MS = 1000;
const LIMIT_MS_PER_BYTE = 20 / 1e6;

/** Whether there are workers here: not in Node. */
export function libraryAvailable(): boolean {
  return typeof Worker !== 'undefined';
}

/** The root group, everything read. Throws Hdf5Problem. */
export async function openWithLibrary(blob: Blob): Promise<Hdf5Node> {
  const worker = new Worker(new URL('./library-worker.ts', import.meta.url), { type: 'module' });
  try {
    return new LibraryNode(new Map((await readAll(worker, blob)).map((object) => [object.path, object])), '');
  } finally {
    worker.terminate();
  }
}

function readAll(worker: Worker, blob: Blob): Promise<readonly LibraryObject[]> {
  return new Promise((resolve, reject) => {
    const fail = (problem: Hdf5Problem): void => {
      clearTimeout(timer);
      reject(problem);
    };
    let timer = setTimeout(
      () =>
        fail(new Hdf5Problem('cannot be read: the HDF5 library did not load', 'Check the connection, then try again.')),
      START_LIMIT_MS,
    );
    worker.onerror = ({ message }) => fail(new Hdf5Problem(`cannot be read: the HDF5 library failed (${message})`));
    worker.onmessage = ({ data }: MessageEvent<LibraryAnswer>) => {
      switch (data.kind) {
        case 'ready':
          clearTimeout(timer);
          timer = setTimeout(
            () => fail(damaged('the HDF5 library does not come to an end with them')),
            LIMIT_MS + blob.size * LIMIT_MS_PER_BYTE,
          );
          return;
        case 'failed':
          return fail(damaged(`the HDF5 library cannot read them (${data.reason.slice(0, 200)})`));
        case 'file':
          clearTimeout(timer);
          return resolve(data.objects);
        default:
          return data satisfies never;
      }
    };
    worker.postMessage(blob);
  });
}

class LibraryNode implements Hdf5Node {
  readonly #objects: ReadonlyMap<string, LibraryObject>;
  readonly #path: string;

  constructor(objects: ReadonlyMap<string, LibraryObject>, path: string) {
    this.#objects = objects;
    this.#path = path;
  }

  get address(): string {
    return this.#path;
  }

  get(path: string): Promise<Hdf5Node | null> {
    const whole = [...this.#path.split('/'), ...path.split('/')].filter((part) => part !== '').join('/');
    return Promise.resolve(this.#objects.has(whole) ? new LibraryNode(this.#objects, whole) : null);
  }

  children(): Promise<ReadonlyMap<string, Hdf5Node>> {
    const prefix = this.#path === '' ? '' : `${this.#path}/`;
    const names = [...this.#objects.keys()]
      .filter((path) => path !== '' && path.startsWith(prefix))
      .map((path) => path.slice(prefix.length))
      .filter((name) => !name.includes('/'));
    return Promise.resolve(new Map(names.map((name) => [name, new LibraryNode(this.#objects, prefix + name)])));
  }

  attribute(name: string): Promise<Attribute | null> {
    const found = this.#objects.get(this.#path)?.attributes.find(([own]) => own === name);
    return Promise.resolve(found === undefined ? null : { texts: found[1] });
  }

  dataset(): Promise<Dataset | null> {
    const dataset = this.#objects.get(this.#path)?.dataset ?? null;
    if (dataset === null) return Promise.resolve(null);
    const { type, shape, bytes } = dataset;
    return Promise.resolve({
      type: type === null ? { kind: 'other', size: 1 } : { kind: 'number', type, bigEndian: false, size: 1 },
      shape,
      bytes: () => Promise.resolve(new Uint8Array(bytes)),
    });
  }
}
