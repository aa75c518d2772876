import type { Attributes, DType, Node } from '../../graph/graph.ts';
import {
  anyOrder,
  fromDevice,
  type Item,
  ordered,
  plainOrder,
  sizeOfShape,
  type Tf,
  type TfTensor,
} from './item.ts';

/** A node about to be computed. */
export interface Call {
  readonly tf: Tf;
  readonly node: Node;
  readonly attributes: Attributes;
  readonly inputs: readonly (Item | null)[];
}

/** Computes a node's outputs. What it makes on the way is freed behind it. */
export type Kernel = (call: Call) => Item | readonly Item[];

/** Input `i`, which inference has seen to be there. */
export function input({ inputs, node }: Call, i: number): Item {
  const item = inputs[i];
  if (!item) throw new RangeError(`${node.op} "${node.name}" has no input ${i}`);
  return item;
}

/** The type the graph gives output `i`. */
export function typeOf({ node }: Call, i = 0): DType {
  return node.outputs[i]!.dtype;
}

/** A first output on the device. */
export function made(call: Call, tensor: TfTensor, order?: readonly number[]): Item {
  return fromDevice(call.tf, tensor, typeOf(call), order);
}

/** A negative axis counts from the end. */
export function wrapAxis(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

/**
 * Tensors of several values that broadcast against each other as the values do, and the order of axes of what comes out:
 * the one for which the fewest numbers move.
 */
export function aligned(tf: Tf, items: readonly Item[]): { tensors: TfTensor[]; order: readonly number[] } {
  const rank = Math.max(...items.map((item) => item.shape.length));
  const full = items.filter((item) => item.shape.length === rank);
  const order = cheapestOrder(tf, full);
  const [lead] = full;
  const tensors = items.map((item) => {
    if (item !== lead && sizeOfShape(item.shape) === 1) return anyOrder(tf, item).tensor.reshape([]);
    const missing = rank - item.shape.length;
    const own = order.filter((axis) => axis >= missing).map((axis) => axis - missing);
    const tensor = ordered(tf, item, own);
    if (missing === 0) return tensor;
    return tensor.reshape(order.map((axis) => (axis < missing ? 1 : item.shape[axis - missing]!)));
  });
  return { tensors, order };
}

/** Of the orders that values of one rank have, the one in which the fewest numbers have to be brought. */
export function cheapestOrder(tf: Tf, items: readonly Item[]): readonly number[] {
  const found = items.flatMap((item) => item.laid.map((l) => l.order));
  if (found.length === 0) return plainOrder(items[0]!.shape.length);
  if (found.length === 1) return found[0]!;
  let [best, least] = [found[0]!, Number.POSITIVE_INFINITY];
  for (const order of found) {
    let moved = 0;
    for (const item of items) if (!has(tf, item, order)) moved += sizeOfShape(item.shape);
    if (moved < least) [best, least] = [order, moved];
  }
  return best;
}

function has(tf: Tf, item: Item, order: readonly number[]): boolean {
  const long = order.filter((axis) => item.shape[axis] !== 1).join();
  anyOrder(tf, item);
  return item.laid.some((l) => l.order.filter((axis) => item.shape[axis] !== 1).join() === long);
}
