// What a pickle holds, as inert records. Nothing here is ever called: a class or function is a name, a call is a note of what would
// have been called with what.

export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | List
  | Tuple
  | Dictionary
  | Collection
  | Global
  | Call
  | Persistent;

export interface List {
  kind: 'list';
  items: PickleValue[];
}

export interface Tuple {
  kind: 'tuple';
  items: readonly PickleValue[];
}

/** Keys as they come: a later entry replaces an earlier one of the same key. */
export interface Dictionary {
  kind: 'dictionary';
  entries: [key: PickleValue, value: PickleValue][];
}

export interface Collection {
  kind: 'set';
  items: PickleValue[];
}

/** The name of a class or function: 'torch._utils', '_rebuild_tensor_v2'. */
export interface Global {
  kind: 'global';
  module: string;
  name: string;
}

/** An object that Python would have made by calling `callee`, with what was put into it afterwards. */
export interface Call {
  kind: 'call';
  callee: PickleValue;
  args: PickleValue;
  /** By BUILD; null without one. */
  state: PickleValue;
  /** By APPEND, when it is a kind of list. */
  items: PickleValue[];
  /** By SETITEM, when it is a kind of dictionary. */
  entries: [key: PickleValue, value: PickleValue][];
}

/** A reference to what lies outside of the pickle: a storage. */
export interface Persistent {
  kind: 'persistent';
  id: PickleValue;
}

/** True for the records among the values. */
export function isRecord(
  value: PickleValue,
): value is Exclude<PickleValue, string | number | bigint | boolean | null | Uint8Array> {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array);
}

/** 'torch.FloatStorage' of a global, '' of anything else. */
export function globalName(value: PickleValue): string {
  return isRecord(value) && value.kind === 'global' ? `${value.module}.${value.name}` : '';
}

/** Items of a list or tuple, else null. */
export function itemsOf(value: PickleValue): readonly PickleValue[] | null {
  return isRecord(value) && (value.kind === 'list' || value.kind === 'tuple') ? value.items : null;
}

/** A whole number from 0 on that is exact, else null. */
export function countOf(value: PickleValue): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;
}
