import * as ort from 'onnxruntime-node';
import type { DType, Tensor, TensorData } from '../graph/graph.ts';

const ortTypes: Record<DType, ort.Tensor.Type> = {
  float32: 'float32',
  float64: 'float64',
  float16: 'float16',
  int64: 'int64',
  int32: 'int32',
  int8: 'int8',
  uint8: 'uint8',
  bool: 'bool',
};

/** A tensor as ONNX Runtime takes it; the numbers are shared, not copied. */
export function toOrt(tensor: Tensor): ort.Tensor {
  return new ort.Tensor(ortTypes[tensor.dtype] as 'float32', tensor.data as Float32Array, [...tensor.shape]);
}

/** A tensor of ONNX Runtime on the host; the numbers are shared, not copied. */
export function fromOrt(tensor: ort.Tensor): Tensor {
  return { dtype: tensor.type as DType, shape: tensor.dims, data: tensor.data as TensorData };
}
