/** How Resize picks coordinates and weights, after the ONNX operator's definition (opset 13). */
export interface Interpolation {
  mode: 'nearest' | 'linear' | 'cubic';
  /** coordinate_transformation_mode */
  transform: string;
  /** nearest_mode */
  nearest: string;
}

/** Where output position `i` reads the input, in input pixels; single precision, as engines compute it. */
export function sourceCoordinate(
  i: number,
  transform: string,
  scale: number,
  from: number,
  to: number,
): number {
  const f = Math.fround;
  switch (transform) {
    case 'asymmetric':
      return f(i / f(scale));
    case 'align_corners':
      return to === 1 ? 0 : f(f(i * (from - 1)) / (to - 1));
    case 'pytorch_half_pixel':
      return to > 1 ? f(f((i + 0.5) / f(scale)) - 0.5) : 0;
    default:
      return f(f((i + 0.5) / f(scale)) - 0.5);
  }
}

function rounded(x: number, nearest: string): number {
  switch (nearest) {
    case 'floor':
      return Math.floor(x);
    case 'ceil':
      return Math.ceil(x);
    case 'round_prefer_ceil':
      return Math.round(x);
    default:
      return Math.ceil(x - 0.5);
  }
}

/** The input position each output position copies. */
export function nearestSources(scale: number, from: number, to: number, how: Interpolation): number[] {
  return Array.from({ length: to }, (_, i) => {
    const x = scale === 1 ? i : rounded(sourceCoordinate(i, how.transform, scale, from, to), how.nearest);
    return Math.min(Math.max(x, 0), from - 1);
  });
}

/** The weight of input `column` in output `row`: one for each row when nearest, two when linear. */
export function* interpolationWeights(
  scale: number,
  from: number,
  to: number,
  how: Interpolation,
): Generator<[row: number, column: number, weight: number]> {
  if (how.mode === 'nearest' || scale === 1) {
    for (const [i, source] of nearestSources(scale, from, to, how).entries()) yield [i, source, 1];
    return;
  }
  for (let i = 0; i < to; i++) {
    const x = Math.min(Math.max(sourceCoordinate(i, how.transform, scale, from, to), 0), from - 1);
    const low = Math.min(Math.floor(x), from - 1);
    yield [i, low, 1 - (x - low)];
    if (low < from - 1) yield [i, low + 1, x - low];
  }
}
