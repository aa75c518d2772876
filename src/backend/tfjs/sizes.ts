import type { Tensor } from '../../graph/graph.ts';
import { num } from '../../ops/op.ts';
import { fromKnown, fromTensor, numbers, sizeOfShape, tfType } from './item.ts';
import { input, type Kernel, made, typeOf } from './kernel.ts';

const shape: Kernel = (call) => {
  const whole = input(call, 0).shape;
  const clamp = (i: number) => Math.min(Math.max(i < 0 ? i + whole.length : i, 0), whole.length);
  const [start, end] = [num(call.attributes, 'start', 0), num(call.attributes, 'end', whole.length)];
  const items = whole.slice(clamp(start), clamp(end));
  return fromKnown({ dtype: 'int64', shape: [items.length], items });
};

/** Up to this many elements are made on the host, where sizes are computed. */
const hostLimit = 1024;

const constantOfShape: Kernel = (call) => {
  const target = numbers(call.tf, input(call, 0));
  const value = call.attributes.value as Tensor | undefined;
  const fill = value ? Number(value.data[0]) : 0;
  const count = sizeOfShape(target);
  const dtype = typeOf(call);
  if (count <= hostLimit)
    return fromKnown({ dtype, shape: target, items: new Array<number>(count).fill(fill) });
  return made(call, call.tf.fill(target, fill, tfType(dtype)));
};

const range: Kernel = (call) => {
  const [start, limit, delta] = [0, 1, 2].map((i) => numbers(call.tf, input(call, i))[0]!) as [
    number,
    number,
    number,
  ];
  const count = Math.max(0, Math.ceil((limit - start) / delta));
  const items = Array.from({ length: count }, (_, i) => start + i * delta);
  return fromKnown({ dtype: typeOf(call), shape: [count], items });
};

const constant: Kernel = (call) => fromTensor(call.attributes.value as Tensor);

export const sizeKernels = {
  Shape: shape,
  ConstantOfShape: constantOfShape,
  Range: range,
  Constant: constant,
} satisfies Record<string, Kernel>;
