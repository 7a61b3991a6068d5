// Damages files as disks, networks and editors do: changed, lost, doubled and inserted bytes.
import { integer, stream } from '$lib/core/random';
import type { RandomStream } from '$lib/core/random';

function mutateOnce(bytes: Uint8Array, random: RandomStream, edge: number): Uint8Array {
  const kind = integer(random, 5);
  // Headers are where a reader can go wrong: half of the damage is done there.
  const at = integer(random, random() < 0.5 ? Math.min(edge, bytes.length) : bytes.length);
  const length = 1 + integer(random, 16);
  switch (kind) {
    case 0: {
      const changed = bytes.slice();
      changed[at] = integer(random, 256);
      return changed;
    }
    case 1:
      return bytes.slice(0, at);
    case 2:
      return join(bytes.subarray(0, at), bytes.subarray(at + length));
    case 3:
      return join(bytes.subarray(0, at + length), bytes.subarray(at));
    default: {
      const inserted = Uint8Array.from({ length }, () => integer(random, 256));
      return join(bytes.subarray(0, at), inserted, bytes.subarray(at));
    }
  }
}

function join(...parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** `count` damaged copies, one to three changes each; `edge` is where the header ends. Same seed, same copies. */
export function* mutations(
  bytes: Uint8Array,
  count: number,
  edge: number,
  seed = 1,
): Generator<Uint8Array<ArrayBuffer>> {
  for (let index = 0; index < count; index++) {
    const random = stream(seed, 'mutation', index);
    let mutated = bytes;
    for (let change = integer(random, 3); change >= 0; change--) mutated = mutateOnce(mutated, random, edge);
    yield new Uint8Array(mutated);
  }
}
