import type { Tensor } from '../../src/graph/graph.ts';

/** The numbers of test/fixtures/formula.py: `count` values in [−1, 1) that depend on the name alone. */
export function uniform(name: string, count: number): Float64Array {
  let seed = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) seed = Math.imul(seed ^ byte, 0x01000193);
  const values = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    let x = (seed + Math.imul(i, 0x9e3779b9)) >>> 0;
    x ^= x >>> 16;
    x = Math.imul(x, 0x85ebca6b);
    x ^= x >>> 13;
    x = Math.imul(x, 0xc2b2ae35);
    x ^= x >>> 16;
    values[i] = (x >>> 0) / 2 ** 31 - 1;
  }
  return values;
}

/** The tensor of a state dict called `name`, as `weight` in formula.py. */
export function weight(name: string, shape: readonly number[]): Float32Array {
  const count = shape.reduce((a, b) => a * b, 1);
  const scale = Math.sqrt(6 / (count / shape[0]!));
  const rule = name.endsWith('running_var')
    ? [1, 0.5]
    : shape.length > 1
      ? [0, scale]
      : [name.endsWith('weight') ? 1 : 0, 0.1];
  const values = uniform(name, count);
  const data = new Float32Array(count);
  const linear = name.startsWith('lin');
  for (let i = 0; i < count; i++) data[i] = linear ? Math.abs(values[i]!) : rule[0]! + rule[1]! * values[i]!;
  return data;
}

/** Pictures as `image` in formula.py. */
export function image(name: string, shape: readonly number[]): Tensor {
  const count = shape.reduce((a, b) => a * b, 1);
  return { dtype: 'float32', shape, data: Float32Array.from(uniform(name, count)) };
}
