/** The random stream of numpy's legacy `RandomState`: the same seed gives numpy's numbers. */
export interface RandomState {
  /** The next 32 random bits. */
  uint32(): number;
  /** Uniform in [0, 1), of 53 bits (`rand`, `random_sample`). */
  rand(): number;
  /** Standard normal by the polar method (`randn`); equal to numpy's but for the last digit of log and sqrt. */
  randn(): number;
  /** Uniform integer in 0..below − 1 (`randint(0, below)`); `below` is in 1..2^32. */
  randint(below: number): number;
  /** 0..n − 1 in random order (`permutation(n)`). */
  permutation(n: number): Uint32Array;
  /** `k` distinct indices of 0..n − 1 (`choice(n, k, replace=False)`), which shuffles all n. Throws RangeError for k > n. */
  choice(n: number, k: number): Uint32Array;
}

const words = 624;
const shift = 397;

/**
 * Mersenne Twister MT19937 (Matsumoto and Nishimura 1998) seeded and read as `numpy.random.RandomState(seed)` does, so that
 * metrics that shuffle or draw subsets agree with the Python tools to the last digits. For everything else use `rng`.
 * `seed` is an integer in 0..2^32 − 1; RangeError otherwise.
 */
export function randomState(seed: number): RandomState {
  if (!Number.isInteger(seed) || seed < 0 || seed > 0xffff_ffff) {
    throw new RangeError(`seed must be an integer in 0..4294967295, got ${seed}`);
  }
  const state = seeded(seed);
  let next = words;

  const uint32 = (): number => {
    if (next === words) {
      twist(state);
      next = 0;
    }
    let y = state[next++]!;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c_5680;
    y ^= (y << 15) & 0xefc6_0000;
    return (y ^ (y >>> 18)) >>> 0;
  };

  const rand = (): number => {
    const high = uint32() >>> 5;
    const low = uint32() >>> 6;
    return (high * 0x400_0000 + low) / 2 ** 53;
  };

  let spare: number | undefined;
  const randn = (): number => {
    if (spare !== undefined) {
      const value = spare;
      spare = undefined;
      return value;
    }
    for (;;) {
      const x = 2 * rand() - 1;
      const y = 2 * rand() - 1;
      const square = x * x + y * y;
      if (square >= 1 || square === 0) continue;
      const factor = Math.sqrt((-2 * Math.log(square)) / square);
      spare = factor * x;
      return factor * y;
    }
  };

  /** Uniform in 0..max by masking and rejection; draws nothing for max 0. */
  const bounded = (max: number): number => {
    if (max === 0) return 0;
    const mask = 2 ** (32 - Math.clz32(max)) - 1;
    for (;;) {
      const value = (uint32() & mask) >>> 0;
      if (value <= max) return value;
    }
  };

  const permutation = (n: number): Uint32Array => {
    const order = Uint32Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = bounded(i);
      const moved = order[i]!;
      order[i] = order[j]!;
      order[j] = moved;
    }
    return order;
  };

  return {
    uint32,
    rand,
    randn,
    randint(below) {
      if (!Number.isInteger(below) || below < 1 || below > 2 ** 32) {
        throw new RangeError(`randint needs an integer bound in 1..2^32, got ${below}`);
      }
      return bounded(below - 1);
    },
    permutation,
    choice(n, k) {
      if (k > n) throw new RangeError(`choice cannot draw ${k} distinct elements of ${n}`);
      return permutation(n).slice(0, k);
    },
  };
}

function seeded(seed: number): Uint32Array {
  const state = new Uint32Array(words);
  state[0] = seed;
  for (let i = 1; i < words; i++) {
    const previous = state[i - 1]!;
    state[i] = Math.imul(1_812_433_253, previous ^ (previous >>> 30)) + i;
  }
  return state;
}

function twist(state: Uint32Array): void {
  for (let i = 0; i < words; i++) {
    const y = (state[i]! & 0x8000_0000) | (state[(i + 1) % words]! & 0x7fff_ffff);
    state[i] = state[(i + shift) % words]! ^ (y >>> 1) ^ (y & 1 ? 0x9908_b0df : 0);
  }
}
