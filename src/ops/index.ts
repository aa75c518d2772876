import * as activation from './activation.ts';
import * as conv from './conv.ts';
import * as depthSpace from './depth-space.ts';
import * as elementwise from './elementwise.ts';
import * as gather from './gather.ts';
import * as layout from './layout.ts';
import * as matmul from './matmul.ts';
import * as norm from './norm.ts';
import type { Op } from './op.ts';
import * as pool from './pool.ts';
import * as reduce from './reduce.ts';
import * as resize from './resize.ts';
import * as segments from './segments.ts';
import * as sizes from './sizes.ts';
import * as window from './window.ts';

/** Every operator the toolkit knows, by its ONNX name. */
export const ops = {
  Add: elementwise.Add,
  Sub: elementwise.Sub,
  Mul: elementwise.Mul,
  Div: elementwise.Div,
  Pow: elementwise.Pow,
  Mod: elementwise.Mod,
  Max: elementwise.Max,
  Min: elementwise.Min,
  Equal: elementwise.Equal,
  Less: elementwise.Less,
  LessOrEqual: elementwise.LessOrEqual,
  Greater: elementwise.Greater,
  GreaterOrEqual: elementwise.GreaterOrEqual,
  And: elementwise.And,
  Or: elementwise.Or,
  Not: elementwise.Not,
  Where: elementwise.Where,
  Neg: elementwise.Neg,
  Abs: elementwise.Abs,
  Sign: elementwise.Sign,
  Sqrt: elementwise.Sqrt,
  Reciprocal: elementwise.Reciprocal,
  Exp: elementwise.Exp,
  Log: elementwise.Log,
  Erf: elementwise.Erf,
  Sin: elementwise.Sin,
  Cos: elementwise.Cos,
  Floor: elementwise.Floor,
  Ceil: elementwise.Ceil,
  Round: elementwise.Round,
  Identity: elementwise.Identity,
  Cast: elementwise.Cast,
  Clip: elementwise.Clip,
  Relu: activation.Relu,
  LeakyRelu: activation.LeakyRelu,
  PRelu: activation.PRelu,
  Elu: activation.Elu,
  Sigmoid: activation.Sigmoid,
  Tanh: activation.Tanh,
  Softplus: activation.Softplus,
  HardSigmoid: activation.HardSigmoid,
  HardSwish: activation.HardSwish,
  Softmax: activation.Softmax,
  LogSoftmax: activation.LogSoftmax,
  Dropout: activation.Dropout,
  ReduceSum: reduce.ReduceSum,
  ReduceMean: reduce.ReduceMean,
  ReduceMax: reduce.ReduceMax,
  ReduceMin: reduce.ReduceMin,
  ReduceProd: reduce.ReduceProd,
  MatMul: matmul.MatMul,
  Gemm: matmul.Gemm,
  Conv: conv.Conv,
  ConvTranspose: conv.ConvTranspose,
  InstanceNormalization: norm.InstanceNormalization,
  BatchNormalization: norm.BatchNormalization,
  LayerNormalization: norm.LayerNormalization,
  Reshape: layout.Reshape,
  Flatten: layout.Flatten,
  Transpose: layout.Transpose,
  Squeeze: layout.Squeeze,
  Unsqueeze: layout.Unsqueeze,
  Expand: layout.Expand,
  Concat: segments.Concat,
  Split: segments.Split,
  Tile: segments.Tile,
  Shape: sizes.Shape,
  ConstantOfShape: sizes.ConstantOfShape,
  Range: sizes.Range,
  Constant: sizes.Constant,
  Slice: window.Slice,
  Pad: window.Pad,
  Gather: gather.Gather,
  Resize: resize.Resize,
  AveragePool: pool.AveragePool,
  MaxPool: pool.MaxPool,
  GlobalAveragePool: pool.GlobalAveragePool,
  GlobalMaxPool: pool.GlobalMaxPool,
  DepthToSpace: depthSpace.DepthToSpace,
  SpaceToDepth: depthSpace.SpaceToDepth,
} satisfies Record<string, Op>;

export type OpType = keyof typeof ops;

/** The operator called `type`, or undefined. */
export function findOp(type: string): Op | undefined {
  return Object.hasOwn(ops, type) ? ops[type as OpType] : undefined;
}
