import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkGraph } from '../../src/graph/check.ts';
import { float32, Graph, type Tensor, type Value } from '../../src/graph/graph.ts';
import { encodeOnnx } from '../../src/graph/onnx.ts';
import { printGraph } from '../../src/graph/print.ts';
import { prune } from '../../src/graph/prune.ts';
import { gelu, leakyRelu, prelu, relu, softmax, tanh } from '../../src/ops/activation.ts';
import { checkTypes } from '../../src/ops/check-types.ts';
import { conv, convTranspose } from '../../src/ops/conv.ts';
import { abs, add, clip, greater, mul, where } from '../../src/ops/elementwise.ts';
import { loadOnnx } from '../../src/ops/import-onnx.ts';
import { reshape, transpose } from '../../src/ops/layout.ts';
import { groupNorm, instanceNorm } from '../../src/ops/norm.ts';
import { averagePool, maxPool } from '../../src/ops/pool.ts';
import { reduceMean } from '../../src/ops/reduce.ts';
import { upsample } from '../../src/ops/resize.ts';
import { concat, split, tile } from '../../src/ops/segments.ts';
import { flip, pad, slice } from '../../src/ops/window.ts';
import { rng } from '../../src/util/rng.ts';
import { runOnce } from './finite-differences.ts';

/** Draws a tensor; its contents follow from its name. */
function drawn(name: string, shape: readonly number[]): Tensor {
  return float32(shape, rng(1, name).fillNormal(new Float32Array(shape.reduce((a, b) => a * b, 1))));
}

/** Steps that make a new picture [2, C, H, W] (H, W ≥ 4) out of one or two earlier ones. */
type Step = (x: Value, other: Value, graph: Graph) => Value;
const channels = (x: Value) => x.shape[1] as number;
const weight = (graph: Graph, shape: number[]) => {
  const name = `w${graph.constants.size}`;
  return graph.constant(drawn(name, shape), name);
};
const steps: Record<string, Step> = {
  relu,
  tanh,
  gelu,
  leakyRelu: (x) => leakyRelu(x, 1),
  prelu: (x, _, graph) => prelu(x, weight(graph, [channels(x), 1, 1])),
  softmax: (x) => softmax(x, 1),
  clip: (x) => clip(x, -1),
  add: (x, y) => (x.shape.join() === y.shape.join() ? add(x, y) : add(x, reduceMean(y, [1, 2, 3]))),
  scale: (x) => mul(x, 0.5),
  where: (x) => where(greater(x, 0), x, abs(x)),
  conv: (x, _, graph) =>
    conv(x, weight(graph, [3, channels(x), 3, 3]), { pads: [1, 1, 1, 1], bias: weight(graph, [3]) }),
  depthwise: (x, _, graph) => conv(x, weight(graph, [channels(x), 1, 1, 1]), { group: channels(x) }),
  up: (x, _, graph) =>
    convTranspose(x, weight(graph, [channels(x), 2, 3, 3]), { outputPadding: [0, 0], pads: [1, 1, 1, 1] }),
  instanceNorm: (x) => instanceNorm(x),
  groupNorm: (x, _, graph) => groupNorm(x, weight(graph, [channels(x)]), weight(graph, [channels(x)]), 1),
  pool: (x) => averagePool(x, { kernel: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1], countPads: true }),
  maxPool: (x) => maxPool(x, { kernel: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1] }),
  resize: (x) => slice(upsample(x, [2, 1.5], { mode: 'linear' }), [2, 3], [0, 0], [4, 4]),
  concat: (x, y) => (x.shape.slice(2).join() === y.shape.slice(2).join() ? concat([x, y], 1) : x),
  split: (x) => split(tile(x, [1, 2, 1, 1]), 1, [channels(x), channels(x)])[1]!,
  pad: (x) => pad(x, [0, 0, 1, 0, 0, 0, 0, 1], 'reflect'),
  padValue: (x) => pad(x, [0, 0, 0, 1, 0, 0, 0, -1], 'constant', 2),
  flip: (x) => flip(x, [3]),
  transpose: (x) => transpose(x, [0, 1, 3, 2]),
  reshape: (x) =>
    transpose(reshape(x, [2, (x.shape[2] as number) * (x.shape[3] as number), channels(x)]), [0, 2, 1]),
};
// A reshape to three axes ends a chain of pictures: give it its axes back.
steps.reshape = (
  (flat) => (x, y, graph) =>
    reshape(flat(x, y, graph), x.shape)
)(steps.reshape!);

const program = fc.array(fc.tuple(fc.constantFrom(...Object.keys(steps)), fc.nat(9), fc.nat(9)), {
  minLength: 1,
  maxLength: 8,
});

function build(operations: readonly (readonly [string, number, number])[]): Graph {
  const graph = new Graph('random');
  graph.metadata.set('operations', operations.map(([name]) => name).join(' '));
  const values = [graph.input('x', 'float32', [2, 2, 4, 5])];
  for (const [name, i, j] of operations) {
    const [x, y] = [values[i % values.length]!, values[j % values.length]!];
    values.push(graph.scoped(name, () => steps[name]!(x, y, graph)));
  }
  const last = values.at(-1)!;
  graph.output(last === values[0] ? relu(last) : last, 'y');
  return graph;
}

test('a graph that is encoded and loaded prints the same and computes the same', async () => {
  await fc.assert(
    fc.asyncProperty(program, async (operations) => {
      // What no output depends on does not come back.
      const graph = prune(build(operations));
      checkGraph(graph);
      checkTypes(graph);
      const loaded = loadOnnx(encodeOnnx(graph));
      expect(printGraph(loaded)).toBe(printGraph(graph));
      expect(loaded.nodes.map((n) => n.name)).toEqual(graph.nodes.map((n) => n.name));
      expect([...loaded.constants.keys()]).toEqual([...graph.constants.keys()]);
      expect(loaded.metadata).toEqual(graph.metadata);

      const x = drawn('x', [2, 2, 4, 5]);
      const [before, after] = [await runOnce(graph, { x }), await runOnce(loaded, { x })];
      expect(after.y!.shape).toEqual(before.y!.shape);
      expect(after.y!.data as Float32Array).toEqual(before.y!.data);
    }),
    { numRuns: 100 },
  );
});
