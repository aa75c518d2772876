import { expect, it } from 'vitest';
import { gradient } from '../../src/autodiff/gradient.ts';
import { runGraph } from '../../src/backend/onnxruntime.ts';
import { float32, Graph, sizeOf } from '../../src/graph/graph.ts';
import { conv } from '../../src/ops/conv.ts';
import { convByColumns } from '../../src/ops/conv-columns.ts';
import { mul } from '../../src/ops/elementwise.ts';
import { sum } from '../../src/ops/reduce.ts';
import { rng } from '../../src/util/rng.ts';

it.each([
  { x: [2, 64, 5, 4], w: [64, 64, 4, 4], strides: [1, 1], pads: [1, 1, 1, 1], dilations: [1, 1] },
  { x: [1, 48, 7, 7], w: [96, 48, 4, 4], strides: [1, 1], pads: [1, 0, 1, 1], dilations: [1, 1] },
  { x: [3, 64, 6, 6], w: [64, 64, 3, 3], strides: [1, 1], pads: [0, 0, 0, 0], dilations: [2, 2] },
])(
  'a convolution as one product with columns equals Conv, gradients too: $x * $w',
  async ({ x, w, strides, pads, dilations }) => {
    const graph = new Graph();
    const values = {
      x: graph.input('x', 'float32', x),
      w: graph.input('w', 'float32', w),
      b: graph.input('b', 'float32', [w[0]!]),
    };
    const plain = conv(values.x, values.w, { strides, pads, dilations, bias: values.b });
    const columns = convByColumns(plain.node!, values.x, values.w, values.b)!;
    expect(columns?.shape).toEqual(plain.shape);
    const probe = graph.constant(
      float32(plain.shape as number[], rng(1, 'probe').fillNormal(new Float32Array(sizeOf(plain.shape)))),
    );
    for (const [kind, y] of [
      ['plain', plain],
      ['columns', columns],
    ] as const) {
      graph.output(y, `${kind}/y`);
      const names = Object.keys(values) as (keyof typeof values)[];
      for (const [i, dx] of gradient(sum(mul(y, probe)), Object.values(values)).entries())
        graph.output(dx, `${kind}/d${names[i]}`);
    }
    const feed = (name: keyof typeof values) => {
      const shape = values[name].shape as number[];
      return float32(shape, rng(2, name).fillNormal(new Float32Array(sizeOf(shape))));
    };
    const result = await runGraph(graph, { x: feed('x'), w: feed('w'), b: feed('b') });
    for (const name of ['y', 'dx', 'dw', 'db'])
      expect(result[`columns/${name}`]!.data as Float32Array, name).toBeAllclose(
        result[`plain/${name}`]!.data as Float32Array,
        { atol: 2e-3, rtol: 1e-4 },
      );
  },
);

it('keeps Conv where the picture outweighs the weights, and where it strides', () => {
  const columns = (x: number[], w: number[], strides: number[]) => {
    const graph = new Graph();
    const [a, b] = [graph.input('x', 'float32', x), graph.input('w', 'float32', w)];
    return convByColumns(conv(a, b, { strides }).node!, a, b, null);
  };
  expect(columns([1, 64, 64, 64], [64, 64, 3, 3], [1, 1])).toBeUndefined();
  expect(columns([1, 256, 8, 8], [256, 256, 4, 4], [2, 2])).toBeUndefined();
  expect(columns([1, 256, 8, 8], [256, 256, 4, 4], [1, 1])).toBeDefined();
});
