import { create, toBinary } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataLocation as DataLocation,
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  ValueInfoProtoSchema,
} from 'onnx-buf';
import { describe, expect, test } from 'vitest';
import { type Attributes, type DType, float32, Graph, int64, type Tensor } from '../../src/graph/graph.ts';
import { decodeOnnx, encodeOnnx } from '../../src/graph/onnx.ts';
import { printGraph } from '../../src/graph/print.ts';

/** The attributes of one node after they were written and read. */
function readBack(attributes: Attributes): Attributes {
  const graph = new Graph();
  const x = graph.input('x', 'float32', [1]);
  graph.output(graph.add('Op', [x], attributes, [{ dtype: 'float32', shape: [1] }]).outputs[0]!);
  return decodeOnnx(encodeOnnx(graph)).nodes[0]!.attributes;
}

describe('attributes come back as they were', () => {
  test.each<[string, Attributes]>([
    ['an integer', { axis: -1 }],
    ['integers', { pads: [1, 0, 2, 0] }],
    ['no integers', { axes: [] }],
    ['a float, also a whole one', { alpha: 1, beta: 0.25 }],
    ['a float that single precision cannot hold', { epsilon: 1e-5, momentum: 0.1 }],
    ['floats', { list: [0.5, 1.5] }],
    ['a string', { mode: 'reflect' }],
    ['strings', { names: ['a', 'b'] }],
    ['a type to cast to', { to: 'int64' }],
    ['a tensor', { value: int64([1, 2]) }],
  ])('%s', (_, attributes) => {
    expect(readBack(attributes)).toEqual(attributes);
  });

  test('and a float is written as one, which engines insist on', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [1]);
    graph.add('LeakyRelu', [x], { alpha: 1 }, [{ dtype: 'float32', shape: [1] }]);
    const text = Buffer.from(encodeOnnx(graph)).toString('latin1');
    // Field 20 (type) of the attribute is FLOAT (1), not INT (2).
    expect(text).toContain('alpha\x15\x00\x00\x80\x3f\xa0\x01\x01');
  });
});

const everyType: Tensor[] = [
  float32([2], [1.5, -2]),
  { dtype: 'float64', shape: [2], data: Float64Array.of(0.1, 1e300) },
  { dtype: 'float16', shape: [2], data: Uint16Array.of(0x3c00, 0xc000) },
  int64([2 ** 40, -1]),
  { dtype: 'int32', shape: [1, 2], data: Int32Array.of(7, -7) },
  { dtype: 'int8', shape: [2], data: Int8Array.of(127, -128) },
  { dtype: 'uint8', shape: [2], data: Uint8Array.of(0, 255) },
  { dtype: 'bool', shape: [], data: Uint8Array.of(1) },
  float32([0, 3], []),
];

test('constants of every type come back as they were, at any place in the file', () => {
  const graph = new Graph('x'.repeat(3));
  for (const [i, tensor] of everyType.entries()) graph.constant(tensor, `constant${'_'.repeat(i)}`);
  graph.output(graph.input('x', 'float32', []));
  expect([...decodeOnnx(encodeOnnx(graph)).constants.values()]).toEqual(everyType);
});

test('names, shapes, symbols, left-out inputs and metadata come back as they were', () => {
  const graph = new Graph('net');
  graph.metadata.set('card', '{"macs": 1}');
  const x = graph.input('in put', 'float32', ['batch', 3, '2*h']);
  graph.input('mask', 'bool', []);
  const types = [
    { dtype: 'float32', shape: ['batch', 3, 1], name: 'y/1' },
    { dtype: 'int64', shape: [2], name: 'z' },
  ] as const;
  const node = graph.add('Op', [x, null, x], {}, types, 'node.1');
  graph.output(node.outputs[1]!);
  const model = decodeOnnx(encodeOnnx(graph));
  expect(model).toEqual({
    name: 'net',
    opset: 17,
    inputs: [
      { name: 'in put', type: { dtype: 'float32', shape: ['batch', 3, '2*h'] } },
      { name: 'mask', type: { dtype: 'bool', shape: [] } },
    ],
    outputs: [{ name: 'z', type: { dtype: 'int64', shape: [2] } }],
    constants: new Map(),
    nodes: [
      {
        op: 'Op',
        domain: '',
        name: 'node.1',
        inputs: ['in put', '', 'in put'],
        outputs: ['y/1', 'z'],
        attributes: {},
      },
    ],
    metadata: new Map([['card', '{"macs": 1}']]),
  });
  expect(printGraph(graph)).toContain('%y/1 float32[batch, 3, 1], %z int64[2] = Op(%in put, -, %in put)');
});

/** A model around parts that our own writer does not make. */
function foreign(graph: Partial<Omit<GraphProto, '$typeName'>>): Uint8Array {
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      opsetImport: [
        { domain: 'ai.onnx.ml', version: 2n },
        { domain: 'ai.onnx', version: 13n },
      ],
      graph: create(GraphProtoSchema, { output: [create(ValueInfoProtoSchema, { name: 'y' })], ...graph }),
    }),
  );
}

const initializer = (fields: Partial<Omit<TensorProto, '$typeName'>>) =>
  foreign({ initializer: [create(TensorProtoSchema, { name: 'w', dims: [2n], ...fields })] });

describe('other writers’ spellings are read', () => {
  test.each<[DType, Partial<Omit<TensorProto, '$typeName'>>, ArrayLike<number | bigint>]>([
    ['float32', { dataType: 1, floatData: [1.5, 2] }, Float32Array.of(1.5, 2)],
    ['float64', { dataType: 11, doubleData: [0.1, 2] }, Float64Array.of(0.1, 2)],
    ['int64', { dataType: 7, int64Data: [1n, -2n] }, BigInt64Array.of(1n, -2n)],
    ['int32', { dataType: 6, int32Data: [1, -2] }, Int32Array.of(1, -2)],
    ['int8', { dataType: 3, int32Data: [1, -2] }, Int8Array.of(1, -2)],
    ['uint8', { dataType: 2, int32Data: [1, 200] }, Uint8Array.of(1, 200)],
    ['bool', { dataType: 9, int32Data: [1, 0] }, Uint8Array.of(1, 0)],
    ['float16', { dataType: 10, int32Data: [0x3c00, 0] }, Uint16Array.of(0x3c00, 0)],
  ])('%s numbers in fields of their own', (dtype, fields, data) => {
    expect(decodeOnnx(initializer(fields)).constants.get('w')).toEqual({ dtype, shape: [2], data });
  });

  test('the opset of the standard domain under its other name, nodes without names, sizes that are not known', () => {
    const dims = [-1n, 3n].map((value) => ({ value: { case: 'dimValue' as const, value } }));
    const type = {
      value: { case: 'tensorType' as const, value: { elemType: 1, shape: { dim: [...dims, {}] } } },
    };
    const model = decodeOnnx(
      foreign({
        node: [create(NodeProtoSchema, { opType: 'Relu', domain: 'ai.onnx', input: ['x'], output: ['y'] })],
        input: [
          create(ValueInfoProtoSchema, { name: 'x', type }),
          create(ValueInfoProtoSchema, { name: 'untyped' }),
        ],
      }),
    );
    expect(model.opset).toBe(13);
    expect(model.nodes[0]).toMatchObject({ name: 'Relu_0', domain: '' });
    expect(model.inputs).toEqual([
      { name: 'x', type: { dtype: 'float32', shape: ['x:0', 3, 'x:2'] } },
      { name: 'untyped', type: undefined },
    ]);
  });
});

describe('what is not read is refused by name', () => {
  const node = (attribute: object) =>
    foreign({
      node: [create(NodeProtoSchema, { opType: 'If', name: 'branch', attribute: [attribute as never] })],
    });

  test.each<[string, Uint8Array, RegExp]>([
    [
      'a type',
      initializer({ dataType: 16, rawData: new Uint8Array(4) }),
      /initializer "w" has element type 16/,
    ],
    [
      'weights in another file',
      initializer({ dataType: 1, dataLocation: DataLocation.EXTERNAL }),
      /"w" keeps its data in another file/,
    ],
    [
      'too few numbers',
      initializer({ dataType: 1, floatData: [1] }),
      /"w" must hold 2 elements for shape \[2\], it holds 1/,
    ],
    ['a part of a number', initializer({ dataType: 1, rawData: new Uint8Array(7) }), /it holds 1/],
    [
      'a branch',
      node({ name: 'then_branch', type: AttributeType.GRAPH }),
      /node "branch" \(If\) has attribute "then_branch"/,
    ],
    [
      'a cast to strings',
      node({ name: 'to', type: AttributeType.INT, i: 8n }),
      /node "branch" \(If\) casts to type 8/,
    ],
  ])('%s', (_, bytes, message) => {
    expect(() => decodeOnnx(bytes, 'net.onnx')).toThrow(message);
    expect(() => decodeOnnx(bytes, 'net.onnx')).toThrow(/^net\.onnx: /);
  });
});
