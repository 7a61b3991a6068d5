// SHA-256 of bytes that come in pieces, after FIPS 180-4. The browser's own digest is faster but wants everything in one buffer,
// which a download of a gigabyte must not need.

const BLOCK = 64;

/** The first 32 bits of the fractional parts of a root of the first primes: of the square root for the state, the cube root for the rounds. */
function fractions(count: number, exponent: number): Uint32Array {
  const words = new Uint32Array(count);
  for (let candidate = 2, found = 0; found < count; candidate++) {
    if (!isPrime(candidate)) continue;
    const root = candidate ** exponent;
    words[found++] = (root - Math.floor(root)) * 2 ** 32;
  }
  return words;
}

function isPrime(value: number): boolean {
  for (let divisor = 2; divisor * divisor <= value; divisor++) if (value % divisor === 0) return false;
  return true;
}

const START = fractions(8, 1 / 2);
const ROUNDS = fractions(64, 1 / 3);

export interface Hasher {
  update(bytes: Uint8Array): void;
  /** Hex. The hasher is used up. */
  digest(): string;
}

export function createSha256(): Hasher {
  const state = Uint32Array.from(START);
  const words = new Int32Array(64);
  const rest = new Uint8Array(BLOCK);
  let resting = 0;
  let length = 0;

  function compress(bytes: Uint8Array, offset: number): void {
    for (let i = 0; i < 16; i++, offset += 4) {
      words[i] = (bytes[offset] << 24) | (bytes[offset + 1] << 16) | (bytes[offset + 2] << 8) | bytes[offset + 3];
    }
    for (let i = 16; i < 64; i++) {
      const x = words[i - 15];
      const y = words[i - 2];
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      words[i] = (words[i - 16] + s0 + words[i - 7] + s1) | 0;
    }
    // Local variables stay in registers, which makes this twice as fast as an array of eight.
    let a = state[0] | 0;
    let b = state[1] | 0;
    let c = state[2] | 0;
    let d = state[3] | 0;
    let e = state[4] | 0;
    let f = state[5] | 0;
    let g = state[6] | 0;
    let h = state[7] | 0;
    for (let i = 0; i < 64; i++) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const t1 = (h + s1 + ((e & f) ^ (~e & g)) + ROUNDS[i] + words[i]) | 0;
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + t1) | 0;
      d = c;
      c = b;
      b = a;
      a = (t1 + t2) | 0;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
    state[5] += f;
    state[6] += g;
    state[7] += h;
  }

  function update(bytes: Uint8Array): void {
    length += bytes.length;
    let offset = 0;
    if (resting > 0) {
      offset = Math.min(BLOCK - resting, bytes.length);
      rest.set(bytes.subarray(0, offset), resting);
      resting += offset;
      if (resting < BLOCK) return;
      compress(rest, 0);
      resting = 0;
    }
    for (; offset + BLOCK <= bytes.length; offset += BLOCK) compress(bytes, offset);
    rest.set(bytes.subarray(offset));
    resting = bytes.length - offset;
  }

  return {
    update,
    digest() {
      const bits = BigInt(length) * 8n;
      const padding = new Uint8Array((resting < 56 ? 56 : 120) - resting + 8);
      padding[0] = 0x80;
      new DataView(padding.buffer).setBigUint64(padding.length - 8, bits);
      update(padding);
      return Array.from(state, (word) => word.toString(16).padStart(8, '0')).join('');
    },
  };
}
