import { describe, expect, test } from 'vitest';
import { float32, type Graph, int64, type Tensor } from '../../src/graph/graph.ts';
import { checkTypes } from '../../src/ops/check-types.ts';
import { loadOnnx } from '../../src/ops/import-onnx.ts';
import { rng } from '../../src/util/rng.ts';
import { runOnce } from './finite-differences.ts';
import { f, fs, type Raw, type RawNode, rawModel, runRaw } from './raw-model.ts';

function draw(name: string, shape: readonly number[], lo = -2, hi = 2): Tensor {
  const random = rng(1, name);
  return float32(shape, random.fillUniform(new Float32Array(shape.reduce((a, b) => a * b, 1)), lo, hi));
}

/** Loads a model and holds what it computes against what the engine computes from the file's own bytes. */
async function expectSame(raw: Raw, sizes: Record<string, number> = {}): Promise<Graph> {
  const bytes = rawModel(raw);
  const feeds = Object.fromEntries(
    Object.entries(raw.inputs).map(([name, given]) => {
      const shape = 'dtype' in given ? given.shape : given;
      return [
        name,
        draw(
          name,
          shape.map((d) => (typeof d === 'number' ? d : sizes[d]!)),
        ),
      ];
    }),
  );
  const expected = await runRaw(bytes, feeds);
  const graph = loadOnnx(bytes);
  checkTypes(graph);
  const actual = await runOnce(graph, feeds);
  for (const name of raw.outputs) {
    expect(actual[name]!.shape, `shape of ${name}`).toEqual(expected[name]!.shape);
    const numbers = (t: Tensor) => Array.from(t.data as Iterable<number | bigint>, Number);
    expect(numbers(actual[name]!), name).toBeAllclose(numbers(expected[name]!), { atol: 1e-6, rtol: 1e-5 });
  }
  return graph;
}

/** A model of one node from `x` (and `constants`, its other inputs in order) to `y`. */
const single = (
  opset: number,
  op: string,
  attributes: RawNode['attributes'] = {},
  constants: Record<string, Tensor> = {},
  shape: readonly number[] = [2, 3, 4, 4],
  out = ['y'],
): Raw => ({
  opset,
  inputs: { x: shape },
  constants,
  nodes: [{ op, name: 'node', in: ['x', ...Object.keys(constants)], out, attributes }],
  outputs: out.filter((name) => name !== ''),
});

const scalar = (x: number) => float32([], [x]);

const converted: [name: string, raw: Raw][] = [
  ['Squeeze with axes as attribute', single(11, 'Squeeze', { axes: [1, -1] }, {}, [2, 1, 3, 1])],
  ['Squeeze with axes as input', single(13, 'Squeeze', {}, { axes: int64([1]) }, [2, 1, 3, 1])],
  ['Unsqueeze with axes as attribute', single(11, 'Unsqueeze', { axes: [0, -1] })],
  ['Unsqueeze with axes as input', single(21, 'Unsqueeze', {}, { axes: int64([2]) })],
  ['ReduceSum with axes as attribute', single(11, 'ReduceSum', { axes: [1, 2], keepdims: 0 })],
  ['ReduceSum with axes as input', single(13, 'ReduceSum', {}, { axes: int64([-1]) })],
  ['ReduceSum that leaves all axes', single(13, 'ReduceSum', { noop_with_empty_axes: 1 })],
  ['ReduceMean with axes as attribute', single(11, 'ReduceMean', { axes: [-1] })],
  ['ReduceMean with axes as input', single(18, 'ReduceMean', { keepdims: 0 }, { axes: int64([2, 3]) })],
  ['ReduceMean over everything', single(18, 'ReduceMean', { keepdims: 0 })],
  ['ReduceMean that leaves all axes', single(18, 'ReduceMean', { noop_with_empty_axes: 1 })],
  ['ReduceMax with axes as input', single(18, 'ReduceMax', {}, { axes: int64([1]) })],
  ['ReduceMin with axes as attribute', single(13, 'ReduceMin', { axes: [0, 3] })],
  ['ReduceProd', single(17, 'ReduceProd', { axes: [1] })],
  ['ReduceL1', single(13, 'ReduceL1', { axes: [1], keepdims: 0 })],
  ['ReduceL2', single(18, 'ReduceL2', {}, { axes: int64([1, 3]) })],
  ['ReduceSumSquare', single(13, 'ReduceSumSquare', { axes: [2] })],
  ['ReduceLogSumExp', single(13, 'ReduceLogSumExp', { axes: [-1], keepdims: 0 })],
  ['LpNormalization of order 1', single(11, 'LpNormalization', { axis: -1, p: 1 })],
  ['LpNormalization', single(11, 'LpNormalization', { axis: 1, p: 2 })],
  ['LpNormalization of order 1', single(11, 'LpNormalization', { axis: -1, p: 1 })],
  ['Split into equal parts', single(11, 'Split', { axis: 3 }, {}, undefined, ['y', 'z'])],
  [
    'Split with sizes as attribute',
    single(11, 'Split', { axis: 1, split: [2, 1] }, {}, undefined, ['y', 'z']),
  ],
  [
    'Split with sizes as input',
    single(13, 'Split', { axis: -1 }, { split: int64([1, 3]) }, undefined, ['y', 'z']),
  ],
  [
    'Split into a smaller last part',
    single(18, 'Split', { axis: 2, num_outputs: 3 }, {}, [2, 3, 5, 2], ['y', 'z', 'u']),
  ],
  ['Pad', single(11, 'Pad', { mode: 'reflect' }, { pads: int64([0, 0, 1, 2, 0, 0, 1, 0]) })],
  ['Pad with a value', single(13, 'Pad', {}, { pads: int64([0, 0, 1, 1, 0, 0, 1, 1]), value: scalar(3) })],
  [
    'Pad of some axes',
    single(18, 'Pad', {}, { pads: int64([1, -1, 2, 1]), value: scalar(0.5), axes: int64([-1, 2]) }),
  ],
  ['Softmax over all axes from one on', single(11, 'Softmax', { axis: 1 })],
  ['Softmax over the last axis by default', single(13, 'Softmax')],
  ['Softmax over one axis', single(13, 'Softmax', { axis: 1 })],
  ['Softmax at opset 12 over the default axes', single(12, 'Softmax')],
  ['LogSoftmax over the last axis', single(11, 'LogSoftmax', { axis: 3 })],
  ['LogSoftmax over all axes from one on', single(12, 'LogSoftmax', { axis: 2 })],
  ['Clip', single(11, 'Clip', {}, { min: scalar(-0.5), max: scalar(0.5) })],
  ['Dropout with its ratio as attribute', single(11, 'Dropout', { ratio: f(0.3) })],
  ['Dropout with its ratio as input', single(13, 'Dropout', {}, { ratio: scalar(0.3) })],
  ['BatchNormalization of old', single(11, 'BatchNormalization', { epsilon: f(1e-3) }, stats())],
  ['BatchNormalization', single(15, 'BatchNormalization', { training_mode: 0 }, stats())],
  [
    'InstanceNormalization',
    single(11, 'InstanceNormalization', {}, { a: draw('a', [3]), b: draw('b', [3]) }),
  ],
  [
    'LayerNormalization',
    single(17, 'LayerNormalization', { axis: 2 }, { a: draw('a', [4, 4]), b: draw('b', [4, 4]) }),
  ],
  ['LayerNormalization without shift', single(17, 'LayerNormalization', {}, { a: draw('a', [4]) })],
  [
    'GroupNormalization by group',
    single(
      18,
      'GroupNormalization',
      { num_groups: 2 },
      { a: draw('a', [2]), b: draw('b', [2]) },
      [2, 6, 3, 3],
    ),
  ],
  [
    'GroupNormalization by channel',
    single(
      21,
      'GroupNormalization',
      { num_groups: 3 },
      { a: draw('a', [6]), b: draw('b', [6]) },
      [2, 6, 3, 3],
    ),
  ],
  ['Gelu', single(20, 'Gelu')],
  ['Gelu by tanh', single(20, 'Gelu', { approximate: 'tanh' })],
  ['HardSwish', single(14, 'HardSwish')],
  ['Mish', single(18, 'Mish')],
  ...([-1, 1] as const).map((axis): [string, Raw] => [
    `OneHot along axis ${axis}, of indices from either end`,
    {
      opset: 17,
      inputs: { x: [3, 4] },
      constants: { depth: int64([3], []), values: float32([2], [-0.5, 2]) },
      nodes: [
        { op: 'Cast', name: 'cast', in: ['x'], out: ['i'], attributes: { to: 7 } },
        { op: 'OneHot', name: 'node', in: ['i', 'depth', 'values'], out: ['y'], attributes: { axis } },
      ],
      outputs: ['y'],
    },
  ]),
  ['Selu', single(11, 'Selu')],
  ['Celu', single(12, 'Celu', { alpha: f(0.7) })],
  ['Elu', single(11, 'Elu', { alpha: f(2) })],
  ['Softsign', single(11, 'Softsign')],
  ['ThresholdedRelu', single(11, 'ThresholdedRelu', { alpha: f(0.4) })],
  ['Sum', single(13, 'Sum', {}, { a: draw('a', [4]), b: draw('b', [3, 1, 1]) })],
  ['Mean', single(13, 'Mean', {}, { a: draw('a', [4]), b: draw('b', [3, 1, 1]) })],
  ['Max of three', single(13, 'Max', {}, { a: draw('a', [4]), b: draw('b', [3, 1, 1]) })],
  ['PRelu', single(16, 'PRelu', {}, { slope: draw('a', [3, 1, 1]) })],
  [
    'Pow by a whole number',
    { ...single(12, 'Pow', {}, { p: { dtype: 'int64', shape: [], data: BigInt64Array.of(3n) } }) },
  ],
  ['Pow by whole numbers', single(12, 'Pow', {}, { p: int64([1, 2, 3, 2]) })],
  ['MatMul with a vector', single(13, 'MatMul', {}, { v: draw('v', [4]) })],
  ['MatMul of a vector', single(13, 'MatMul', {}, { v: draw('v', [4, 5]) }, [4])],
  ['MatMul of two vectors', single(13, 'MatMul', {}, { v: draw('v', [4]) }, [4])],
  [
    'Gemm',
    single(11, 'Gemm', { transB: 1, alpha: f(0.5) }, { w: draw('w', [5, 3]), c: draw('c', [5]) }, [2, 3]),
  ],
  ['Flatten', single(11, 'Flatten', { axis: 2 })],
  ['Cast', single(19, 'Cast', { to: 7, saturate: 1 })],
  [
    'Conv that keeps the size',
    single(
      11,
      'Conv',
      { auto_pad: 'SAME_UPPER', strides: [2, 1] },
      { w: draw('w', [2, 3, 3, 2]) },
      [1, 3, 7, 6],
    ),
  ],
  [
    'Conv that keeps the size, padding before',
    single(
      11,
      'Conv',
      { auto_pad: 'SAME_LOWER', strides: [2, 2] },
      { w: draw('w', [2, 3, 3, 2]) },
      [1, 3, 7, 6],
    ),
  ],
  [
    'Conv without padding',
    single(11, 'Conv', { auto_pad: 'VALID' }, { w: draw('w', [2, 3, 3, 2]) }, [1, 3, 7, 6]),
  ],
  [
    'ConvTranspose that keeps the size',
    single(11, 'ConvTranspose', { auto_pad: 'SAME_UPPER', strides: [2, 2] }, { w: draw('w', [3, 2, 3, 3]) }),
  ],
  [
    'ConvTranspose that keeps the size, padding before',
    single(11, 'ConvTranspose', { auto_pad: 'SAME_LOWER', strides: [2, 2] }, { w: draw('w', [3, 2, 3, 3]) }),
  ],
  [
    'ConvTranspose to a size',
    single(11, 'ConvTranspose', { output_shape: [8, 8], strides: [2, 2] }, { w: draw('w', [3, 2, 3, 3]) }),
  ],
  [
    'ConvTranspose to an odd size',
    single(
      11,
      'ConvTranspose',
      { output_shape: [7, 8], strides: [2, 2], auto_pad: 'SAME_UPPER' },
      { w: draw('w', [3, 2, 4, 4]) },
    ),
  ],
  [
    'MaxPool',
    single(
      12,
      'MaxPool',
      { kernel_shape: [2, 3], strides: [2, 1], pads: [0, 1, 0, 1], ceil_mode: 1, storage_order: 0 },
      {},
      [1, 2, 5, 6],
    ),
  ],
  [
    'MaxPool with dilations',
    single(12, 'MaxPool', { kernel_shape: [2, 2], dilations: [2, 1] }, {}, [1, 2, 5, 6]),
  ],
  [
    'MaxPool that keeps the size',
    single(
      12,
      'MaxPool',
      { kernel_shape: [3, 3], strides: [2, 2], auto_pad: 'SAME_UPPER' },
      {},
      [1, 2, 5, 6],
    ),
  ],
  [
    'AveragePool',
    single(19, 'AveragePool', {
      kernel_shape: [3, 3],
      pads: [1, 1, 1, 1],
      count_include_pad: 1,
      dilations: [1, 1],
    }),
  ],
  [
    'AveragePool that keeps the size',
    single(
      11,
      'AveragePool',
      { kernel_shape: [2, 2], strides: [2, 2], auto_pad: 'SAME_LOWER' },
      {},
      [1, 2, 5, 6],
    ),
  ],
  ['GlobalMaxPool', single(11, 'GlobalMaxPool')],
  ['DepthToSpace', single(11, 'DepthToSpace', { blocksize: 2, mode: 'CRD' }, {}, [1, 8, 2, 3])],
  ['SpaceToDepth', single(11, 'SpaceToDepth', { blocksize: 2 })],
  ['Gather', single(11, 'Gather', { axis: 1 }, { i: int64([2, 0, -1]) })],
  [
    'Where',
    {
      opset: 16,
      inputs: { x: [2, 3] },
      constants: { zero: scalar(0) },
      nodes: [
        { op: 'Greater', in: ['x', 'zero'], out: ['c'] },
        { op: 'Where', in: ['c', 'x', 'zero'], out: ['y'] },
      ],
      outputs: ['y'],
    },
  ],
];

function stats(): Record<string, Tensor> {
  return { a: draw('a', [3]), b: draw('b', [3]), m: draw('m', [3]), v: draw('v', [3], 0.5, 2) };
}

describe('nodes of every opset compute what the engine computes from the file itself', () => {
  test.each(converted)('%s', async (_, raw) => {
    await expectSame(raw);
  });
});

const resizes: [name: string, raw: Raw][] = [
  [
    11,
    [1, 1, 2, 2],
    undefined,
    { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' },
  ],
  [13, [1, 1, 2, 1.5], undefined, { mode: 'linear', coordinate_transformation_mode: 'pytorch_half_pixel' }],
  [13, [1, 1, 2, 2], undefined, { mode: 'cubic', cubic_coeff_a: f(-0.75) }],
  [11, undefined, [2, 3, 7, 5], { mode: 'linear', coordinate_transformation_mode: 'align_corners' }],
  [
    18,
    undefined,
    [7, 5],
    { mode: 'linear', axes: [2, 3], antialias: 0, keep_aspect_ratio_policy: 'stretch' },
  ],
  [19, [3, 2], undefined, { mode: 'nearest', axes: [3, 2] }],
].map(([opset, scales, sizes, attributes]) => [
  `opset ${opset} by ${scales ?? 'sizes'} ${sizes ?? ''} ${JSON.stringify(attributes)}`,
  {
    opset: opset as number,
    inputs: { x: [2, 3, 4, 4] },
    constants: {
      roi: float32([0], []),
      scales: scales ? float32([(scales as number[]).length], scales as number[]) : float32([0], []),
      ...(sizes !== undefined && { sizes: int64(sizes as number[]) }),
    },
    nodes: [
      {
        op: 'Resize',
        in: ['x', 'roi', 'scales', ...(sizes ? ['sizes'] : [])],
        out: ['y'],
        attributes: attributes as NonNullable<RawNode['attributes']>,
      },
    ],
    outputs: ['y'],
  },
]);

describe('Resize of every opset computes what the engine computes from the file itself', () => {
  test.each(resizes)('%s', async (_, raw) => {
    await expectSame(raw);
  });
});

describe('constants', () => {
  test.each<[string, RawNode['attributes']]>([
    ['a tensor', { value: float32([2], [1, 2]) }],
    ['a number', { value_float: f(2.5) }],
    ['numbers', { value_floats: fs([1, 2]) }],
  ])('a Constant node of %s becomes a constant of that name', async (_, attributes) => {
    const graph = await expectSame({
      opset: 13,
      inputs: { x: [3, 2] },
      nodes: [
        { op: 'Constant', in: [], out: ['two'], attributes: attributes! },
        { op: 'Mul', in: ['x', 'two'], out: ['y'] },
      ],
      outputs: ['y'],
    });
    expect(graph.nodes.map((n) => n.op)).toEqual(['Mul']);
    expect([...graph.constants.keys()]).toEqual(['two']);
  });

  test('initialisers that are listed as inputs too are constants', async () => {
    const raw: Raw = { ...single(11, 'Mul', {}, { w: draw('w', [4]) }), listed: ['w'] };
    const graph = await expectSame(raw);
    expect(graph.inputs.map((v) => v.name)).toEqual(['x']);
    expect([...graph.constants.keys()]).toEqual(['w']);
  });

  test('a weight of equal contents, written once and copied by Identity, is a parameter of its own', async () => {
    const graph = await expectSame({
      opset: 17,
      inputs: { x: [2, 3] },
      constants: { 'norm1.weight': draw('w', [3]) },
      nodes: [
        { op: 'Identity', in: ['norm1.weight'], out: ['norm2.weight'] },
        { op: 'Mul', in: ['x', 'norm1.weight'], out: ['a'] },
        { op: 'Identity', in: ['a'], out: ['b'] },
        { op: 'Mul', in: ['b', 'norm2.weight'], out: ['y'] },
      ],
      outputs: ['y'],
    });
    expect([...graph.constants.keys()]).toEqual(['norm1.weight', 'norm2.weight']);
    expect(graph.nodes.map((n) => n.op)).toEqual(['Mul', 'Mul']);
  });

  test('what no output depends on is left out', () => {
    const graph = loadOnnx(
      rawModel({
        opset: 17,
        inputs: { x: [2, 3], unused: [1] },
        constants: { w: draw('w', [3]) },
        nodes: [
          { op: 'Mul', in: ['x', 'w'], out: ['dead'] },
          { op: 'Relu', in: ['x'], out: ['y'] },
        ],
        outputs: ['y'],
      }),
    );
    expect(graph.nodes.map((n) => n.op)).toEqual(['Relu']);
    expect(graph.constants.size).toBe(0);
    expect(graph.inputs.map((v) => v.name)).toEqual(['x', 'unused']);
  });
});

describe('names stay as they are in the file', () => {
  test('of nodes, values and constants, also where they look like names made up here', () => {
    const graph = loadOnnx(
      rawModel({
        opset: 17,
        inputs: { 'in put': [2, 3] },
        constants: { c0: draw('w', [3]), i0_1: int64([2]) },
        nodes: [
          { op: 'Mul', name: 'i0', in: ['in put', 'c0'], out: ['i0'] },
          { op: 'Clip', name: 'Relu', in: ['i0', ''], out: ['Relu:y'] },
          { op: 'ReduceL2', name: 'c1', in: ['Relu:y'], out: ['c1'], attributes: { axes: [1] } },
          { op: 'Reshape', name: 'x', in: ['c1', 'i0_1'], out: ['ReduceSum:y'] },
        ],
        outputs: ['ReduceSum:y'],
      }),
    );
    expect(graph.nodes.map((n) => n.name)).toEqual(['i0', 'Relu', 'c1/Mul', 'c1/ReduceSum', 'c1/Sqrt', 'x']);
    for (const name of ['in put', 'c0', 'i0', 'Relu:y', 'c1', 'i0_1', 'ReduceSum:y'])
      expect(graph.find(name)?.name, name).toBe(name);
  });

  test('an output that is an input, a constant or another output is copied', async () => {
    const graph = await expectSame({
      opset: 17,
      inputs: { x: [2] },
      constants: { w: draw('w', [2]) },
      nodes: [
        { op: 'Identity', in: ['x'], out: ['a'] },
        { op: 'Identity', in: ['w'], out: ['b'] },
        { op: 'Add', in: ['x', 'w'], out: ['c'] },
        { op: 'Identity', in: ['c'], out: ['d'] },
      ],
      outputs: ['a', 'b', 'c', 'd', 'w'],
    });
    expect(graph.outputs.map((v) => v.name)).toEqual(['a', 'b', 'c', 'd', 'w']);
  });
});

test('an output of a node may be left out', async () => {
  // The engine itself crashes on this file.
  const raw = single(13, 'Split', { axis: 1 }, {}, [2, 4], ['', 'z']);
  const x = draw('x', [2, 4]);
  const { z } = await runOnce(loadOnnx(rawModel(raw)), { x });
  expect(Array.from(z!.data as Float32Array)).toEqual([2, 3, 6, 7].map((i) => x.data[i]));
});

describe('run-time sizes', () => {
  test('a reshape computed from the shape becomes a constant target', async () => {
    const graph = await expectSame(
      {
        opset: 13,
        inputs: { x: ['batch', 4, 3, 3] },
        constants: { zero: int64([0], []), minus: int64([-1]), axis: int64([0]) },
        nodes: [
          { op: 'Shape', in: ['x'], out: ['shape'] },
          { op: 'Gather', in: ['shape', 'zero'], out: ['n'] },
          { op: 'Unsqueeze', in: ['n', 'axis'], out: ['n1'] },
          { op: 'Concat', in: ['n1', 'minus'], out: ['target'], attributes: { axis: 0 } },
          { op: 'Reshape', in: ['x', 'target'], out: ['y'] },
        ],
        outputs: ['y'],
      },
      { batch: 2 },
    );
    expect(graph.nodes.map((n) => n.op)).toEqual(['Reshape']);
    expect(graph.outputs[0]!.shape).toEqual(['batch', 36]);
  });

  test('sizes doubled by floating point arithmetic become scales', async () => {
    const graph = await expectSame(
      {
        opset: 11,
        inputs: { x: ['n', 2, 'h', 'w'] },
        constants: {
          two: scalar(2),
          from: int64([2]),
          to: int64([4]),
          zero: int64([0]),
          roi: float32([0], []),
        },
        nodes: [
          { op: 'Shape', in: ['x'], out: ['shape'] },
          { op: 'Slice', in: ['shape', 'zero', 'from'], out: ['head'] },
          { op: 'Slice', in: ['shape', 'from', 'to'], out: ['image'] },
          { op: 'Cast', in: ['image'], out: ['imagef'], attributes: { to: 1 } },
          { op: 'Constant', in: [], out: ['factor'], attributes: { value: scalar(2) } },
          { op: 'Mul', in: ['imagef', 'factor'], out: ['twice'] },
          { op: 'Floor', in: ['twice'], out: ['floored'] },
          { op: 'Cast', in: ['floored'], out: ['whole'], attributes: { to: 7 } },
          { op: 'Concat', in: ['head', 'whole'], out: ['sizes'], attributes: { axis: 0 } },
          {
            op: 'Resize',
            in: ['x', 'roi', 'roi', 'sizes'],
            out: ['y'],
            attributes: {
              mode: 'nearest',
              coordinate_transformation_mode: 'asymmetric',
              nearest_mode: 'floor',
            },
          },
        ],
        outputs: ['y'],
      },
      { n: 2, h: 3, w: 5 },
    );
    expect(graph.nodes.map((n) => n.op)).toEqual(['Resize']);
    expect(graph.outputs[0]!.shape).toEqual(['n', 2, '2*h', '2*w']);
  });

  test('what cannot be known stays in the graph and runs', async () => {
    const graph = await expectSame(
      {
        opset: 13,
        inputs: { x: ['n', 'c', 'h'] },
        constants: { order: int64([2, 0, 1]), axis: int64([0]), two: int64([2]) },
        nodes: [
          { op: 'Shape', in: ['x'], out: ['shape'] },
          { op: 'Gather', in: ['shape', 'order'], out: ['turned'] },
          { op: 'Reshape', in: ['x', 'turned'], out: ['a'] },
          { op: 'Gather', in: ['shape', 'two'], out: ['h1'] },
          { op: 'Slice', in: ['a', 'axis', 'h1', 'axis'], out: ['b'] },
          { op: 'Expand', in: ['b', 'turned'], out: ['y'] },
        ],
        outputs: ['y'],
      },
      { n: 2, c: 3, h: 4 },
    );
    expect(graph.outputs[0]!.shape).toEqual(['h', 'n', 'c']);
  });

  test('a size called like an expression is a symbol of its own', () => {
    const graph = loadOnnx(
      rawModel({ ...single(17, 'Relu'), inputs: { x: ['batch-size', 'batch-size', '2*h'] } }),
    );
    const [a, b, c] = graph.inputs[0]!.shape;
    expect(a).toBe(b);
    expect([a, c]).toEqual(['size0:batch_size', 'size1:2_h']);
  });
});
