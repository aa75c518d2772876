import { create, toBinary } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProtoSchema,
  ValueInfoProtoSchema,
} from 'onnx-buf';
import * as ort from 'onnxruntime-node';
import type { Dim, DType, Tensor, TensorData } from '../../src/graph/graph.ts';

const codes: Partial<Record<DType, number>> = {
  float32: 1,
  uint8: 2,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
};

/** A float attribute: a bare number is an integer. */
export const f = (float: number) => ({ float });
export const fs = (floats: number[]) => ({ floats });
type RawAttribute = number | number[] | string | Tensor | { float: number } | { floats: number[] };

export interface RawNode {
  op: string;
  in: string[];
  out: string[];
  name?: string;
  domain?: string;
  attributes?: Record<string, RawAttribute>;
}

export interface Raw {
  opset: number;
  /** float32 unless told otherwise. */
  inputs: Record<string, readonly Dim[] | { dtype: DType; shape: readonly Dim[] }>;
  constants?: Record<string, Tensor>;
  nodes: RawNode[];
  outputs: string[];
  /** Initialisers that are listed as inputs too, as old exporters do. */
  listed?: string[];
}

/** The bytes of an ONNX model as a foreign exporter may write it, of any opset. */
export function rawModel(raw: Raw): Uint8Array {
  const valueInfo = (name: string, dtype: DType, shape: readonly Dim[]) =>
    create(ValueInfoProtoSchema, {
      name,
      type: {
        value: {
          case: 'tensorType',
          value: {
            elemType: codes[dtype]!,
            shape: {
              dim: shape.map((d) => ({
                value:
                  typeof d === 'number'
                    ? { case: 'dimValue' as const, value: BigInt(d) }
                    : { case: 'dimParam' as const, value: d },
              })),
            },
          },
        },
      },
    });
  const constants = raw.constants ?? {};
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 8n,
      opsetImport: [{ domain: '', version: BigInt(raw.opset) }],
      graph: create(GraphProtoSchema, {
        name: 'raw',
        input: [
          ...Object.entries(raw.inputs).map(([name, given]) =>
            'dtype' in given ? valueInfo(name, given.dtype, given.shape) : valueInfo(name, 'float32', given),
          ),
          ...(raw.listed ?? []).map((name) =>
            valueInfo(name, constants[name]!.dtype, constants[name]!.shape),
          ),
        ],
        output: raw.outputs.map((name) => create(ValueInfoProtoSchema, { name })),
        initializer: Object.entries(constants).map(([name, tensor]) => tensorProto(tensor, name)),
        node: raw.nodes.map(({ op, name = '', domain = '', in: input, out: output, attributes = {} }) =>
          create(NodeProtoSchema, {
            opType: op,
            name,
            domain,
            input,
            output,
            attribute: Object.entries(attributes).map(([key, value]) => attributeProto(key, value)),
          }),
        ),
      }),
    }),
  );
}

function tensorProto({ dtype, shape, data }: Tensor, name: string) {
  return create(TensorProtoSchema, {
    name,
    dataType: codes[dtype]!,
    dims: shape.map((d) => BigInt(d)),
    rawData: new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength),
  });
}

function attributeProto(name: string, value: RawAttribute): AttributeProto {
  if (typeof value === 'number')
    return create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(value) });
  if (typeof value === 'string')
    return create(AttributeProtoSchema, {
      name,
      type: AttributeType.STRING,
      s: new TextEncoder().encode(value),
    });
  if (Array.isArray(value))
    return create(AttributeProtoSchema, {
      name,
      type: AttributeType.INTS,
      ints: value.map((v) => BigInt(v)),
    });
  if ('float' in value)
    return create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: value.float });
  if ('floats' in value)
    return create(AttributeProtoSchema, { name, type: AttributeType.FLOATS, floats: value.floats });
  return create(AttributeProtoSchema, { name, type: AttributeType.TENSOR, t: tensorProto(value, '') });
}

/** Runs the bytes as they are: the engine reads every opset itself, which makes it the judge of conversions. */
export async function runRaw(
  bytes: Uint8Array,
  feeds: Record<string, Tensor>,
): Promise<Record<string, Tensor>> {
  const session = await ort.InferenceSession.create(bytes, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  const inputs = Object.entries(feeds).map(([name, { dtype, data, shape }]) => [
    name,
    new ort.Tensor(dtype as 'float32', data as Float32Array, [...shape]),
  ]);
  const outputs = await session.run(Object.fromEntries(inputs));
  await session.release();
  return Object.fromEntries(
    Object.entries(outputs).map(([name, t]) => [
      name,
      { dtype: t.type as DType, shape: t.dims, data: t.data as TensorData },
    ]),
  );
}
