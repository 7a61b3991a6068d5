// States of any size: a browser refuses a record of more than some 130 MB (Chromium 127 MiB), which ResNet-50 with AdamW is more than
// twice. A large state is kept in parts, in the transaction of its checkpoint; a small one in its own record.

import type { TrainState } from '$lib/engines/contract';
import type { CheckpointStateRecord, StatePartRecord } from './schema';

/** Small enough for every browser, and for what is copied between processes at once. */
export const STATE_PART_BYTES = 32 * 1024 * 1024;

/** A transaction that writes both stores, whatever else it does. */
interface StateWrite {
  objectStore(name: 'states'): {
    add(record: CheckpointStateRecord): Promise<unknown>;
    delete(key: string): Promise<void>;
  };
  objectStore(name: 'stateParts'): {
    add(record: StatePartRecord): Promise<unknown>;
    delete(keys: IDBKeyRange): Promise<void>;
  };
}

/** Bytes of everything that must be kept to go on. */
export function stateBytes(state: TrainState): number {
  return arraysOf(state).reduce((sum, { values }) => sum + values.byteLength, 0);
}

export async function addState(transaction: StateWrite, id: string, state: TrainState): Promise<void> {
  if (stateBytes(state) <= STATE_PART_BYTES) {
    await transaction.objectStore('states').add({ checkpointId: id, state });
    return;
  }
  let parts = 0;
  for (const pieces of inParts(state)) await transaction.objectStore('stateParts').add({ id, part: parts++, pieces });
  await transaction.objectStore('states').add({ checkpointId: id, state: emptied(state), parts });
}

/** Whole again, in the order in which it was given. `part` reads a part. */
export async function wholeState(
  { state, parts = 0 }: CheckpointStateRecord,
  part: (number: number) => Promise<StatePartRecord | undefined>,
): Promise<TrainState> {
  if (parts === 0) return state;
  const whole = emptied(state);
  for (let number = 0; number < parts; number++) {
    for (const { kind, name, at, length, values } of (await part(number))?.pieces ?? []) {
      const into = whole[kind] ?? new Map<string, Float32Array>();
      const array = at === 0 ? new Float32Array(length) : (into.get(name) ?? new Float32Array(length));
      array.set(values, at);
      into.set(name, array);
    }
  }
  return whole;
}

export async function deleteState(transaction: StateWrite, id: string): Promise<void> {
  await transaction.objectStore('states').delete(id);
  await transaction.objectStore('stateParts').delete(partsOf(id));
}

/** Keys of all parts of a state. */
export function partsOf(id: string): IDBKeyRange {
  return IDBKeyRange.bound([id, 0], [id, Infinity]);
}

type Piece = StatePartRecord['pieces'][number];

function arraysOf(state: TrainState): { kind: Piece['kind']; name: string; values: Float32Array }[] {
  return (['parameters', 'ema', 'optimizer'] as const).flatMap((kind) =>
    [...(state[kind] ?? [])].map(([name, values]) => ({ kind, name, values })),
  );
}

/** The names in their order, without values. */
function emptied(state: TrainState): TrainState {
  const names = (values: ReadonlyMap<string, Float32Array>): Map<string, Float32Array> =>
    new Map([...values.keys()].map((name) => [name, new Float32Array(0)]));
  const { step, parameters, optimizer, ema } = state;
  return { step, parameters: names(parameters), optimizer: names(optimizer), ...(ema && { ema: names(ema) }) };
}

/** Filled one after the other, each when it is asked for; a long array is cut. */
function* inParts(state: TrainState): Generator<Piece[], void> {
  const limit = STATE_PART_BYTES / Float32Array.BYTES_PER_ELEMENT;
  let pieces: Piece[] = [];
  let room = limit;
  for (const { kind, name, values } of arraysOf(state)) {
    const { length } = values;
    let at = 0;
    do {
      // A copy: of a view the whole buffer behind it would be stored.
      const piece = values.slice(at, at + room);
      pieces.push({ kind, name, at, length, values: piece });
      at += piece.length;
      room -= piece.length;
      if (room > 0) continue;
      yield pieces;
      [pieces, room] = [[], limit];
    } while (at < length);
  }
  if (pieces.length > 0) yield pieces;
}
