import { int64, type Value } from '../../graph/graph.ts';
import { axisIn } from '../fold/index-space.ts';
import { reshape } from '../layout.ts';
import { ints, num, str } from '../op.ts';
import {
  addNode,
  type Call,
  type Converter,
  constantInput,
  numbers,
  optional,
  refuse,
  required,
  without,
} from './call.ts';
import { expand, reshapeTo, resize, slice, split } from './convert-sizes.ts';

const reExport = 'export the model again in evaluation mode (model.eval())';

/** A scalar input that some exporters write as a vector of length 1. */
function scalarInput(call: Call, i: number): Value | null {
  const value = optional(call, i);
  return value && value.shape.length === 1 ? reshapedConstant(value) : value;
}

function reshapedConstant(value: Value): Value {
  const { tensor, graph } = value;
  return tensor ? graph.constant({ ...tensor, shape: [] }) : reshape(value, []);
}

/** ReduceMean and its like take their axes as an attribute up to opset 17, as an input from 18 on. */
function reduction(type: 'ReduceMean' | 'ReduceMax' | 'ReduceMin' | 'ReduceProd'): Converter {
  return (call) => {
    const axes = call.inputs[1] ? constantInput(call, 1, 'axes') : ints(call.attributes, 'axes', []);
    const attributes = without(call.attributes, 'noop_with_empty_axes', 'axes');
    if (axes.length === 0 && num(call.attributes, 'noop_with_empty_axes', 0) === 1)
      return addNode(call, 'Identity', [required(call, 0)]);
    return addNode(call, type, [required(call, 0)], axes.length > 0 ? { ...attributes, axes } : attributes);
  };
}

/** Up to opset 12 softmax ran over all axes from `axis` on, seen as one. */
function softmax(type: 'Softmax' | 'LogSoftmax'): Converter {
  return (call) => {
    const x = required(call, 0);
    const rank = x.shape.length;
    if (call.opset >= 13) return addNode(call, type, [x], call.attributes);
    const axis = axisIn(num(call.attributes, 'axis', 1), rank);
    if (x.shape.slice(axis + 1).every((d) => d === 1)) return addNode(call, type, [x], { axis });
    const [flat] = addNode({ ...call, name: `${call.name}/flatten` }, 'Flatten', [x], { axis });
    const [y] = addNode(call, type, [flat!], { axis: 1 });
    return reshape(y!, x.shape, x);
  };
}

/** Pads of every axis: from opset 18 on they may be given for some axes only. */
function pad(call: Call): Value[] {
  const x = required(call, 0);
  const inputs = [x, required(call, 1), scalarInput(call, 2)];
  if (call.inputs[3]) {
    const axes = constantInput(call, 3, 'axes').map((a) => axisIn(a, x.shape.length));
    const given = constantInput(call, 1, 'pads');
    const pads = new Array<number>(2 * x.shape.length).fill(0);
    for (const [i, axis] of axes.entries()) {
      pads[axis] = given[i]!;
      pads[axis + x.shape.length] = given[i + axes.length]!;
    }
    inputs[1] = x.graph.vector(pads);
  }
  return addNode(call, 'Pad', inputs, call.attributes);
}

function batchNormalization(call: Call): Value[] {
  const { attributes } = call;
  if (num(attributes, 'training_mode', 0) !== 0 || call.outputs.slice(1).some((name) => name !== ''))
    refuse(call, 'OP_UNSUPPORTED', 'training mode is not supported', reExport);
  if (num(attributes, 'spatial', 1) !== 1) refuse(call, 'OP_UNSUPPORTED', 'spatial must be 1');
  const inputs = [0, 1, 2, 3, 4].map((i) => required(call, i));
  const rest = without(attributes, 'training_mode', 'spatial');
  return addNode({ ...call, outputs: call.outputs.slice(0, 1) }, 'BatchNormalization', inputs, rest);
}

/** Dropout stays, with its ratio, for a program that trains the network; alone it does nothing. */
function dropout(call: Call): Value[] {
  if (call.inputs[2] && numbers(call, 2)?.[0] !== 0)
    refuse(call, 'OP_UNSUPPORTED', 'training mode is not supported', reExport);
  const ratio = call.attributes.ratio;
  const given = typeof ratio === 'number' ? call.graph.scalar(ratio) : optional(call, 1);
  return addNode(call, 'Dropout', [required(call, 0), given]);
}

function clip(call: Call): Value[] {
  const { min, max } = call.attributes;
  const bound = (attribute: unknown, i: number) =>
    typeof attribute === 'number' ? call.graph.scalar(attribute) : scalarInput(call, i);
  return addNode(call, 'Clip', [required(call, 0), bound(min, 1), bound(max, 2)]);
}

/** A stated output size becomes the padding that gives it. */
function convTranspose(call: Call): Value[] {
  const size = ints(call.attributes, 'output_shape', []).slice(-2);
  const inputs = [required(call, 0), required(call, 1), optional(call, 2)];
  if (size.length === 0) return addNode(call, 'ConvTranspose', inputs, call.attributes);
  const kernel = ints(call.attributes, 'kernel_shape', inputs[1]!.shape.slice(2) as number[]);
  const [strides, dilations] = ['strides', 'dilations'].map((name) => ints(call.attributes, name, [1, 1]));
  const extra = ints(call.attributes, 'output_padding', [0, 0]);
  const pads = [0, 0, 0, 0];
  for (const i of [0, 1]) {
    const from = inputs[0]!.shape[i + 2];
    if (typeof from !== 'number') return refuse(call, 'OP_UNSUPPORTED', 'output_shape needs the image size');
    const total = strides![i]! * (from - 1) + extra[i]! + (kernel[i]! - 1) * dilations![i]! + 1 - size[i]!;
    const lower = str(call.attributes, 'auto_pad', 'NOTSET') === 'SAME_UPPER' ? Math.floor : Math.ceil;
    pads[i] = lower(total / 2);
    pads[i + 2] = total - pads[i]!;
  }
  if (pads.some((p) => p < 0))
    refuse(call, 'OP_UNSUPPORTED', `output_shape [${size}] is larger than what is computed`);
  return addNode(call, 'ConvTranspose', inputs, {
    ...without(call.attributes, 'output_shape', 'auto_pad'),
    pads,
  });
}

function maxPool(call: Call): Value[] {
  if (num(call.attributes, 'storage_order', 0) !== 0)
    refuse(call, 'OP_UNSUPPORTED', 'storage_order must be 0');
  return addNode(call, 'MaxPool', [required(call, 0)], without(call.attributes, 'storage_order'));
}

/** A pooling window with dilations (opset 19) has no counterpart. */
function averagePool(call: Call): Value[] {
  if (ints(call.attributes, 'dilations', []).some((d) => d !== 1))
    refuse(call, 'OP_UNSUPPORTED', 'dilations must be 1');
  return addNode(call, 'AveragePool', [required(call, 0)], without(call.attributes, 'dilations'));
}

/** Operands of one axis are treated as NumPy does. */
function matMul(call: Call): Value | Value[] {
  const [a, b] = [required(call, 0), required(call, 1)];
  if (a.shape.length !== 1 && b.shape.length !== 1) return addNode(call, 'MatMul', [a, b]);
  const left = a.shape.length === 1 ? reshape(a, [1, a.shape[0]!]) : a;
  const right = b.shape.length === 1 ? reshape(b, [b.shape[0]!, 1]) : b;
  const [y] = addNode(call, 'MatMul', [left, right]) as [Value];
  const shape = y.shape.filter((_, i) => {
    const fromEnd = y.shape.length - i;
    return !(fromEnd === 2 && left !== a) && !(fromEnd === 1 && right !== b);
  });
  return reshape(y, shape, a, b);
}

function pow(call: Call): Value[] {
  const x = required(call, 0);
  const exponent = numbers(call, 1);
  const b = required(call, 1);
  if (b.dtype === x.dtype) return addNode(call, 'Pow', [x, b]);
  if (exponent?.length === 1 && b.shape.length === 0)
    return addNode(call, 'Pow', [x, x.graph.scalar(exponent[0]!, x.dtype)]);
  const [same] = addNode({ ...call, name: `${call.name}/cast` }, 'Cast', [b], { to: x.dtype });
  return addNode(call, 'Pow', [x, same!]);
}

/** Operators whose form changed between the opsets read, or that need a second look. */
export const converters: Record<string, Converter> = {
  AveragePool: averagePool,
  BatchNormalization: batchNormalization,
  Cast: (call) =>
    addNode(call, 'Cast', [required(call, 0)], without(call.attributes, 'saturate', 'round_mode')),
  Clip: clip,
  ConvTranspose: convTranspose,
  Dropout: dropout,
  Expand: expand,
  LogSoftmax: softmax('LogSoftmax'),
  MatMul: matMul,
  MaxPool: maxPool,
  Pad: pad,
  Pow: pow,
  ReduceMax: reduction('ReduceMax'),
  ReduceMean: reduction('ReduceMean'),
  ReduceMin: reduction('ReduceMin'),
  ReduceProd: reduction('ReduceProd'),
  Reshape: reshapeTo,
  Resize: resize,
  Slice: slice,
  Softmax: softmax('Softmax'),
  Split: split,
};

/** Lists that were attributes up to opset 12 and are inputs since. */
const movedToInput: Record<string, string> = {
  Squeeze: 'axes',
  Unsqueeze: 'axes',
  ReduceSum: 'axes',
  Split: 'split',
};

/** Moves such a list to input 1. */
export function withListAsInput(call: Call): Call {
  const name = movedToInput[call.op];
  const list = name === undefined ? undefined : call.attributes[name];
  if (call.inputs[1] || !Array.isArray(list)) return call;
  const tensor = int64(list as number[]);
  const slot = {
    name: '',
    tensor,
    known: { dtype: tensor.dtype, shape: tensor.shape, items: list as number[] },
  };
  return { ...call, inputs: [call.inputs[0] ?? null, slot], attributes: without(call.attributes, name!) };
}
