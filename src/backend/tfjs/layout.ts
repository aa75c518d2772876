import { ints, num, str } from '../../ops/op.ts';
import { readingOf } from '../../ops/slice-bounds.ts';
import {
  anyOrder,
  fromDevice,
  type Item,
  numbers,
  ordered,
  plain,
  share,
  sizeOfShape,
  type Tf,
  type TfTensor,
} from './item.ts';
import { type Call, cheapestOrder, input, type Kernel, made, wrapAxis } from './kernel.ts';
import { reshapeItem, transposeItem } from './reshape.ts';

const reshape: Kernel = (call) => {
  const { tf, attributes } = call;
  const { shape } = input(call, 0);
  const copies = num(attributes, 'allowzero', 0) === 0;
  const target = numbers(tf, input(call, 1)).map((d, i) => (d === 0 && copies ? (shape[i] ?? 0) : d));
  const others = sizeOfShape(target.filter((d) => d !== -1));
  const rest = others === 0 ? 0 : sizeOfShape(shape) / others;
  return reshapeItem(
    tf,
    input(call, 0),
    target.map((d) => (d === -1 ? rest : d)),
  );
};

const flatten: Kernel = (call) => {
  const x = input(call, 0);
  const axis = num(call.attributes, 'axis', 1);
  const at = axis < 0 ? axis + x.shape.length : axis;
  return reshapeItem(call.tf, x, [sizeOfShape(x.shape.slice(0, at)), sizeOfShape(x.shape.slice(at))]);
};

const squeeze: Kernel = (call) => {
  const x = input(call, 0);
  const axes = call.inputs[1] && numbers(call.tf, call.inputs[1]).map((a) => wrapAxis(a, x.shape.length));
  return reshapeItem(
    call.tf,
    x,
    x.shape.filter((d, axis) => (axes ? !axes.includes(axis) : d !== 1)),
  );
};

const unsqueeze: Kernel = (call) => {
  const x = input(call, 0);
  const given = numbers(call.tf, input(call, 1));
  const rank = x.shape.length + given.length;
  const axes = given.map((a) => wrapAxis(a, rank));
  const rest = [...x.shape];
  const shape = Array.from({ length: rank }, (_, k) => (axes.includes(k) ? 1 : rest.shift()!));
  return reshapeItem(call.tf, x, shape);
};

const transpose: Kernel = (call) => {
  const x = input(call, 0);
  const backwards = x.shape.map((_, k) => x.shape.length - 1 - k);
  return transposeItem(call.tf, x, ints(call.attributes, 'perm', backwards));
};

const expand: Kernel = (call) => {
  const { tf } = call;
  const x = input(call, 0);
  const target = numbers(tf, input(call, 1));
  const rank = Math.max(target.length, x.shape.length);
  const added = rank - x.shape.length;
  const shape = Array.from({ length: rank }, (_, k) => {
    const [own, wanted] = [x.shape[k - added] ?? 1, target[k - (rank - target.length)] ?? 1];
    return own === 1 ? wanted : own;
  });
  const { tensor, order } = anyOrder(tf, x);
  const wider = [...Array.from({ length: added }, (_, k) => k), ...order.map((axis) => axis + added)];
  const ranked = tensor.reshape(wider.map((axis) => x.shape[axis - added] ?? 1));
  return made(
    call,
    tf.broadcastTo(
      ranked,
      wider.map((axis) => shape[axis]!),
    ),
    wider,
  );
};

const tile: Kernel = (call) => {
  const { tensor, order } = anyOrder(call.tf, input(call, 0));
  const repeats = numbers(call.tf, input(call, 1));
  return made(
    call,
    call.tf.tile(
      tensor,
      order.map((axis) => repeats[axis]!),
    ),
    order,
  );
};

const concat: Kernel = (call) => {
  const { tf } = call;
  const items = call.inputs.map((_, i) => input(call, i));
  const [first] = items as [Item];
  if (items.length === 1) return share(first);
  const axis = wrapAxis(num(call.attributes, 'axis', 1), first.shape.length);
  for (const item of items) anyOrder(tf, item);
  const order = cheapestOrder(tf, items);
  const tensors = items.map((item) => ordered(tf, item, order));
  return made(call, tf.concat(tensors, order.indexOf(axis)), order);
};

const split: Kernel = (call) => {
  const { tf, node } = call;
  const x = input(call, 0);
  const axis = wrapAxis(num(call.attributes, 'axis', 0), x.shape.length);
  const { tensor, order } = anyOrder(tf, x);
  const count = node.outputs.length;
  const sizes = call.inputs[1]
    ? numbers(tf, call.inputs[1])
    : new Array<number>(count).fill(x.shape[axis]! / count);
  let at = 0;
  return sizes.map((size) => {
    at += size;
    return fromDevice(tf, part(tf, tensor, order.indexOf(axis), at - size, size), x.dtype, order);
  });
};

/** `size` positions of an axis, from `begin` on. */
export function part(tf: Tf, x: TfTensor, axis: number, begin: number, size: number): TfTensor {
  const shape = x.shape.map((d, k) => (k === axis ? size : d));
  if (size === 0) return tf.tensor([], shape, x.dtype as 'float32');
  return tf.slice(
    x,
    x.shape.map((_, k) => (k === axis ? begin : 0)),
    shape,
  );
}

const slice: Kernel = (call) => {
  const { tf } = call;
  const x = input(call, 0);
  const [starts, ends, given, steps] = [1, 2, 3, 4].map((i) => {
    const item = call.inputs[i];
    return item ? numbers(tf, item) : undefined;
  });
  const axes = given?.map((a) => wrapAxis(a, x.shape.length));
  const { tensor, order } = anyOrder(tf, x);
  const readings = x.shape.map((size, axis) => {
    const i = axes ? axes.indexOf(axis) : axis < starts!.length ? axis : -1;
    return i < 0
      ? { first: 0, step: 1, count: size }
      : readingOf(size, starts![i]!, ends![i]!, steps?.[i] ?? 1);
  });
  return made(
    call,
    read(
      tf,
      tensor,
      order.map((axis) => readings[axis]!),
    ),
    order,
  );
};

/** Reads of every axis: a contiguous cut, turned round where the step is negative, then every so many-th. */
function read(
  tf: Tf,
  x: TfTensor,
  readings: readonly { first: number; step: number; count: number }[],
): TfTensor {
  const shape = readings.map((r) => r.count);
  if (shape.includes(0)) return tf.tensor([], shape, x.dtype as 'float32');
  const spans = readings.map(({ step, count }) => (count - 1) * Math.abs(step) + 1);
  const begins = readings.map(({ first, step }, k) => (step < 0 ? first - spans[k]! + 1 : first));
  const whole = spans.every((span, k) => span === x.shape[k]);
  let y: TfTensor = whole ? x.clone() : tf.slice(x, begins, spans);
  const turned = readings.flatMap((r, k) => (r.step < 0 && r.count > 1 ? [k] : []));
  if (turned.length > 0) y = tf.reverse(y, turned);
  const strides = readings.map((r) => Math.abs(r.step));
  if (strides.every((s, k) => s === 1 || spans[k] === 1)) return y;
  return tf.stridedSlice(
    y,
    spans.map(() => 0),
    spans,
    strides,
  );
}

const gather: Kernel = (call) => {
  const { tf } = call;
  const [x, indices] = [input(call, 0), input(call, 1)];
  const axis = wrapAxis(num(call.attributes, 'axis', 0), x.shape.length);
  const size = x.shape[axis]!;
  const list = numbers(tf, indices).map((i) => (i < 0 ? i + size : i));
  if (list.some((i) => !(i >= 0 && i < size)))
    throw new RangeError(`indices must lie in [-${size}, ${size}), got ${numbers(tf, indices).join(', ')}`);
  const { tensor, order } = anyOrder(tf, x);
  const found = made(call, tf.gather(tensor, tf.tensor1d(list, 'int32'), order.indexOf(axis)), order);
  if (indices.shape.length === 1) return found;
  return reshapeItem(tf, found, [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)]);
};

/** [N, b·b·C, H, W] → [N, C, H·b, W·b], or with the channel first (CRD). */
const depthToSpace: Kernel = (call) => {
  const b = num(call.attributes, 'blocksize', 1);
  const x = input(call, 0);
  const [n, c, h, w] = x.shape as [number, number, number, number];
  const channels = c / (b * b);
  const cut =
    str(call.attributes, 'mode', 'DCR') === 'CRD'
      ? { shape: [n, channels, b, b, h, w], perm: [0, 1, 4, 2, 5, 3] }
      : { shape: [n, b, b, channels, h, w], perm: [0, 3, 4, 1, 5, 2] };
  return regroup(call, cut.shape, cut.perm, [n, channels, h * b, w * b]);
};

/** [N, C, H·b, W·b] → [N, b·b·C, H, W]. */
const spaceToDepth: Kernel = (call) => {
  const b = num(call.attributes, 'blocksize', 1);
  const [n, c, h, w] = input(call, 0).shape as [number, number, number, number];
  return regroup(call, [n, c, h / b, b, w / b, b], [0, 3, 5, 1, 2, 4], [n, c * b * b, h / b, w / b]);
};

function regroup(
  call: Call,
  cut: readonly number[],
  perm: readonly number[],
  shape: readonly number[],
): Item {
  const { tf } = call;
  const moved = tf.transpose(plain(tf, input(call, 0)).reshape([...cut]), [...perm]);
  return made(call, moved.reshape([...shape]));
}

export const layoutKernels = {
  Reshape: reshape,
  Flatten: flatten,
  Transpose: transpose,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Expand: expand,
  Concat: concat,
  Split: split,
  Tile: tile,
  Slice: slice,
  Gather: gather,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
} satisfies Record<string, Kernel>;
