import { expect, test } from 'vitest';
import { channelGroups } from '../../src/compress/groups.ts';
import { narrow } from '../../src/compress/narrow.ts';
import { separate } from '../../src/compress/separable.ts';
import { proposeTaps } from '../../src/compress/taps.ts';
import { Graph, type Value } from '../../src/graph/graph.ts';
import { distillTaps } from '../../src/models/generator.ts';
import { convolution } from '../../src/models/layers.ts';
import { resnetGenerator } from '../../src/models/resnet.ts';
import { unetGenerator } from '../../src/models/unet.ts';
import { relu } from '../../src/ops/activation.ts';
import { inputSymbols, staticShape } from '../../src/ops/cost.ts';
import { add } from '../../src/ops/elementwise.ts';
import { globalAveragePool } from '../../src/ops/pool.ts';
import { drawn, exported, loadExport } from './foreign.ts';

const symbolsOf = (graph: Graph) => inputSymbols(graph, { size: 16 });

test('our own networks have the taps of the papers', () => {
  const resnet = resnetGenerator({ baseWidth: 2, blocks: 9 });
  expect(proposeTaps(resnet)).toEqual(distillTaps(resnet));
  expect(proposeTaps(unetGenerator({ baseWidth: 2, levels: 3 }))).toEqual(['down2', 'up1']);
});

test.each([
  [
    'pix2pixhd-14',
    ['/model/model.6/Relu_output_0', '/model/model.7/Add_output_0', '/model/model.8/Add_output_0'],
  ],
  ['spade-12', ['/fc/Conv_output_0', '/head_0/Add_output_0', '/up_0/Add_output_0']],
  [
    'mobile-13',
    [
      '/down/conv/conv.7/BatchNormalization_output_0',
      '/trunk/trunk.0/Add_output_0',
      '/trunk/trunk.1/Add_output_0',
    ],
  ],
  ['unet-17', ['/down1/Conv_output_0', '/up2/up2.0/Relu_output_0', '/up2/up2.2/BatchNormalization_output_0']],
])('%s: what enters the trunk, sums along it, or the ends of layers', (file, taps) => {
  const graph = loadExport(file);
  expect(proposeTaps(graph, symbolsOf(graph))).toEqual(taps);
});

test.each(exported)('%s: students have the taps, with as many pixels', (file) => {
  const graph = loadExport(file);
  const taps = proposeTaps(graph, symbolsOf(graph));
  expect(taps.length).toBeGreaterThanOrEqual(2);
  expect(taps.length).toBeLessThanOrEqual(4);
  const student = narrow(separate(graph), drawn(channelGroups(separate(graph)), 1));
  for (const tap of taps) {
    const [theirs, own] = [graph, student].map((g) => staticShape(g.find(tap)!, symbolsOf(g)));
    expect(theirs).toHaveLength(4);
    expect([...own!.slice(2), own![0]]).toEqual([...theirs!.slice(2), theirs![0]]);
    expect(theirs![2]! * theirs![3]!).toBeGreaterThan(1);
  }
});

/** Residual blocks at two resolutions, the lower of which has most. */
function trunkNetwork(blocks: number): Graph {
  const graph = new Graph('trunk');
  const layer = (x: Value, name: string, stride = 1) =>
    relu(convolution(x, name, 4, { kernel: 3, pad: 1, stride }));
  let x = layer(graph.input('x', 'float32', ['batch', 3, 16, 16]), 'stem');
  x = graph.named(add(x, layer(x, 'early')), 'early');
  x = graph.named(layer(x, 'down', 2), 'entered');
  for (let i = 1; i <= blocks; i++) x = graph.named(add(layer(x, `inner${i}`), x), `sum${i}`);
  graph.output(convolution(x, 'last', 3, { kernel: 3, pad: 1 }), 'y');
  return graph;
}

test('along a trunk: its entry and the end of each third', () => {
  expect(proposeTaps(trunkNetwork(9))).toEqual(['entered', 'sum3', 'sum6', 'sum9']);
  expect(proposeTaps(trunkNetwork(4))).toEqual(['entered', 'sum2', 'sum3', 'sum4']);
  expect(proposeTaps(trunkNetwork(2))).toEqual(['entered', 'sum1', 'sum2']);
});

test('a network without inner images has no taps, and says what to do', () => {
  const graph = new Graph('vector');
  const pooled = globalAveragePool(graph.input('x', 'float32', ['batch', 3, 8, 8]));
  graph.output(relu(pooled), 'y');
  expect(() => proposeTaps(graph)).toThrow(
    expect.objectContaining({ code: 'TAPS_UNKNOWN', hint: 'set distill.distill to none' }),
  );
});
