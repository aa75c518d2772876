import type { Graph, Node, TensorData, Value } from '../graph/graph.ts';
import { rng } from '../util/rng.ts';

const rounds = 50;

/**
 * At most `count` unit vectors of the latent that change what the network's first layer makes of it most: the leading
 * eigenvectors of AᵀA for its weight A [outputs, Z] (SeFa, Shen & Zhou 2021, §3), found by subspace iteration. Undefined for a
 * network whose latent does not go through a matrix first.
 */
export function latentDirections(graph: Graph, latent: string, count: number): number[][] | undefined {
  const weight = firstWeight(graph, latent);
  if (!weight) return undefined;
  const size = weight.inputs;
  const squared = gram(weight);
  const random = rng(0, 'directions');
  let found: Float64Array[] = Array.from({ length: Math.min(count, size) }, () =>
    Float64Array.from({ length: size }, () => random.normal()),
  );
  for (let round = 0; round < rounds; round++) {
    found = orthonormal(found.map((vector) => times(squared, vector)));
  }
  return found.map((vector) => {
    // An eigenvector may point either way: its largest number is to be positive.
    const largest = vector.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a), 0);
    return Array.from(vector, (x) => Math.round((largest < 0 ? -x : x) * 1e5) / 1e5);
  });
}

interface Weight {
  inputs: number;
  outputs: number;
  /** The weight from an input to an output. */
  at(output: number, input: number): number;
}

function firstWeight(graph: Graph, latent: string): Weight | undefined {
  for (const node of graph.nodes) {
    if (node.inputs[0]?.name !== latent) continue;
    const factor = node.inputs[1];
    if (!factor || (node.op !== 'Gemm' && node.op !== 'MatMul')) continue;
    const plain = transposed(factor.node);
    const tensor = (plain ?? factor).tensor;
    const [rows, columns] = (plain ?? factor).shape;
    if (!tensor || typeof rows !== 'number' || typeof columns !== 'number') continue;
    const turned = (node.op === 'Gemm' && node.attributes.transB === 1) !== (plain !== undefined);
    const data: TensorData = tensor.data;
    const number = (row: number, column: number) => Number(data[row * columns + column]);
    return turned
      ? { outputs: rows, inputs: columns, at: number }
      : { outputs: columns, inputs: rows, at: (output, input) => number(input, output) };
  }
  return undefined;
}

/** What a Transpose of a matrix turns. */
function transposed(node: Node | undefined): Value | undefined {
  return node?.op === 'Transpose' ? (node.inputs[0] ?? undefined) : undefined;
}

/** AᵀA by rows. */
function gram({ inputs, outputs, at }: Weight): Float64Array[] {
  const result = Array.from({ length: inputs }, () => new Float64Array(inputs));
  const row = new Float64Array(inputs);
  for (let output = 0; output < outputs; output++) {
    for (let i = 0; i < inputs; i++) row[i] = at(output, i);
    for (let i = 0; i < inputs; i++) {
      const into = result[i]!;
      for (let j = 0; j < inputs; j++) into[j]! += row[i]! * row[j]!;
    }
  }
  return result;
}

function times(rows: readonly Float64Array[], vector: Float64Array): Float64Array {
  return Float64Array.from(rows, (row) => dot(row, vector));
}

/** Gram–Schmidt, twice for the sake of rounding; vectors that depend on those before are left out. */
function orthonormal(vectors: readonly Float64Array[]): Float64Array[] {
  const kept: Float64Array[] = [];
  for (const vector of vectors) {
    const before = Math.sqrt(dot(vector, vector));
    for (const other of [...kept, ...kept]) {
      const along = dot(vector, other);
      for (let i = 0; i < vector.length; i++) vector[i]! -= along * other[i]!;
    }
    const length = Math.sqrt(dot(vector, vector));
    if (length > 1e-9 * before) kept.push(vector.map((x) => x / length));
  }
  return kept;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
