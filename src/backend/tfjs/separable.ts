import { anyOrder, fromDevice, type Item, ordered, type Tf, type TfTensor } from './item.ts';

/** A linear map along one axis: positions that are copied, or a matrix [outputs, inputs]. */
export type AlongAxis = { readonly sources: readonly number[] } | { readonly matrix: TfTensor };

/** A value with one axis mapped. A matrix acts on the last axis: that is put last. */
export function alongAxis(tf: Tf, item: Item, axis: number, map: AlongAxis): Item {
  const { tensor, order } = anyOrder(tf, item);
  if ('sources' in map) {
    const copied = tf.gather(tensor, tf.tensor1d([...map.sources], 'int32'), order.indexOf(axis));
    return fromDevice(tf, copied, item.dtype, order);
  }
  const last = [...order.filter((a) => a !== axis), axis];
  const rows = ordered(tf, item, last);
  const flat = rows.reshape([-1, item.shape[axis]!]);
  const mapped = tf.matMul(
    flat as ReturnType<Tf['tensor2d']>,
    map.matrix as ReturnType<Tf['tensor2d']>,
    false,
    true,
  );
  return fromDevice(tf, mapped.reshape([...rows.shape.slice(0, -1), map.matrix.shape[0]!]), item.dtype, last);
}
