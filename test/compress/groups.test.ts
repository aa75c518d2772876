import { expect, test } from 'vitest';
import { channelGroups } from '../../src/compress/groups.ts';
import { Graph, type Value } from '../../src/graph/graph.ts';
import { parameter } from '../../src/models/layers.ts';
import { resnetGenerator } from '../../src/models/resnet.ts';
import { unetGenerator } from '../../src/models/unet.ts';
import { relu, softmax } from '../../src/ops/activation.ts';
import { conv } from '../../src/ops/conv.ts';
import { depthToSpace } from '../../src/ops/depth-space.ts';
import { add, mul } from '../../src/ops/elementwise.ts';
import { flatten, reshape, transpose } from '../../src/ops/layout.ts';
import { linear } from '../../src/ops/matmul.ts';
import { instanceNorm } from '../../src/ops/norm.ts';
import { reduceMean } from '../../src/ops/reduce.ts';
import { concat, split } from '../../src/ops/segments.ts';
import { slice } from '../../src/ops/window.ts';

function listing(graph: Graph): string[] {
  return channelGroups(graph).list.map(({ name, width, reasons, producers, consumers }) => {
    const names = (places: readonly { value: Value }[]) => places.map((p) => p.value.name).join(' ') || '–';
    const fixed = reasons.length > 0 ? `  [${reasons.join('; ')}]` : '';
    return `${name} ${width}: ${names(producers)} → ${names(consumers)}${fixed}`;
  });
}

/** A 3×3 convolution whose result keeps the image's size. */
function layer(x: Value, name: string, channels: number, group = 1): Value {
  const weight = parameter(x.graph, `${name}.weight`, [channels, (x.shape[1] as number) / group, 3, 3]);
  return conv(x, weight, { pads: [1, 1, 1, 1], group });
}

/** A depthwise convolution with several filters for each channel. */
function filters(x: Value, name: string, channels: number): Value {
  return layer(x, name, channels, x.shape[1] as number);
}

/** Input of 3 channels, `body`, and a last convolution to one channel. */
function network(body: (x: Value) => Value, name = 'network'): Graph {
  const graph = new Graph(name);
  const y = body(graph.input('x', 'float32', ['batch', 3, 8, 8]));
  graph.output(y.shape.length === 4 ? layer(y, 'last', 1) : y, 'y');
  return graph;
}

const segmentsOf = (graph: Graph, name: string, axis: number) =>
  channelGroups(graph)
    .segments(graph.find(name)!, axis)
    ?.map((s) => `${s.group}@${s.offset}:${s.width}${s.factor > 1 ? `×${s.factor}` : ''}`);

test('the groups of a ResNet are its stages, its trunk and the inside of each block', () => {
  expect(listing(resnetGenerator({ baseWidth: 4, blocks: 2 }))).toMatchInlineSnapshot(`
    [
      "condition 3: – → stem.weight  [network input "condition"]",
      "stem 4: stem.weight → down1.weight",
      "down1 8: down1.weight → down2.weight",
      "down2 16: down2.weight block1.conv2.weight block2.conv2.weight → block1.conv1.weight block2.conv1.weight up1.weight",
      "block1.conv1 16: block1.conv1.weight → block1.conv2.weight",
      "block2.conv1 16: block2.conv1.weight → block2.conv2.weight",
      "up1 8: up1.weight → up2.weight",
      "up2 4: up2.weight → head.weight",
      "head 3: head.weight → –  [network output "image"]",
    ]
  `);
});

test('depthwise convolutions of a separable ResNet follow their input', () => {
  const graph = resnetGenerator({ baseWidth: 4, blocks: 1, separable: true, norm: 'batch' });
  expect(listing(graph)).toMatchInlineSnapshot(`
    [
      "condition 3: – → stem.weight  [network input "condition"]",
      "stem 4: stem.weight → down1.weight",
      "down1 8: down1.weight → down2.weight",
      "down2 16: down2.weight block1.conv2.pointwise.weight → block1.conv1.pointwise.weight up1.weight",
      "block1.conv1 16: block1.conv1.pointwise.weight → block1.conv2.pointwise.weight",
      "up1 8: up1.weight → up2.weight",
      "up2 4: up2.weight → head.weight",
      "head 3: head.weight → –  [network output "image"]",
    ]
  `);
  expect(segmentsOf(graph, 'block1.conv1.depthwise.weight', 0)).toEqual(['down2@0:16']);
  expect(segmentsOf(graph, 'block1.conv2.depthwise.weight', 0)).toEqual(['block1.conv1@0:16']);
});

test('the groups of a U-Net: each level down is read by two layers, each level up has its own', () => {
  const graph = unetGenerator({ baseWidth: 4, levels: 3, norm: 'batch' });
  expect(listing(graph)).toMatchInlineSnapshot(`
    [
      "condition 3: – → down1.weight  [network input "condition"]",
      "down1 4: down1.weight → down2.weight up3.weight",
      "down2 8: down2.weight → down3.weight up2.weight",
      "down3 16: down3.weight → up1.weight",
      "up1 8: up1.weight → up2.weight",
      "up2 4: up2.weight → up3.weight",
      "up3 3: up3.weight → –  [network output "image"]",
    ]
  `);
  expect(segmentsOf(graph, 'up2.weight', 0)).toEqual(['down2@0:8', 'up1@8:8']);
  expect(segmentsOf(graph, 'up2', 1)).toEqual(['down1@0:4', 'up2@4:4']);
  expect(segmentsOf(graph, 'up2.weight', 2)).toBeUndefined();
});

test('a concatenation of concatenations is the segments of both, with repeats', () => {
  const graph = network((x) => {
    const [a, b] = [layer(x, 'a', 4), layer(x, 'b', 6)];
    return relu(concat([concat([a, b], 1), x, a], 1));
  });
  expect(segmentsOf(graph, 'last.weight', 1)).toEqual(['a@0:4', 'b@4:6', 'x@10:3', 'a@13:4']);
  expect(channelGroups(graph).find('a')?.narrowable).toBe(true);
});

test('sums of concatenations tie the parts that meet', () => {
  const graph = network((x) => {
    const left = concat([layer(x, 'a', 4), layer(x, 'b', 8)], 1);
    return add(left, concat([layer(x, 'c', 8), layer(x, 'd', 4)], 1));
  });
  // c overlaps a and half of b: b falls into two groups that c and d are made of.
  expect(segmentsOf(graph, 'last.weight', 1)).toEqual(['a@0:4', 'b@4:4', 'b_1@8:4']);
  expect(segmentsOf(graph, 'c.weight', 0)).toEqual(['a@0:4', 'b@4:4']);
  expect(segmentsOf(graph, 'd.weight', 0)).toEqual(['b_1@0:4']);
});

test('Split, Flatten and pixel shuffle keep groups apart, repeat and interleave them', () => {
  const graph = network((x) => {
    const [a, b] = split(layer(x, 'both', 8), 1, [6, 2]);
    const shuffled = depthToSpace(layer(a!, 'up', 12), 2, 'CRD');
    const rows = flatten(mul(b!, reduceMean(shuffled, [1, 2, 3])));
    return linear(rows, parameter(x.graph, 'head.weight', [5, 128]));
  });
  expect(segmentsOf(graph, 'both.weight', 0)).toEqual(['both@0:6', 'both_1@6:2']);
  expect(segmentsOf(graph, 'head.weight', 1)).toEqual(['both_1@0:2×64']);
  expect(segmentsOf(graph, 'up.weight', 0)).toEqual(['up@0:3×4']);
  // The mean is over as many channels as there are.
  expect(channelGroups(graph).find('up')?.reasons).toEqual([]);
});

test('an axis that is split and merged again is narrowed by whole parts, a filter for each channel by channels', () => {
  const heads = network((x) =>
    reshape(reshape(layer(x, 'heads', 6), ['batch', 2, 3, 64]), ['batch', 6, 8, 8]),
  );
  expect(segmentsOf(heads, 'heads.weight', 0)).toEqual(['heads@0:2×3']);
  const multiplied = network((x) => filters(layer(x, 'a', 4), 'filters', 12));
  expect(segmentsOf(multiplied, 'filters.weight', 0)).toEqual(['a@0:4×3']);
  expect(channelGroups(multiplied).find('a')?.narrowable).toBe(true);
});

test('channels that change places are not narrowed', () => {
  const shuffled = network((x) => {
    const rows = reshape(layer(x, 'a', 4), ['batch', 2, 2, 8, 8]);
    return reshape(transpose(rows, [0, 2, 1, 3, 4]), ['batch', 4, 8, 8]);
  });
  expect(channelGroups(shuffled).find('a')?.narrowable).toBe(false);
});

test('what cannot be narrowed says why, by the names of nodes', () => {
  const reasons = (body: (x: Value) => Value) => channelGroups(network(body)).find('a')?.reasons;
  expect(reasons((x) => layer(x, 'a', 4))).toEqual([]);
  expect(reasons((x) => slice(layer(x, 'a', 4), [1], [0], [2]))).toEqual([
    'Slice "Slice" reads fixed positions',
  ]);
  expect(reasons((x) => layer(layer(x, 'a', 4), 'grouped', 4, 2))).toEqual([
    'Conv "Conv_1" has 2 groups that are not depthwise',
  ]);
  expect(reasons((x) => softmax(layer(x, 'a', 4), 1))).toEqual(['Softmax "Softmax" sums over this axis']);
  const cut = (x: Value) => reshape(layer(x, 'a', 4), ['batch', 2, 128]);
  expect(reasons((x) => reshape(cut(x), ['batch', 4, 8, 8]))?.[0]).toBe('Reshape "Reshape" splits this axis');
  const rows = (x: Value) => reshape(layer(x, 'a', 4), ['batch', 1, 256]);
  expect(reasons((x) => reshape(instanceNorm(rows(x)), ['batch', 4, 8, 8]))).toContain(
    'InstanceNormalization "InstanceNormalization" works along this axis',
  );
  expect(reasons((x) => layer(x, 'a', 1))).toEqual(['one channel cannot be divided']);
  const unknown = (x: Value) =>
    x.graph.add('Mystery', [x], {}, [{ dtype: x.dtype, shape: x.shape }]).outputs[0]!;
  expect(reasons((x) => unknown(layer(x, 'a', 4)))).toEqual(['operator Mystery ("Mystery") is not known']);
});

test('the ones that norms share tie nothing, a weight that two layers share does', () => {
  const shared = (tensor: Float32Array) =>
    channelGroups(
      network((x) => {
        const bias = x.graph.constant({ dtype: 'float32', shape: [4], data: tensor }, 'bias');
        const weight = (name: string) => parameter(x.graph, `${name}.weight`, [4, 3, 1, 1]);
        const [a, b] = [conv(x, weight('a'), { bias }), conv(x, weight('b'), { bias })];
        return concat([instanceNorm(a), instanceNorm(b)], 1);
      }),
    ).list.map((group) => group.name);
  expect(shared(new Float32Array(4))).toEqual(['x', 'a', 'b', 'last']);
  expect(shared(Float32Array.of(1, 2, 3, 4))).toEqual(['x', 'a', 'last']);
});
