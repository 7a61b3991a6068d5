// Seeded random streams. Every random decision of a run comes from a stream named after what it decides,
// so that two decisions never disturb each other and a resumed run draws what the first one would have drawn.

/** 32-bit FNV-1a hash of the UTF-8 bytes of `text`. */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/** A source of numbers in [0, 1). */
export type RandomStream = () => number;

/** mulberry32 (T. Ettinger): 32 bits of state, one multiplication chain a number, good enough for sampling. */
export function mulberry32(seed: number): RandomStream {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/**
 * The stream for one named decision, e.g. `stream(seed, 'order', epoch)` or `stream(seed, 'augment', epoch, index)`.
 * Same arguments, same numbers, on every machine.
 */
export function stream(seed: number, ...name: (string | number)[]): RandomStream {
  return mulberry32(fnv1a(`${seed}/${name.join('/')}`));
}

/** A number from the standard normal distribution (Box and Muller). Draws two numbers of the stream. */
export function normal(random: RandomStream): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random()));
  return radius * Math.cos(2 * Math.PI * random());
}

/** An integer in [0, limit). */
export function integer(random: RandomStream, limit: number): number {
  return Math.floor(random() * limit);
}

/** Fisher-Yates, in place; returns its argument. */
export function shuffle<T extends { length: number; [index: number]: unknown }>(items: T, random: RandomStream): T {
  for (let last = items.length - 1; last > 0; last--) {
    const other = integer(random, last + 1);
    const kept = items[last];
    items[last] = items[other];
    items[other] = kept;
  }
  return items;
}
