/** weights[o, i, t] ≈ gains[o, i] · kernels[i, t]. */
export interface RankOne {
  /** [inputs, taps], each kernel of length 1 and of sum 0 or more. */
  kernels: Float32Array;
  /** [outputs, inputs]. */
  gains: Float32Array;
}

/**
 * The best product of one kernel for each input channel and one number for each pair of channels, in the least-squares sense:
 * for each input the first singular vectors of its [outputs, taps] slice, by power iteration. An input without weights gets
 * the kernel that copies its middle tap.
 */
export function rankOne(weights: ArrayLike<number>, outputs: number, inputs: number, taps: number): RankOne {
  const kernels = new Float32Array(inputs * taps);
  const gains = new Float32Array(outputs * inputs);
  for (let i = 0; i < inputs; i++) {
    const at = (o: number, t: number) => weights[(o * inputs + i) * taps + t]!;
    const kernel = firstSingularVector(at, outputs, taps);
    kernels.set(kernel, i * taps);
    for (let o = 0; o < outputs; o++) {
      let gain = 0;
      for (let t = 0; t < taps; t++) gain += at(o, t) * kernel[t]!;
      gains[o * inputs + i] = gain;
    }
  }
  return { kernels, gains };
}

/** Unit vector v of the largest |M·v|, from the rows' second moments Mᵀ·M. */
function firstSingularVector(at: (o: number, t: number) => number, rows: number, taps: number): Float64Array {
  const moments = new Float64Array(taps * taps);
  for (let o = 0; o < rows; o++) {
    for (let a = 0; a < taps; a++) {
      for (let b = 0; b < taps; b++) moments[a * taps + b]! += at(o, a) * at(o, b);
    }
  }
  if (moments.every((m) => m === 0))
    return Float64Array.from({ length: taps }, (_, t) => Number(t === taps >> 1));
  // A start at right angles to the answer would never reach it; these numbers have no pattern kernels share.
  let v: Float64Array = Float64Array.from({ length: taps }, (_, t) => 2 + Math.cos(5 * t * t + 1));
  for (let round = 0; round < 200; round++) {
    const next = new Float64Array(taps);
    for (let a = 0; a < taps; a++) {
      for (let b = 0; b < taps; b++) next[a]! += moments[a * taps + b]! * v[b]!;
    }
    const before = v;
    v = unit(next);
    if (v.every((x, t) => Math.abs(x - before[t]!) < 1e-9)) break;
  }
  const sum = v.reduce((a, b) => a + b, 0);
  return sum < 0 ? v.map((x) => -x) : v;
}

function unit(v: Float64Array): Float64Array {
  const length = Math.sqrt(v.reduce((a, b) => a + b * b, 0));
  return v.map((x) => x / length);
}
