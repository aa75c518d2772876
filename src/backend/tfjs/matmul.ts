import { num } from '../../ops/op.ts';
import {
  equalLists,
  type Item,
  movesMemory,
  ordered,
  plain,
  plainOrder,
  sizeOfShape,
  type Tf,
  type TfTensor,
} from './item.ts';
import { input, type Kernel, made } from './kernel.ts';

/** A matrix, or several: [batch, rows, columns], or [batch, columns, rows] when `turned`. */
interface Matrices {
  readonly tensor: TfTensor;
  readonly turned: boolean;
  readonly batch: readonly number[];
}

/** A value as matrices of its last two axes; it is not moved for having them the other way round. */
function matrices(tf: Tf, item: Item): Matrices {
  const rank = item.shape.length;
  const straight = plainOrder(rank);
  const swapped = [...straight.slice(0, -2), rank - 1, rank - 2];
  const lies = (order: readonly number[]) =>
    item.laid.some((l) => equalLists(l.order, order) || !movesMemory(item.shape, l.order, order));
  const turned = item.laid.length > 0 && !lies(straight) && lies(swapped);
  const batch = item.shape.slice(0, -2);
  const tensor = ordered(tf, item, turned ? swapped : straight);
  return { tensor: tensor.reshape([sizeOfShape(batch), ...tensor.shape.slice(-2)]), turned, batch };
}

/** Products over the last two axes, axes before them broadcast. */
const matMul: Kernel = (call) => {
  const { tf } = call;
  const [a, b] = [matrices(tf, input(call, 0)), matrices(tf, input(call, 1))];
  const [rows, columns] = [input(call, 0).shape.at(-2)!, input(call, 1).shape.at(-1)!];
  const batch = broadcastBatch(a.batch, b.batch);
  const count = sizeOfShape(batch);
  let product: TfTensor;
  if (sizeOfShape(b.batch) === 1 && !a.turned) {
    // One matrix on the right: all rows on the left are those of one matrix.
    const [, m, k] = a.tensor.shape as [number, number, number];
    product = tf.matMul(
      a.tensor.reshape([count * m, k]),
      b.tensor.reshape(b.tensor.shape.slice(1)),
      false,
      b.turned,
    );
  } else {
    product = tf.matMul(spread(tf, a, batch), spread(tf, b, batch), a.turned, b.turned);
  }
  return made(call, product.reshape([...batch, rows, columns]));
};

/** Matrices repeated so that there are as many as in the batch. */
function spread(tf: Tf, { tensor, batch }: Matrices, wanted: readonly number[]): TfTensor {
  const count = sizeOfShape(wanted);
  if (sizeOfShape(batch) === count) return tensor;
  const matrix = tensor.shape.slice(1);
  const ranked = tensor.reshape([
    ...wanted.map((_, k) => batch[k - (wanted.length - batch.length)] ?? 1),
    ...matrix,
  ]);
  return tf.broadcastTo(ranked, [...wanted, ...matrix]).reshape([count, ...matrix]);
}

function broadcastBatch(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, k) => {
    const [left, right] = [a[k - (rank - a.length)] ?? 1, b[k - (rank - b.length)] ?? 1];
    return left === 1 ? right : left;
  });
}

/** α·A′·B′ + β·C. */
const gemm: Kernel = (call) => {
  const { tf, attributes } = call;
  const [a, b] = [matrices(tf, input(call, 0)), matrices(tf, input(call, 1))];
  const flag = (name: string) => num(attributes, name, 0) === 1;
  const flat = ({ tensor }: Matrices) => tensor.reshape(tensor.shape.slice(1));
  const product = tf.matMul(flat(a), flat(b), a.turned !== flag('transA'), b.turned !== flag('transB'));
  const alpha = num(attributes, 'alpha', 1);
  const scaled = alpha === 1 ? product : tf.mul(product, alpha);
  const c = call.inputs[2];
  if (!c) return made(call, scaled);
  const beta = num(attributes, 'beta', 1);
  const addend = beta === 1 ? plain(tf, c) : tf.mul(plain(tf, c), beta);
  return made(call, tf.add(scaled, addend));
};

export const matMulKernels = { MatMul: matMul, Gemm: gemm } satisfies Record<string, Kernel>;
