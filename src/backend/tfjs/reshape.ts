import { anyOrder, fromDevice, type Item, plain, sizeOfShape, type Tf } from './item.ts';

/** Axes `from` of the old shape that are axes `to` of the new one: their products are equal, and no smaller runs' are. */
interface Run {
  readonly from: number[];
  readonly to: number[];
}

/**
 * A value in another shape. Where every axis that is split or merged lies together on the device in the order it has, only
 * the names of the axes change; otherwise the axes are put in the value's order first.
 */
export function reshapeItem(tf: Tf, item: Item, shape: readonly number[]): Item {
  for (const { tensor, order } of item.laid) {
    const relabelled = reshapedOrder(item.shape, shape, order);
    if (relabelled)
      return fromDevice(tf, tensor.reshape(relabelled.map((a) => shape[a]!)), item.dtype, relabelled);
  }
  return fromDevice(tf, plain(tf, item).reshape([...shape]), item.dtype);
}

/** A value with its axes in the order `perm`; nothing moves. */
export function transposeItem(tf: Tf, item: Item, perm: readonly number[]): Item {
  anyOrder(tf, item);
  const laid = item.laid.map(({ tensor, order }) => ({
    tensor: tensor.clone(),
    order: order.map((axis) => perm.indexOf(axis)),
  }));
  return { dtype: item.dtype, shape: perm.map((p) => item.shape[p]!), laid };
}

/**
 * The order of a tensor's axes after the value it holds was reshaped from `from` to `to`, when the tensor need not change but
 * for its own shape; undefined when axes are merged that do not lie one behind the other.
 *
 *     value [N, C, H, W] in order N H W C, reshaped to [N, C, HW]: the tensor is [N, HW, C], order 0 2 1
 */
export function reshapedOrder(
  from: readonly number[],
  to: readonly number[],
  order: readonly number[],
): number[] | undefined {
  if (sizeOfShape(from) === 0 || sizeOfShape(from) !== sizeOfShape(to)) return undefined;
  const runs = equalRuns(from, to);
  const long = order.filter((axis) => from[axis] !== 1);
  const result = to.flatMap((d, axis) => (d === 1 ? [axis] : []));
  for (let k = 0; k < long.length; ) {
    const { from: own, to: into } = runs.find((run) => run.from.includes(long[k]!))!;
    if (own.some((axis, i) => long[k + i] !== axis)) return undefined;
    result.push(...into);
    k += own.length;
  }
  return result;
}

/** Both shapes, without their axes of size 1, cut into the smallest runs of equal products. */
function equalRuns(from: readonly number[], to: readonly number[]): Run[] {
  const left = from.flatMap((d, axis) => (d === 1 ? [] : [axis]));
  const right = to.flatMap((d, axis) => (d === 1 ? [] : [axis]));
  const runs: Run[] = [];
  let [i, j] = [0, 0];
  while (i < left.length) {
    const run: Run = { from: [left[i]!], to: [right[j]!] };
    let [a, b] = [from[left[i++]!]!, to[right[j++]!]!];
    while (a !== b) {
      if (a < b) {
        run.from.push(left[i]!);
        a *= from[left[i++]!]!;
      } else {
        run.to.push(right[j]!);
        b *= to[right[j++]!]!;
      }
    }
    runs.push(run);
  }
  return runs;
}
