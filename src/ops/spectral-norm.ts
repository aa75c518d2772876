import { float32, type Graph, type Node, sizeOf, type Tensor, type Value } from '../graph/graph.ts';
import { div, max, mul, sqrt } from './elementwise.ts';
import { reduceSum } from './reduce.ts';

/**
 * A weight divided by its largest singular value σ, as a network holds it (Miyato et al. 2018, §2.1): σ = uᵀWv, the weight
 * seen as a matrix with a row for each filter. `u` [out, 1, …] and `v` [1, in, …] are running state that `powerIteration`
 * brings nearer to the singular vectors once in each training step.
 */
export interface SpectralNorm {
  readonly weight: Value;
  readonly u: Value;
  readonly v: Value;
  /** The first node that reads them, W·u. */
  readonly node: Node;
  /** W/σ. */
  readonly result: Value;
}

const vectorName = /\.spectral\.[uv]$/;

/**
 * The weight `<layer>.weight` divided by σ = uᵀWv, with new constants `<layer>.spectral.u` and `.v`, zero until `initialise`
 * draws them. Gradients flow through W in σ too, u and v are constants to them.
 */
export function spectralWeight(weight: Value, layer: string): Value {
  const { graph } = weight;
  const shape = weight.shape as readonly number[];
  const vector = (name: string, sizes: readonly number[]) =>
    graph.constant(float32(sizes, new Float32Array(sizeOf(sizes))), `${layer}.spectral.${name}`);
  const u = vector(
    'u',
    shape.map((d, k) => (k === 0 ? d : 1)),
  );
  const v = vector(
    'v',
    shape.map((d, k) => (k === 0 ? 1 : d)),
  );
  return graph.scoped(`${layer}.spectral`, () =>
    div(
      weight,
      reduceSum(
        mul(mul(weight, u), v),
        shape.map((_, k) => k),
      ),
    ),
  );
}

/** The spectral norms of a network, in order; known by the names of their vectors. */
export function spectralNorms(graph: Graph): SpectralNorm[] {
  const readers = new Map<Value, Node>();
  for (const node of graph.nodes) for (const x of node.inputs) if (x?.node) readers.set(x, node);
  return graph.nodes.flatMap((node): SpectralNorm[] => {
    const [weight, u] = node.inputs;
    if (node.op !== 'Mul' || !weight || !u || !isSpectralVector(u) || isSpectralVector(weight)) return [];
    const outer = readers.get(node.outputs[0]!);
    const v = outer?.inputs.find((x) => x && isSpectralVector(x));
    const sum = outer && readers.get(outer.outputs[0]!);
    const result = sum && readers.get(sum.outputs[0]!)?.outputs[0];
    return v && result && weight.tensor ? [{ weight, u, v, node, result }] : [];
  });
}

/** Whether a value is a vector of a spectral norm: state of training, not a weight. */
export function isSpectralVector(value: Value): boolean {
  return !!value.tensor && vectorName.test(value.name);
}

/** One power iteration: v′ = Wᵀu/‖Wᵀu‖, u′ = Wv′/‖Wv′‖, as torch.nn.utils.spectral_norm makes it. */
export function powerIteration(weight: Value, u: Value): { u: Value; v: Value } {
  const rest = weight.shape.map((_, k) => k).slice(1);
  const v = normalised(reduceSum(mul(weight, u), [0]));
  return { u: normalised(reduceSum(mul(weight, v), rest)), v };
}

function normalised(x: Value): Value {
  const length = sqrt(
    reduceSum(
      mul(x, x),
      x.shape.map((_, k) => k),
    ),
  );
  return div(x, max(length, 1e-12));
}

/** `count` power iterations on numbers: the vectors after them, of lengths 1. */
export function iterated(weight: Tensor, u: Tensor, count: number): { u: Tensor; v: Tensor } {
  const rows = weight.shape[0]!;
  const columns = weight.data.length / rows;
  const w = weight.data as Float32Array;
  let left = Float64Array.from(u.data as Float32Array);
  let right = new Float64Array(columns);
  for (let i = 0; i < count; i++) {
    right = new Float64Array(columns);
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < columns; c++) right[c]! += w[r * columns + c]! * left[r]!;
    scaleToOne(right);
    left = new Float64Array(rows);
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < columns; c++) left[r]! += w[r * columns + c]! * right[c]!;
    scaleToOne(left);
  }
  const shape = weight.shape.map((d, k) => (k === 0 ? 1 : d));
  return { u: float32(u.shape, Float32Array.from(left)), v: float32(shape, Float32Array.from(right)) };
}

function scaleToOne(x: Float64Array): void {
  const length = Math.max(Math.sqrt(x.reduce((sum, value) => sum + value * value, 0)), 1e-12);
  for (let i = 0; i < x.length; i++) x[i]! /= length;
}

/** σ = uᵀWv of a weight as it stands. */
export function spectralSigma({ weight, u, v }: Pick<SpectralNorm, 'weight' | 'u' | 'v'>): number {
  const [w, left, right] = [weight, u, v].map((x) => x.tensor!.data as Float32Array) as [
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  let sigma = 0;
  for (let i = 0; i < w.length; i++)
    sigma += w[i]! * left[Math.floor(i / right.length)]! * right[i % right.length]!;
  return sigma;
}
