/** Number of elements of a shape. */
export function elementsOf(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

/** Every position of a tensor, last axis fastest. */
export function* indicesOf(shape: readonly number[]): Generator<number[]> {
  const count = elementsOf(shape);
  const index = shape.map(() => 0);
  for (let n = 0; n < count; n++) {
    yield [...index];
    for (let k = shape.length - 1; k >= 0; k--) {
      index[k]!++;
      if (index[k]! < shape[k]!) break;
      index[k] = 0;
    }
  }
}

/** Where the element at `index` lies in row-major order; axes of size 1 are broadcast, leading axes of `index` ignored. */
export function flatIndex(shape: readonly number[], index: readonly number[]): number {
  const skip = index.length - shape.length;
  let at = 0;
  for (const [k, size] of shape.entries()) at = at * size + (size === 1 ? 0 : index[k + skip]!);
  return at;
}

/** The shape that all of them broadcast to; undefined when they do not. */
export function broadcast(shapes: readonly (readonly number[])[]): number[] | undefined {
  const rank = Math.max(0, ...shapes.map((s) => s.length));
  const out = new Array<number>(rank).fill(1);
  for (const shape of shapes) {
    for (const [k, size] of shape.entries()) {
      const at = rank - shape.length + k;
      if (out[at] === 1) out[at] = size;
      else if (size !== 1 && size !== out[at]) return undefined;
    }
  }
  return out;
}

/** A tensor of `shape` whose elements are read from `x` at the index `from` gives. */
export function gathered<T extends { shape: readonly number[]; items: readonly unknown[] }>(
  x: T,
  shape: readonly number[],
  from: (index: readonly number[]) => readonly number[],
): T {
  return {
    ...x,
    shape,
    items: [...indicesOf(shape)].map((index) => x.items[flatIndex(x.shape, from(index))]),
  };
}

/** A negative axis or position counts from the end. */
export function axisIn(axis: number, size: number): number {
  return axis < 0 ? axis + size : axis;
}
