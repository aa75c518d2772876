/** A way from one latent to another: t = 0 is `a`, t = 1 is `b`. */
export type Interpolation = (a: Float64Array, b: Float64Array, t: number) => Float64Array;

/** Straight line: for mapped latents (W). */
export const lerp: Interpolation = (a, b, t) => a.map((x, i) => x + (b[i]! - x) * t);

/**
 * Great circle between the directions of a and b (StyleGAN). The result has length 1, which is harmless only for generators
 * whose mapping network normalises its latents.
 */
export const slerpUnit: Interpolation = (a, b, t) => {
  const [from, to] = [normalised(a), normalised(b)];
  const cosine = dot(from, to);
  const angle = t * Math.acos(Math.min(Math.max(cosine, -1), 1));
  const across = normalised(to.map((x, i) => x - cosine * from[i]!));
  return normalised(from.map((x, i) => x * Math.cos(angle) + across[i]! * Math.sin(angle)));
};

/**
 * Great circle between raw latents (DCGAN, BigGAN, SNGAN): sin((1 − t)Ω)/sin Ω·a + sin(tΩ)/sin Ω·b, which keeps their lengths.
 * A straight line where one is 0 or they are parallel (|cos Ω| > 1 − 1e-7).
 */
export const slerpAny: Interpolation = (a, b, t) => {
  const cosine = dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
  if (!(Math.abs(cosine) <= 1 - 1e-7)) return lerp(a, b, t);
  const angle = Math.acos(cosine);
  const [wa, wb] = [Math.sin((1 - t) * angle) / Math.sin(angle), Math.sin(t * angle) / Math.sin(angle)];
  return a.map((x, i) => wa * x + wb * b[i]!);
};

export const interpolations = { lerp, slerpUnit, slerpAny } as const;
export type InterpolationName = keyof typeof interpolations;

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** The zero vector stays: equal directions have no way across. */
function normalised(x: Float64Array): Float64Array {
  const length = Math.sqrt(dot(x, x));
  return length > 0 ? x.map((value) => value / length) : x.slice();
}
