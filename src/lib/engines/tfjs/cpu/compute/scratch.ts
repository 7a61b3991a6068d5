// Memory that products work in, kept from one call to the next: a new array of doubles costs a page fault for each 4 kB.

/** 16 MB: larger ones (the filters of the widest layers) are rare and would be held for good. */
const KEPT_VALUES = 2 ** 21;

const kept = new Map<string, Float64Array>();

/** At least `size` doubles of whatever was there before. One user at a time for each name. */
export function scratch(name: string, size: number): Float64Array {
  const existing = kept.get(name);
  if (existing !== undefined && existing.length >= size) return existing;
  const made = new Float64Array(size);
  if (size <= KEPT_VALUES) kept.set(name, made);
  return made;
}
