import type * as TfModule from '@tensorflow/tfjs';
import type { DType, Tensor } from '../../graph/graph.ts';
import { type Known, numbersOf, tensorOf } from '../../ops/fold/known.ts';
import { GanletError } from '../../util/errors.ts';

/** A TensorFlow.js package: `@tensorflow/tfjs`, `-node` or `-node-gpu`. */
export type Tf = typeof TfModule;
export type TfTensor = TfModule.Tensor;

/** A tensor on the device whose axis k is axis `order[k]` of the value it holds. */
export interface Laid {
  readonly tensor: TfTensor;
  readonly order: readonly number[];
}

/**
 * A value while a program runs. Its contents are on the host (`tensor`; `known` as plain numbers), on the device, or both. On
 * the device they may lie in several orders of axes at once: images as [N, C, H, W] for the program and as [N, H, W, C] for
 * convolutions. Orders are made when they are asked for, so that a transposition that nobody needs never happens.
 */
export interface Item {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly tensor?: Tensor;
  known?: Known;
  readonly laid: Laid[];
}

type TfType = 'float32' | 'int32' | 'bool';

/** TensorFlow.js has three types of numbers; doubles are computed in single precision, all integers with 32 bits. */
export function tfType(dtype: DType): TfType {
  if (dtype === 'float32' || dtype === 'float64') return 'float32';
  if (dtype === 'bool') return 'bool';
  if (dtype !== 'float16') return 'int32';
  throw new GanletError(
    'DTYPE_UNSUPPORTED',
    'TensorFlow.js must be given no float16 numbers, it has no such type',
    {
      hint: 'convert the model to float32, or use --backend onnxruntime',
    },
  );
}

/** A value whose contents are on the host. */
export function fromTensor(tensor: Tensor): Item {
  return { dtype: tensor.dtype, shape: tensor.shape, tensor, laid: [] };
}

/** A value computed on the host. */
export function fromKnown(known: Known): Item {
  return { dtype: known.dtype, shape: known.shape, known, laid: [] };
}

/** A value computed on the device; `order` tells which axis of the value each of the tensor's is, as they are when left out. */
export function fromDevice(tf: Tf, tensor: TfTensor, dtype: DType, order = plainOrder(tensor.rank)): Item {
  const shape = new Array<number>(order.length);
  for (const [k, axis] of order.entries()) shape[axis] = tensor.shape[k]!;
  const type = tfType(dtype);
  const typed = tensor.dtype === type ? tensor : tf.cast(tensor, type);
  return { dtype, shape, laid: [{ tensor: typed, order }] };
}

/** The same contents as another item, which is freed by itself. */
export function share(item: Item): Item {
  const laid = item.laid.slice(0, 1).map(({ tensor, order }) => ({ tensor: tensor.clone(), order }));
  return { ...item, laid };
}

/** Lets the tensors of a value outlive the scope in which they were made. */
export function keepItem(tf: Tf, item: Item): void {
  for (const { tensor } of item.laid) tf.keep(tensor);
}

export function freeItem(item: Item): void {
  for (const { tensor } of item.laid.splice(0)) tensor.dispose();
}

export function plainOrder(rank: number): readonly number[] {
  return Array.from({ length: rank }, (_, k) => k);
}

export function sizeOfShape(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

/** The order a value has on the device already, the first if there are several; it is put there if it is not. */
export function anyOrder(tf: Tf, item: Item): Laid {
  if (item.laid.length === 0)
    item.laid.push({ tensor: upload(tf, item), order: plainOrder(item.shape.length) });
  return item.laid[0]!;
}

/** Contents with the axes in an order of choice. What is made stays with the value until that is freed. */
export function ordered(tf: Tf, item: Item, order: readonly number[]): TfTensor {
  anyOrder(tf, item);
  const there = item.laid.find((l) => equalLists(l.order, order));
  if (there) return there.tensor;
  const from = item.laid.find((l) => !movesMemory(item.shape, l.order, order)) ?? item.laid[0]!;
  const tensor = movesMemory(item.shape, from.order, order)
    ? tf.transpose(
        from.tensor,
        order.map((axis) => from.order.indexOf(axis)),
      )
    : from.tensor.reshape(order.map((axis) => item.shape[axis]!));
  item.laid.push({ tensor: tensor, order });
  return tensor;
}

/** Contents with the axes as they are in the value. */
export function plain(tf: Tf, item: Item): TfTensor {
  return ordered(tf, item, plainOrder(item.shape.length));
}

/** Whether changing from one order of axes to another moves numbers: axes of size 1 do not count. */
export function movesMemory(
  shape: readonly number[],
  from: readonly number[],
  to: readonly number[],
): boolean {
  const long = (order: readonly number[]) => order.filter((axis) => shape[axis] !== 1);
  return !equalLists(long(from), long(to));
}

export function equalLists(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((x, i) => x === b[i]);
}

/** Whether the numbers of a value are at hand without asking the device. */
export function isOnHost(item: Item): boolean {
  return item.tensor !== undefined || item.known !== undefined;
}

/** The value as plain numbers, read back from the device if need be. */
export function known(tf: Tf, item: Item): Known {
  item.known ??= {
    dtype: item.dtype,
    shape: item.shape,
    items: Array.from((item.tensor?.data ?? plain(tf, item).dataSync()) as Iterable<number | bigint>, Number),
  };
  return item.known;
}

/** The numbers of a value, in row-major order. */
export function numbers(tf: Tf, item: Item): number[] {
  return known(tf, item).items as number[];
}

/** The contents as a tensor of their own that the caller may keep and change. */
export async function download(tf: Tf, item: Item): Promise<Tensor> {
  const { dtype, shape } = item;
  if (item.laid.length === 0 && item.tensor)
    return { ...item.tensor, data: item.tensor.data.slice() } as Tensor;
  if (item.laid.length === 0) return tensorOf(item.known!)!;
  const data = await plain(tf, item).data();
  if (dtype === 'float32') return { dtype, shape, data: Float32Array.from(data) };
  return tensorOf({ dtype, shape, items: Array.from(data) })!;
}

const [least, most] = [-(2 ** 31), 2 ** 31 - 1];

function upload(tf: Tf, item: Item): TfTensor {
  const type = tfType(item.dtype);
  const shape = [...item.shape];
  const { data } = item.tensor ?? {};
  if (data instanceof Float32Array) return tf.tensor(data, shape, type);
  const list = item.known ? numbersOf(item.known)! : Array.from(data as Iterable<number | bigint>, Number);
  // ONNX's "to the end" is beyond 32 bits.
  const fitting = type === 'int32' ? list.map((x) => Math.min(Math.max(x, least), most)) : list;
  return tf.tensor(typed(type, fitting), shape, type);
}

function typed(type: TfType, list: readonly number[]): Float32Array | Int32Array | Uint8Array {
  if (type === 'float32') return Float32Array.from(list);
  return type === 'int32' ? Int32Array.from(list) : Uint8Array.from(list);
}
