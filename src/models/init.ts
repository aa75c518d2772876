import { float32, type Graph, sizeOf, type Value } from '../graph/graph.ts';
import { isPlainNorm } from '../ops/plain-norm.ts';
import { iterated, type SpectralNorm, spectralNorms } from '../ops/spectral-norm.ts';
import { type Rng, rng } from '../util/rng.ts';

export type Initialiser = 'normal' | 'xavier' | 'kaiming' | 'orthogonal';

export interface InitialiseOptions {
  init?: Initialiser;
  /** Standard deviation of `normal`, factor of `xavier` and `orthogonal`, and spread of batch-norm scales around 1. */
  gain?: number;
  seed: number;
}

/**
 * Fills a network's parameters and returns it. Weights of convolutions and products, as PyTorch's initialisers of the
 * same names: normal N(0, gain²), xavier N(0, gain²·2/(in + out)), kaiming N(0, 2/in), orthogonal gain·Q; in and out are
 * the second and the first axis times the kernel's area, for transposed convolutions as well. Their biases 0; batch-norm
 * scale N(1, gain²), shift 0, mean 0, variance 1. The vectors of spectral norms are drawn at random and brought near to the
 * singular ones by 15 power iterations, as PyTorch does. Each parameter's numbers depend only on the seed and its name.
 */
export function initialise(graph: Graph, { init = 'normal', gain = 0.02, seed }: InitialiseOptions): Graph {
  const fill = (value: Value | null | undefined, make: (data: Float32Array, random: Rng) => void) => {
    if (!value?.tensor || value.dtype !== 'float32') return;
    const data = new Float32Array(sizeOf(value.shape));
    make(data, rng(seed, `initialise:${value.name}`));
    value.tensor = float32(value.tensor.shape, data);
  };
  const norms = spectralNorms(graph);
  const normed = new Map<Value, SpectralNorm>(norms.map((norm) => [norm.result, norm]));
  for (const node of graph.nodes) {
    const { op, inputs } = node;
    switch (op) {
      case 'Conv':
      case 'ConvTranspose':
      case 'Gemm':
      case 'MatMul': {
        const weight = inputs[1]?.node ? normed.get(inputs[1])?.weight : inputs[1];
        if (weight && weight.shape.length > 1) {
          fill(weight, (data, random) =>
            fillWeight(data, weight.shape as readonly number[], init, gain, random),
          );
        }
        fill(inputs[2], () => {});
        break;
      }
      case 'BatchNormalization': {
        const [, scale, shift, mean, variance] = inputs;
        if (!isPlainNorm(node)) {
          fill(scale, (data, random) => {
            for (let i = 0; i < data.length; i++) data[i] = 1 + gain * random.normal();
          });
          fill(shift, () => {});
        }
        fill(mean, () => {});
        fill(variance, (data) => data.fill(1));
        break;
      }
    }
  }
  for (const { weight, u, v } of norms) {
    fill(u, (data, random) => random.fillNormal(data, 1));
    const near = iterated(weight.tensor!, u.tensor!, 15);
    u.tensor = near.u;
    v.tensor = near.v;
  }
  return graph;
}

function fillWeight(
  data: Float32Array,
  shape: readonly number[],
  init: Initialiser,
  gain: number,
  random: Rng,
): void {
  const [rows, columns] = [shape[0]!, shape[1]!];
  const area = data.length / (rows * columns);
  switch (init) {
    case 'normal':
      random.fillNormal(data, gain);
      break;
    case 'xavier':
      random.fillNormal(data, gain * Math.sqrt(2 / ((rows + columns) * area)));
      break;
    case 'kaiming':
      random.fillNormal(data, Math.sqrt(2 / (columns * area)));
      break;
    case 'orthogonal':
      fillOrthogonal(data, rows, gain, random);
  }
}

/** Rows (or, where there are more rows than columns, columns) of length `gain` at right angles, uniformly drawn. */
function fillOrthogonal(data: Float32Array, rows: number, gain: number, random: Rng): void {
  const columns = data.length / rows;
  const [count, length] = rows <= columns ? [rows, columns] : [columns, rows];
  const basis: Float64Array[] = [];
  while (basis.length < count) {
    const v = Float64Array.from({ length }, () => random.normal());
    // Gram–Schmidt, twice: one pass leaves errors in the directions that nearly agreed.
    for (let pass = 0; pass < 2; pass++) for (const b of basis) addScaled(v, b, -dot(v, b));
    const norm = Math.sqrt(dot(v, v));
    basis.push(v.map((x) => x / norm));
  }
  for (const [k, b] of basis.entries()) {
    for (let i = 0; i < length; i++) data[rows <= columns ? k * columns + i : i * columns + k] = gain * b[i]!;
  }
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function addScaled(a: Float64Array, b: Float64Array, scale: number): void {
  for (let i = 0; i < a.length; i++) a[i]! += scale * b[i]!;
}
