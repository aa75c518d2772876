import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { AttributeProto, ModelProto, TensorProto, ValueInfoProto } from 'onnx-buf';
import {
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataLocation as DataLocation,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProtoSchema,
  ValueInfoProtoSchema,
} from 'onnx-buf';
import { GanletError } from '../util/errors.ts';
import type {
  Attribute,
  Attributes,
  Dim,
  DType,
  Graph,
  Tensor,
  TensorData,
  TensorType,
  Value,
} from './graph.ts';

/** The opset every file of ours is written at. */
export const OPSET = 17;

/** TensorProto.DataType of ONNX. */
const dtypeCodes: Record<DType, number> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
};
const dtypeNames = new Map(Object.entries(dtypeCodes).map(([name, code]) => [code, name as DType]));
const bytesOf: Record<DType, number> = {
  float32: 4,
  uint8: 1,
  int8: 1,
  int32: 4,
  int64: 8,
  bool: 1,
  float16: 2,
  float64: 8,
};

/** Attributes that are float in ONNX although their value may be whole: `alpha: 1` must not be written as an integer. */
const floatAttributes = new Set([
  'alpha',
  'beta',
  'gamma',
  'epsilon',
  'momentum',
  'ratio',
  'cubic_coeff_a',
  'extrapolation_value',
  'bias',
  'lambd',
  'seed',
]);

/** A model as it stands in the file: names and attributes, nothing inferred or converted. */
export interface RawModel {
  name: string;
  opset: number;
  inputs: { name: string; type: TensorType | undefined }[];
  outputs: { name: string; type: TensorType | undefined }[];
  constants: Map<string, Tensor>;
  nodes: {
    op: string;
    domain: string;
    name: string;
    inputs: string[];
    outputs: string[];
    attributes: Attributes;
  }[];
  metadata: Map<string, string>;
}

/**
 * The graph as the bytes of an ONNX file (opset 17, IR version 8). The opset, without which no reader accepts a model, is
 * written last, so that a file cut short anywhere is never taken for a whole one.
 */
export function encodeOnnx(graph: Graph): Uint8Array<ArrayBuffer> {
  const model = create(ModelProtoSchema, {
    irVersion: 8n,
    producerName: 'ganlet',
    metadataProps: [...graph.metadata].map(([key, value]) => ({ key, value })),
    graph: create(GraphProtoSchema, {
      name: graph.name,
      node: graph.nodes.map((node) =>
        create(NodeProtoSchema, {
          opType: node.op,
          name: node.name,
          input: node.inputs.map((x) => x?.name ?? ''),
          output: node.outputs.map((y) => y.name),
          attribute: Object.entries(node.attributes).map(([name, value]) => encodeAttribute(name, value)),
        }),
      ),
      input: graph.inputs.map(encodeValueInfo),
      output: graph.outputs.map(encodeValueInfo),
      initializer: [...graph.constants.values()].map((value) => encodeTensor(value.tensor!, value.name)),
    }),
  });
  const opset = create(ModelProtoSchema, { opsetImport: [{ domain: '', version: BigInt(OPSET) }] });
  const parts = [model, opset].map((part) => toBinary(ModelProtoSchema, part));
  const bytes = new Uint8Array(parts[0]!.length + parts[1]!.length);
  bytes.set(parts[0]!);
  bytes.set(parts[1]!, parts[0]!.length);
  return bytes;
}

function encodeValueInfo(value: Value) {
  return create(ValueInfoProtoSchema, {
    name: value.name,
    type: {
      value: {
        case: 'tensorType',
        value: {
          elemType: dtypeCodes[value.dtype],
          shape: {
            dim: value.shape.map((d) => ({
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
}

function encodeTensor(tensor: Tensor, name: string): TensorProto {
  const { buffer, byteOffset, byteLength } = tensor.data;
  return create(TensorProtoSchema, {
    name,
    dataType: dtypeCodes[tensor.dtype],
    dims: tensor.shape.map((d) => BigInt(d)),
    rawData: new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength),
  });
}

function encodeAttribute(name: string, value: Attribute): AttributeProto {
  if (name === 'to' && typeof value === 'string') value = dtypeCodes[value as DType];
  if (typeof value === 'string') {
    return create(AttributeProtoSchema, {
      name,
      type: AttributeType.STRING,
      s: new TextEncoder().encode(value),
    });
  }
  if (typeof value === 'number') {
    return floatAttributes.has(name) || !Number.isInteger(value)
      ? create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: value })
      : create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(value) });
  }
  if (Array.isArray(value)) {
    const list = value as readonly (number | string)[];
    if (list.some((v) => typeof v === 'string'))
      return create(AttributeProtoSchema, {
        name,
        type: AttributeType.STRINGS,
        strings: list.map((v) => new TextEncoder().encode(String(v))),
      });
    const numbers = list as readonly number[];
    return numbers.every(Number.isInteger)
      ? create(AttributeProtoSchema, { name, type: AttributeType.INTS, ints: numbers.map((v) => BigInt(v)) })
      : create(AttributeProtoSchema, { name, type: AttributeType.FLOATS, floats: [...numbers] });
  }
  return create(AttributeProtoSchema, {
    name,
    type: AttributeType.TENSOR,
    t: encodeTensor(value as Tensor, ''),
  });
}

/**
 * Reads the bytes of an ONNX file. `file` names it in errors.
 * Throws ONNX_INVALID for a truncated or foreign file, ONNX_UNSUPPORTED for types, sub-graphs and external data we do not read.
 */
export function decodeOnnx(bytes: Uint8Array, file = 'the file'): RawModel {
  let model: ModelProto;
  try {
    model = fromBinary(ModelProtoSchema, bytes);
  } catch (cause) {
    throw new GanletError('ONNX_INVALID', `${file} must be an ONNX model, it cannot be decoded`, {
      hint: 'the file may be truncated or of another format; export or download it again',
      cause,
    });
  }
  const { graph } = model;
  if (!graph || (graph.node.length === 0 && graph.output.length === 0) || model.opsetImport.length === 0) {
    throw new GanletError(
      'ONNX_INVALID',
      `${file} must be an ONNX model with a graph and an opset, it has none`,
      {
        hint: 'the file may be truncated or of another format; export or download it again',
      },
    );
  }
  const opset = Number(
    model.opsetImport.find((o) => o.domain === '' || o.domain === 'ai.onnx')?.version ?? 0n,
  );
  const constants = new Map(
    graph.initializer.map((t) => [t.name, decodeTensor(t, `${file}: initializer "${t.name}"`)]),
  );
  return {
    name: graph.name || 'graph',
    opset,
    inputs: graph.input
      .filter((v) => !constants.has(v.name))
      .map((v) => ({ name: v.name, type: decodeType(v) })),
    outputs: graph.output.map((v) => ({ name: v.name, type: decodeType(v) })),
    constants,
    nodes: graph.node.map((n, i) => ({
      op: n.opType,
      domain: n.domain === 'ai.onnx' ? '' : n.domain,
      name: n.name || `${n.opType}_${i}`,
      inputs: n.input,
      outputs: n.output,
      attributes: Object.fromEntries(
        n.attribute.map((a) => [
          a.name,
          decodeAttribute(a, `${file}: node "${n.name || `${n.opType}_${i}`}" (${n.opType})`),
        ]),
      ),
    })),
    metadata: new Map(model.metadataProps.map((p) => [p.key, p.value])),
  };
}

function decodeType(info: ValueInfoProto): TensorType | undefined {
  const type = info.type?.value;
  if (type?.case !== 'tensorType') return undefined;
  const dtype = dtypeNames.get(type.value.elemType);
  const dims = type.value.shape?.dim;
  if (!dtype || !dims) return undefined;
  const shape = dims.map((d, i): Dim => {
    if (d.value.case === 'dimValue' && d.value.value >= 0n) return Number(d.value.value);
    return d.value.case === 'dimParam' && d.value.value !== '' ? d.value.value : `${info.name}:${i}`;
  });
  return { dtype, shape };
}

function decodeAttribute(a: AttributeProto, where: string): Attribute {
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  switch (a.type) {
    case AttributeType.FLOAT:
      return shortest(a.f);
    case AttributeType.INT:
      return a.name === 'to'
        ? (dtypeNames.get(Number(a.i)) ?? unsupported(`${where} casts to type ${a.i}`))
        : Number(a.i);
    case AttributeType.STRING:
      return text(a.s);
    case AttributeType.TENSOR:
      if (!a.t) {
        throw new GanletError(
          'ONNX_INVALID',
          `${where} must have a tensor for attribute "${a.name}", it has none`,
          {
            hint: 'the file is damaged; export or download it again',
          },
        );
      }
      return decodeTensor(a.t, `${where}, attribute ${a.name}`);
    case AttributeType.FLOATS:
      return a.floats.map(shortest);
    case AttributeType.INTS:
      return a.ints.map(Number);
    case AttributeType.STRINGS:
      return a.strings.map(text);
    default:
      return unsupported(
        `${where} has attribute "${a.name}" of a kind that is not supported (sub-graph or sparse)`,
      );
  }
}

/** The number with fewest digits that is stored as this single-precision one: 1e-5, not 0.000009999999747378752. */
function shortest(x: number): number {
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(x.toPrecision(digits));
    if (Math.fround(short) === x) return short;
  }
  return x;
}

function unsupported(what: string): never {
  throw new GanletError('ONNX_UNSUPPORTED', what, {
    hint: 'export the model without control flow, with its weights inside the file',
  });
}

function decodeTensor(t: TensorProto, where: string): Tensor {
  const dtype = dtypeNames.get(t.dataType);
  if (!dtype) return unsupported(`${where} has element type ${t.dataType}, which is not supported`);
  if (t.dataLocation === DataLocation.EXTERNAL) return unsupported(`${where} keeps its data in another file`);
  const shape = t.dims.map(Number);
  const count = shape.reduce((a, b) => a * b, 1);
  const data = t.rawData.length > 0 ? fromRaw(t.rawData, dtype) : fromFields(t, dtype);
  if (data.length !== count) {
    throw new GanletError(
      'ONNX_INVALID',
      `${where} must hold ${count} elements for shape [${shape.join(', ')}], it holds ${data.length}`,
      {
        hint: 'the file is damaged; export or download it again',
      },
    );
  }
  return { dtype, shape, data };
}

/** Raw bytes may start anywhere in the file's buffer, typed arrays may not: copy. */
function fromRaw(raw: Uint8Array, dtype: DType): TensorData {
  const whole = new Uint8Array(raw.subarray(0, raw.length - (raw.length % bytesOf[dtype]))).buffer;
  switch (dtype) {
    case 'float32':
      return new Float32Array(whole);
    case 'float64':
      return new Float64Array(whole);
    case 'float16':
      return new Uint16Array(whole);
    case 'int64':
      return new BigInt64Array(whole);
    case 'int32':
      return new Int32Array(whole);
    case 'int8':
      return new Int8Array(whole);
    default:
      return new Uint8Array(whole);
  }
}

function fromFields(t: TensorProto, dtype: DType): TensorData {
  switch (dtype) {
    case 'float32':
      return Float32Array.from(t.floatData);
    case 'float64':
      return Float64Array.from(t.doubleData);
    case 'int64':
      return BigInt64Array.from(t.int64Data);
    case 'float16':
      return Uint16Array.from(t.int32Data);
    case 'int32':
      return Int32Array.from(t.int32Data);
    case 'int8':
      return Int8Array.from(t.int32Data);
    default:
      return Uint8Array.from(t.int32Data);
  }
}
