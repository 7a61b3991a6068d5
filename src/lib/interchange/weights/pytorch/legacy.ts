// The older format of torch.save: pickles of a magic number, the version and the machine, then the object, then the keys of the
// storages and their numbers, one after another. A pickle without the magic number is read as one of numpy arrays.

import { readBytes } from '../../bytes';
import { quoted, unreadable } from '../unreadable';
import type { NumbersSource } from './numbers-source';
import type { Container } from './open';
import { unpickle } from './pickle';
import { PickleEnd } from './reader';
import { storageSize } from './tensors';
import type { Persistent, PickleValue } from './values';
import { isRecord, itemsOf } from './values';

const MAGIC = 0x1950a86a20f9469cfc6cn;
const VERSION = 1001;
/** What the pickles of a state dict take at the most, usually. More is read when they go on. */
const FIRST_WINDOW_BYTES = 2 ** 20;
const LENGTH_BYTES = 8;

export async function openLegacy(blob: Blob, name: string): Promise<Container> {
  const { values, persistent, end } = await readPickles(blob);
  if (values.length === 1) return { value: values[0], storage: () => null };
  const [, version, system, value, keys] = values;
  if (version !== VERSION) throw unreadable(name, 'are of an unknown version of torch.save');
  if (!isLittleEndian(system)) throw unreadable(name, 'have big-endian numbers', 'Save them again on a usual machine.');
  const storages = await locateStorages(blob, name, itemsOf(keys) ?? [], persistent, end);
  return { value, storage: (key) => storages.get(key) ?? null };
}

interface Pickles {
  values: PickleValue[];
  persistent: Persistent[];
  /** Where the first byte behind the last is. */
  end: number;
}

/** The first pickle alone where it is not the magic number. Reads twice as much until the last one is whole. */
async function readPickles(blob: Blob): Promise<Pickles> {
  for (let window = FIRST_WINDOW_BYTES; ; window *= 2) {
    const bytes = await readBytes(blob.slice(0, window));
    try {
      return picklesIn(bytes);
    } catch (error) {
      if (!(error instanceof PickleEnd) || window >= blob.size) throw error;
    }
  }
}

function picklesIn(bytes: Uint8Array): Pickles {
  const values: PickleValue[] = [];
  const persistent: Persistent[] = [];
  let end = 0;
  for (let count = 0; count < 5; count++) {
    const next = unpickle(bytes, end);
    values.push(next.value);
    for (const reference of next.persistent) persistent.push(reference);
    end = next.end;
    if (values[0] !== MAGIC) break;
  }
  return { values, persistent, end };
}

function isLittleEndian(system: PickleValue): boolean {
  if (!isRecord(system) || system.kind !== 'dictionary') return false;
  return system.entries.some(([key, value]) => key === 'little_endian' && value === true);
}

/** Each storage begins with how many numbers it has. */
async function locateStorages(
  blob: Blob,
  name: string,
  keys: readonly PickleValue[],
  persistent: readonly Persistent[],
  start: number,
): Promise<Map<string, NumbersSource>> {
  const sizes = new Map<string, number>();
  for (const reference of persistent) {
    const storage = storageSize(reference);
    if (storage !== null) sizes.set(storage.key, storage.size);
  }
  const storages = new Map<string, NumbersSource>();
  let at = start;
  for (const key of keys) {
    const bytesOfOne = typeof key === 'string' ? sizes.get(key) : undefined;
    if (typeof key !== 'string' || bytesOfOne === undefined) {
      throw unreadable(name, 'are damaged: nothing says what one of their storages holds');
    }
    const length = new DataView((await readBytes(blob.slice(at, at + LENGTH_BYTES))).buffer);
    const size = length.byteLength < LENGTH_BYTES ? NaN : Number(length.getBigUint64(0, true)) * bytesOfOne;
    const from = at + LENGTH_BYTES;
    // Not (>): NaN ends here, too.
    if (!(from + size <= blob.size)) throw unreadable(name, `are damaged: they end inside storage ${quoted(key)}`);
    storages.set(key, { size, read: (begin, end) => readBytes(blob.slice(from + begin, from + end)) });
    at = from + size;
  }
  return storages;
}
