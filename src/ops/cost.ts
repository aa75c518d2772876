import { evaluateDim } from '../graph/dims.ts';
import { type Dim, type Graph, type Node, sizeOf, type Value } from '../graph/graph.ts';
import { GanletError } from '../util/errors.ts';
import { findOp } from './index.ts';
import type { NodeView } from './op.ts';
import { isPlainNorm } from './plain-norm.ts';
import { isSpectralVector } from './spectral-norm.ts';

/** Multiply-adds under the counting rules of published tables. One multiply and one add count as 1. */
export interface Macs {
  /** Products that are computed: convolutions and matrix products, transposed convolutions by their input's size. */
  true: number;
  /**
   * As GAN Compression's tables count (torchprofile): transposed convolutions by their *output's* size, and 1 for every
   * element of an instance norm's output and of a product of two computed values (SPADE's modulation).
   */
  paper: number;
  /** `paper` without norms and modulation. */
  paperConv: number;
}

/** What one node costs. */
export interface LayerCost {
  node: Node;
  /** The node's first output, every dimension a number. */
  shape: readonly number[];
  /** Elements of the parameters first used here. */
  params: number;
  macs: Macs;
}

/** The numbers that stand for the symbols of a graph's shapes. */
export type Symbols = ReadonlyMap<string, number>;

/**
 * Numbers for the symbols of the inputs' shapes: the first axis `batch`, axes 2 and 3 of a four-axis input `size`. Symbols
 * that stay open are missing from the result.
 */
export function inputSymbols(
  graph: Graph,
  { batch = 1, size }: { batch?: number; size?: number },
): Map<string, number> {
  const symbols = new Map<string, number>();
  for (const { shape } of graph.inputs) {
    for (const [axis, dim] of shape.entries()) {
      if (typeof dim !== 'string') continue;
      if (axis === 0) symbols.set(dim, batch);
      else if (shape.length === 4 && axis >= 2 && size !== undefined) symbols.set(dim, size);
    }
  }
  return symbols;
}

/**
 * What each node costs, in graph order. Throws SIZE_UNKNOWN when a shape has a symbol that is not among `symbols`.
 */
export function layerCosts(graph: Graph, symbols: Symbols): LayerCost[] {
  const counted = new Set<Value>();
  return graph.nodes.map((node) => {
    const at = (value: Value) => ({ ...value, shape: staticShape(value, symbols) });
    const inputs = node.inputs.map((x) => x && (x.tensor ? x : at(x)));
    const outputs = node.outputs.map(at);
    let params = 0;
    for (const [i, x] of node.inputs.entries()) {
      if (!x?.tensor || counted.has(x) || !isParameter(node, i)) continue;
      counted.add(x);
      params += sizeOf(x.shape);
    }
    const { op, name, attributes } = node;
    return {
      node,
      shape: outputs[0]!.shape,
      params,
      macs: nodeMacs({ op, name, attributes, inputs, outputs }),
    };
  });
}

/** Multiply-adds of a node whose inputs and outputs have numbers for shapes. */
export function nodeMacs(node: Required<NodeView>): Macs {
  const { op, inputs, outputs } = node;
  const exact = findOp(op)?.macs?.(node) ?? 0;
  const { shape } = outputs[0]!;
  const area = (x: readonly Dim[]) => sizeOf(x.slice(2));
  const paperConv = op === 'ConvTranspose' ? (exact / area(inputs[0]!.shape)) * area(shape) : exact;
  const elements = countsElements(node) ? sizeOf(shape) : 0;
  return { true: exact, paper: paperConv + elements, paperConv };
}

/** Multiply-adds of one run of a network. Throws SIZE_UNKNOWN as `layerCosts` does. */
export function countMacs(graph: Graph, symbols: Symbols = inputSymbols(graph, {})): Macs {
  const total: Macs = { true: 0, paper: 0, paperConv: 0 };
  for (const { macs } of layerCosts(graph, symbols)) {
    total.true += macs.true;
    total.paper += macs.paper;
    total.paperConv += macs.paperConv;
  }
  return total;
}

/**
 * Elements of all learnt constants, as published tables count them. Not counted: batch-norm statistics, vectors of spectral
 * norms, single numbers, the ones and zeros of a norm without affine part, and settings such as the scales of Resize.
 */
export function countParameters(graph: Graph): number {
  const learnt = new Set(graph.nodes.flatMap(parametersOf));
  return [...learnt].reduce((sum, value) => sum + sizeOf(value.shape), 0);
}

/** The constants a node reads that count as parameters. */
export function parametersOf(node: Node): Value[] {
  return node.inputs.filter((x, i): x is Value => !!x?.tensor && isParameter(node, i));
}

/** The shape of a value with numbers for its symbols. Throws SIZE_UNKNOWN naming the value. */
export function staticShape({ name, shape }: Value, symbols: Symbols): number[] {
  return shape.map((dim) => {
    const size = evaluateDim(dim, symbols);
    if (size !== undefined && size >= 0) return size;
    throw new GanletError(
      'SIZE_UNKNOWN',
      `the shape of "${name}" must be known, [${shape.join(', ')}] is not`,
      {
        hint: 'give a size that the network can take, or export it with fixed input shapes',
      },
    );
  });
}

/** Instance norms and products of two computed values, which the paper's tool counts once an element. */
function countsElements({ op, inputs }: Pick<NodeView, 'op' | 'inputs'>): boolean {
  return op === 'InstanceNormalization' || (op === 'Mul' && inputs.every((x) => !x?.tensor));
}

function isParameter(node: Node, i: number): boolean {
  const { dtype, shape } = node.inputs[i]!;
  switch (node.op) {
    case 'DequantizeLinear':
    case 'Resize':
    case 'Upsample':
      if (i > 0) return false;
      break;
    case 'BatchNormalization':
      if (i > 2 || isPlainNorm(node)) return false;
      break;
    case 'InstanceNormalization':
      if (isPlainNorm(node)) return false;
      break;
    case 'Mul':
      if (isSpectralVector(node.inputs[i]!)) return false;
      break;
  }
  return shape.length > 0 && (dtype.startsWith('float') || node.op === 'DequantizeLinear');
}
