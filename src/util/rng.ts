import { hash } from 'node:crypto';

/** A stream of random numbers. The same key gives the same numbers on every machine. */
export interface Rng {
  /** Uniform in [0, 1), or in [lo, hi). */
  uniform(lo?: number, hi?: number): number;
  /** Uniform integer in lo..hiInclusive, without modulo bias. */
  int(lo: number, hiInclusive: number): number;
  /** Standard normal (Box–Muller). */
  normal(): number;
  /** Shuffles in place (Fisher–Yates) and returns the same array. */
  shuffle<T extends Shufflable>(array: T): T;
  /** One element of a non-empty array. */
  choice<T>(array: readonly T[]): T;
  /** Fills with normals of mean 0 and standard deviation `std`, and returns the array. */
  fillNormal(array: Float32Array, std?: number): Float32Array;
  /** Fills with uniforms in [lo, hi), default [0, 1), and returns the array. */
  fillUniform(array: Float32Array, lo?: number, hi?: number): Float32Array;
}

type Shufflable = unknown[] | Int32Array | Uint32Array | Float32Array;

/**
 * The random stream of one purpose at one step. It is a pure function of (seed, purpose, step), so a resumed
 * run needs no saved state: step 1000 draws the same numbers whether or not steps 0…999 ran in this process.
 *
 * Philox4x32-10: the key is a hash of seed and purpose, the counter is (block, 0, step low, step high), so
 * streams of different steps never overlap. `step` is an integer in 0..2^53−1; a stream holds 2^34 words.
 */
export function rng(seed: number, purpose: string, step = 0): Rng {
  if (!Number.isSafeInteger(seed)) throw new RangeError(`seed must be an integer, got ${seed}`);
  if (!Number.isSafeInteger(step) || step < 0) throw new RangeError(`step must be 0 or more, got ${step}`);
  const digest = hash('sha256', `${seed}\0${purpose}`, 'buffer');
  const key0 = digest.readUInt32LE(0);
  const key1 = digest.readUInt32LE(4);
  const stepLow = step >>> 0;
  const stepHigh = Math.floor(step / 0x1_0000_0000);

  const words = new Uint32Array(4);
  let block = 0;
  let used = 4;
  const word = (): number => {
    if (used === 4) {
      philox4x32(block++, 0, stepLow, stepHigh, key0, key1, words);
      used = 0;
    }
    return words[used++] as number;
  };

  let spare: number | undefined;
  const normal = (): number => {
    if (spare !== undefined) {
      const value = spare;
      spare = undefined;
      return value;
    }
    // 1 − u lies in (0, 1], where the logarithm is finite.
    const radius = Math.sqrt(-2 * Math.log(1 - word() * 2 ** -32));
    const angle = 2 * Math.PI * word() * 2 ** -32;
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };

  const int = (lo: number, hiInclusive: number): number => {
    const range = hiInclusive - lo + 1;
    if (!Number.isSafeInteger(lo) || !(range >= 1 && range <= 2 ** 32)) {
      throw new RangeError(`int(lo, hi) needs integers lo <= hi, got ${lo} and ${hiInclusive}`);
    }
    const limit = Math.floor(2 ** 32 / range) * range;
    let drawn = word();
    while (drawn >= limit) drawn = word();
    return lo + (drawn % range);
  };

  return {
    uniform: (lo = 0, hi = 1) => lo + (hi - lo) * word() * 2 ** -32,
    int,
    normal,
    shuffle(array) {
      for (let i = array.length - 1; i > 0; i--) {
        const j = int(0, i);
        const moved = array[i];
        array[i] = array[j] as never;
        array[j] = moved as never;
      }
      return array;
    },
    choice(array) {
      if (array.length === 0) throw new RangeError('choice needs a non-empty array');
      return array[int(0, array.length - 1)]!;
    },
    fillNormal(array, std = 1) {
      for (let i = 0; i < array.length; i++) array[i] = std * normal();
      return array;
    },
    fillUniform(array, lo = 0, hi = 1) {
      // 24 bits: all of them fit a float32, so rounding cannot reach 1.
      for (let i = 0; i < array.length; i++) array[i] = lo + (hi - lo) * (word() >>> 8) * 2 ** -24;
      return array;
    },
  };
}

/**
 * One block of Philox4x32 with 10 rounds: four 32-bit words from a 128-bit counter and a 64-bit key
 * (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3", §4.3).
 */
export function philox4x32(
  c0: number,
  c1: number,
  c2: number,
  c3: number,
  k0: number,
  k1: number,
  out: Uint32Array,
): void {
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(0xd251_1f53, c0);
    const high1 = multiplyHigh(0xcd9e_8d57, c2);
    const low0 = Math.imul(0xd251_1f53, c0);
    const low1 = Math.imul(0xcd9e_8d57, c2);
    c0 = high1 ^ c1 ^ k0;
    c1 = low1;
    c2 = high0 ^ c3 ^ k1;
    c3 = low0;
    k0 = (k0 + 0x9e37_79b9) | 0;
    k1 = (k1 + 0xbb67_ae85) | 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/** Upper 32 bits of the 64-bit product of two unsigned 32-bit integers. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = (middle & 0xffff) + aLow * bHigh;
  return (aHigh * bHigh + Math.floor(middle / 0x1_0000) + Math.floor(carry / 0x1_0000)) | 0;
}
