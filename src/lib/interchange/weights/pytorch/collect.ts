// Finds the tensors in what a pickle holds, however they are nested, and names each by its path: 'state_dict.conv1.weight'. A module
// that was pickled whole gives the names of its state dict.

import { globalName, isRecord, itemsOf } from './values';
import type { Call, PickleValue } from './values';
import { PickleError } from './reader';
import { interpretTensor } from './tensors';
import type { TensorRecord } from './tensors';

export interface Collected {
  tensors: ReadonlyMap<string, TensorRecord>;
  /** Why tensors were left out, with how many: 'quantised' -> 12. */
  left: ReadonlyMap<string, number>;
}

/** Deeper than any net is nested. */
const MOST_DEPTH = 64;
/** Records that refer to each other can stand for exponentially many paths. */
const MOST_VISITS = 500_000;

/** Throws PickleError where there is no end to it. */
export function collectTensors(root: PickleValue): Collected {
  const tensors = new Map<string, TensorRecord>();
  const left = new Map<string, number>();
  let visits = 0;

  function visit(value: PickleValue, path: string, depth: number): void {
    if (++visits > MOST_VISITS) throw new PickleError('nests its contents without end');
    if (!isRecord(value) || depth > MOST_DEPTH) return;
    if (value.kind === 'call') visitCall(value, path, depth);
    else if (value.kind === 'dictionary') visitEntries(value.entries, path, depth);
    else itemsOf(value)?.forEach((item, index) => visit(item, joined(path, String(index)), depth + 1));
  }

  function visitEntries(entries: readonly (readonly [PickleValue, PickleValue])[], path: string, depth: number): void {
    for (const [key, value] of entries) {
      if (typeof key === 'string' || typeof key === 'number') visit(value, joined(path, String(key)), depth + 1);
    }
  }

  function visitCall(record: Call, path: string, depth: number): void {
    const tensor = interpretTensor(record);
    if (tensor !== null) {
      if ('unsupported' in tensor) left.set(tensor.unsupported, (left.get(tensor.unsupported) ?? 0) + 1);
      // The last of two of one name wins, as in Python.
      else tensors.set(path, tensor);
      return;
    }
    visitEntries(record.entries, path, depth);
    record.items.forEach((item, index) => visit(item, joined(path, String(index)), depth + 1));
    const state = stateOf(record);
    if (state !== null) visitModule(state, path, depth);
    else if (isOrderedDictionary(record)) visitPairs(record, path, depth);
  }

  /** OrderedDict([[key, value], ...]), as Python 2 wrote it. */
  function visitPairs(record: Call, path: string, depth: number): void {
    for (const pair of itemsOf(itemsOf(record.args)?.at(0) ?? null) ?? []) {
      const [key = null, value = null] = itemsOf(pair) ?? [];
      visitEntries([[key, value]], path, depth);
    }
  }

  /** The attributes of an object; those of a torch.nn.Module keep its tensors in three dictionaries. */
  function visitModule(state: ReadonlyMap<string, PickleValue>, path: string, depth: number): void {
    const parts = ['_parameters', '_buffers', '_modules'].flatMap((key) => {
      const part = state.get(key);
      return part === undefined ? [] : [part];
    });
    if (parts.length === 0) return visitEntries([...state], path, depth);
    for (const part of parts) visit(part, path, depth + 1);
  }

  visit(root, '', 0);
  return { tensors, left };
}

function joined(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

function isOrderedDictionary(record: Call): boolean {
  return globalName(record.callee) === 'collections.OrderedDict';
}

/** Attributes by name; null for an object without any and for OrderedDict, whose attributes are remarks about the net's versions. */
function stateOf(record: Call): Map<string, PickleValue> | null {
  const { state } = record;
  if (!isRecord(state) || state.kind !== 'dictionary' || isOrderedDictionary(record)) return null;
  const attributes = new Map<string, PickleValue>();
  for (const [key, value] of state.entries) if (typeof key === 'string') attributes.set(key, value);
  return attributes;
}
