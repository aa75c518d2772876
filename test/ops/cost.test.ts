import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { float32, Graph } from '../../src/graph/graph.ts';
import { patchDiscriminator } from '../../src/models/discriminator.ts';
import { resnetGenerator } from '../../src/models/resnet.ts';
import { unetGenerator } from '../../src/models/unet.ts';
import { conv, convTranspose } from '../../src/ops/conv.ts';
import { countMacs, countParameters, inputSymbols, layerCosts } from '../../src/ops/cost.ts';
import { olderRule, olderWidths, published } from './golden-widths.ts';

const size = 256;

describe('the published costs of GAN Compression’s separable ResNets come out to the digit', () => {
  test.each(published)('%s', (text, params, paper, paperConv, exact) => {
    const widths = text.split('_').map(Number);
    const graph = resnetGenerator({ baseWidth: 64, separable: true, widths, size });
    const macs = countMacs(graph);
    expect(countParameters(graph)).toBe(params);
    expect(macs).toMatchObject({ paperConv, true: exact, ...(paper && { paper }) });
  });
});

test('the dense ResNet of nine blocks has the published cost', () => {
  const graph = resnetGenerator({ baseWidth: 64, size });
  expect(countParameters(graph)).toBe(11_378_179);
  expect(countMacs(graph)).toEqual({
    paper: 56_831_770_624,
    paperConv: 56_799_264_768,
    true: 49_551_507_456,
  });
});

test.each(olderRule)(
  '%s under the older rule, where only every third block has the inner width',
  (text, params, paperConv, exact) => {
    const widths = olderWidths(text);
    const graph = resnetGenerator({ baseWidth: 64, separable: true, widths, size });
    expect(countParameters(graph)).toBe(params);
    expect(countMacs(graph)).toMatchObject({ paperConv, true: exact });
  },
);

// OMGD's table, in millions and rounded, and the same to the digit.
test.each([
  [64, 54.41, 18_140, 54_413_955, 18_140_364_800],
  [16, 3.404, 1_219, 3_404_451, 1_218_707_456],
  [12, 1.916, 707, 1_915_899, 706_756_608],
  [8, 0.852, 333, 852_307, 332_988_416],
])('the U-Net of width %i has the published %f M parameters and %f M MACs', (...row) => {
  const [baseWidth, millionParams, millionMacs, params, paper] = row;
  const graph = unetGenerator({ baseWidth, norm: 'batch', size });
  expect(countParameters(graph)).toBe(params);
  expect(countMacs(graph).paper).toBe(paper);
  expect(params / 1e6).toBeCloseTo(millionParams, millionParams > 50 ? 2 : 3);
  expect(Math.round(paper / 1e6)).toBe(millionMacs);
});

// 16·6·64 + 64, 16·64·128 + 128, 16·128·256 + 256, 16·256·512 + 512, 16·512 + 1, summed by hand.
test.each([
  [6, 128, 11_040_641],
  [3, 64, 2_764_737],
  [6, 64, 2_767_809],
])(
  'a patch discriminator of %i channels and width %i has %i parameters',
  (inputChannels, baseWidth, params) => {
    expect(countParameters(patchDiscriminator({ baseWidth, inputChannels, size }))).toBe(params);
  },
);

test('batch-norm statistics are not parameters, scale and shift are', () => {
  const plain = countParameters(patchDiscriminator({ baseWidth: 64, size }));
  // Three norms of 128, 256 and 512 channels bring two vectors each and replace a bias.
  expect(countParameters(patchDiscriminator({ baseWidth: 64, norm: 'batch', size }))).toBe(plain + 896);
});

/** One convolution, plain or transposed, of an image of `height` × `width`. */
function single(transposed: boolean, shape: number[], weight: number[], stride: number): Graph {
  const graph = new Graph();
  const x = graph.input('x', 'float32', shape);
  const count = weight.reduce((a, b) => a * b, 1);
  const w = graph.constant(float32(weight, new Float32Array(count)), 'w');
  graph.output((transposed ? convTranspose : conv)(x, w, { strides: [stride, stride] }));
  return graph;
}

test('the true count of a convolution and of the transposed one that undoes it are equal', () => {
  const size = fc.integer({ min: 1, max: 5 });
  fc.assert(
    fc.property(
      size,
      size,
      size,
      size,
      size,
      fc.integer({ min: 1, max: 3 }),
      (i, o, h, w, kernel, stride) => {
        const up = single(true, [1, i, h, w], [i, o, kernel, kernel], stride);
        const y = up.outputs[0]!.shape as number[];
        const down = single(false, y, [i, o, kernel, kernel], stride);
        const products = i * o * h * w * kernel * kernel;
        expect(down.outputs[0]!.shape).toEqual([1, i, h, w]);
        expect(countMacs(down)).toEqual({ true: products, paper: products, paperConv: products });
        expect(countMacs(up).true).toBe(products);
        expect(countMacs(up).paper).toBe(i * o * y[2]! * y[3]! * kernel * kernel);
      },
    ),
  );
});

test('a network of open size costs the same as one of fixed size when its symbols are given', () => {
  const open = resnetGenerator({ baseWidth: 8, blocks: 3 });
  const fixed = resnetGenerator({ baseWidth: 8, blocks: 3, size: 64 });
  expect(countMacs(open, inputSymbols(open, { size: 64 }))).toEqual(countMacs(fixed));
  expect(countMacs(fixed, inputSymbols(fixed, { batch: 3 })).true).toBe(3 * countMacs(fixed).true);
  expect(() => countMacs(open)).toThrow(expect.objectContaining({ code: 'SIZE_UNKNOWN' }));
});

test('layers add up to the whole and name what they compute', () => {
  const graph = resnetGenerator({ baseWidth: 8, blocks: 3, norm: 'batch', size: 32 });
  const layers = layerCosts(graph, inputSymbols(graph, {}));
  const sum = (of: (layer: (typeof layers)[number]) => number) =>
    layers.reduce((n, layer) => n + of(layer), 0);
  expect(layers).toHaveLength(graph.nodes.length);
  expect(sum(({ params }) => params)).toBe(countParameters(graph));
  expect(sum(({ macs }) => macs.true)).toBe(countMacs(graph).true);
  const stem = layers.find(({ node }) => node.name === 'stem/Conv')!;
  expect(stem).toMatchObject({
    shape: [1, 8, 32, 32],
    params: 49 * 3 * 8,
    macs: { true: 49 * 3 * 8 * 32 * 32 },
  });
});

test('a parameter used twice is counted once', () => {
  const graph = new Graph();
  const x = graph.input('x', 'float32', [1, 2, 4, 4]);
  const w = graph.constant(float32([2, 2, 1, 1], new Float32Array(4)), 'w');
  graph.output(conv(conv(x, w), w));
  expect(countParameters(graph)).toBe(4);
  expect(layerCosts(graph, new Map()).map(({ params }) => params)).toEqual([4, 0]);
});
