import { str } from '../../ops/op.ts';
import { anyOrder, fromDevice, type Item, numbers, type Tf, type TfTensor } from './item.ts';
import { input, type Kernel, wrapAxis } from './kernel.ts';
import { alongAxis } from './separable.ts';

/** Begins and ends of every axis; negative numbers crop. Borders that mirror or repeat are copies of positions. */
const pad: Kernel = (call) => {
  const { tf } = call;
  const x = input(call, 0);
  const rank = x.shape.length;
  const given = numbers(tf, input(call, 1));
  const axes = call.inputs[3]
    ? numbers(tf, call.inputs[3]).map((a) => wrapAxis(a, rank))
    : x.shape.map((_, k) => k);
  const sides = x.shape.map((_, axis): [number, number] => {
    const i = axes.indexOf(axis);
    return i < 0 ? [0, 0] : [given[i]!, given[i + axes.length]!];
  });
  const mode = str(call.attributes, 'mode', 'constant');
  if (mode === 'constant') {
    const fill = call.inputs[2] ? numbers(tf, call.inputs[2])[0]! : 0;
    const { tensor, order } = anyOrder(tf, x);
    const padded = filled(
      tf,
      tensor,
      order.map((axis) => sides[axis]!),
      fill,
    );
    return fromDevice(tf, padded, x.dtype, order);
  }
  return sides.reduce((item: Item, [before, after], axis) => {
    if (before === 0 && after === 0) return item;
    const size = x.shape[axis]!;
    const sources = Array.from({ length: before + size + after }, (_, i) =>
      mode === 'edge' ? Math.min(Math.max(i - before, 0), size - 1) : mirrored(i - before, size),
    );
    return alongAxis(tf, item, axis, { sources });
  }, x);
};

/** Positions beyond an end count back from it, the end itself once: −1 is 1. */
function mirrored(i: number, size: number): number {
  if (size === 1) return 0;
  const period = 2 * (size - 1);
  const at = ((i % period) + period) % period;
  return at < size ? at : period - at;
}

function filled(tf: Tf, x: TfTensor, sides: readonly [number, number][], fill: number): TfTensor {
  const crop = sides.map(([before, after]) => [Math.max(-before, 0), Math.max(-after, 0)] as const);
  const size = x.shape.map((d, k) => d - crop[k]![0] - crop[k]![1]);
  const crops = crop.flat().some((d) => d > 0);
  const border = sides.map(([before, after]): [number, number] => [Math.max(before, 0), Math.max(after, 0)]);
  const result = size.map((d, k) => d + border[k]![0] + border[k]![1]);
  if (result.includes(0)) return tf.tensor([], result, x.dtype as 'float32');
  if (size.includes(0)) return tf.fill(result, fill, x.dtype as 'float32');
  const inner = crops
    ? tf.slice(
        x,
        crop.map(([before]) => before),
        size,
      )
    : x;
  return border.flat().every((d) => d === 0) ? inner.clone() : tf.pad(inner, border, fill);
}

export const padKernels = { Pad: pad } satisfies Record<string, Kernel>;
