import { ints, num } from '../../ops/op.ts';
import { anyOrder, numbers, share, type Tf, type TfTensor } from './item.ts';
import { type Call, input, type Kernel, made, wrapAxis } from './kernel.ts';

function axesOf(call: Call): number[] {
  const { shape } = input(call, 0);
  const item = call.inputs[1];
  const given = item ? numbers(call.tf, item) : ints(call.attributes, 'axes', []);
  if (given.length === 0)
    return num(call.attributes, 'noop_with_empty_axes', 0) === 1 ? [] : shape.map((_, axis) => axis);
  return given.map((a) => wrapAxis(a, shape.length));
}

/** Takes the axes away in whatever order they are; the others keep theirs. */
function reducer(f: (tf: Tf, x: TfTensor, axes: number[], keep: boolean) => TfTensor): Kernel {
  return (call) => {
    const x = input(call, 0);
    const axes = axesOf(call);
    if (axes.length === 0) return share(x);
    const keep = num(call.attributes, 'keepdims', 1) === 1;
    const { tensor, order } = anyOrder(call.tf, x);
    const places = axes.map((axis) => order.indexOf(axis));
    const left = keep ? order : withoutAxes(order, axes);
    return made(call, f(call.tf, tensor, places, keep), left);
  };
}

/** An order of axes without some of them, the others numbered anew. */
function withoutAxes(order: readonly number[], axes: readonly number[]): number[] {
  return order
    .filter((axis) => !axes.includes(axis))
    .map((axis) => axis - axes.filter((gone) => gone < axis).length);
}

/** Axes of an image, [N, C, …], behind the first two. */
function overImage(f: (tf: Tf, x: TfTensor, axes: number[]) => TfTensor): Kernel {
  return (call) => {
    const { tensor, order } = anyOrder(call.tf, input(call, 0));
    const places = order.flatMap((axis, place) => (axis > 1 ? [place] : []));
    return made(call, f(call.tf, tensor, places), order);
  };
}

export const reduceKernels = {
  ReduceSum: reducer((tf, x, axes, keep) => tf.sum(x, axes, keep)),
  ReduceMean: reducer((tf, x, axes, keep) => tf.mean(x, axes, keep)),
  ReduceMax: reducer((tf, x, axes, keep) => tf.max(x, axes, keep)),
  ReduceMin: reducer((tf, x, axes, keep) => tf.min(x, axes, keep)),
  ReduceProd: reducer((tf, x, axes, keep) => tf.prod(x, axes, keep)),
  GlobalAveragePool: overImage((tf, x, axes) => tf.mean(x, axes, true)),
  GlobalMaxPool: overImage((tf, x, axes) => tf.max(x, axes, true)),
} satisfies Record<string, Kernel>;
