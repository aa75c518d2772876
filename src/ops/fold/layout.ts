import type { Dim, Tensor } from '../../graph/graph.ts';
import { ints, num } from '../op.ts';
import { readingOf } from '../slice-bounds.ts';
import { axisIn, broadcast, elementsOf, flatIndex, gathered, indicesOf } from './index-space.ts';
import { FOLD_LIMIT, type Fold, type Known, numbersOf, stored } from './known.ts';

const reshaped = (x: Known, shape: readonly number[]): Known | undefined =>
  elementsOf(shape) === x.items.length ? { ...x, shape } : undefined;

/** Moving the elements of small tensors about, and making some, by operator. */
export const layoutFolds: Record<string, Fold> = {
  Reshape: ([x, target]) => {
    const shape = numbersOf(target)?.map((d, i) => (d === 0 ? (x!.shape[i] ?? 0) : d));
    if (!shape) return undefined;
    const known = shape.filter((d) => d !== -1).reduce((a, b) => a * b, 1);
    return reshaped(
      x!,
      shape.map((d) => (d === -1 ? x!.items.length / known : d)),
    );
  },
  Flatten: ([x], attributes) => {
    const axis = num(attributes, 'axis', 1);
    const at = axis < 0 ? axis + x!.shape.length : axis;
    return reshaped(x!, [elementsOf(x!.shape.slice(0, at)), elementsOf(x!.shape.slice(at))]);
  },
  Squeeze: ([x, axesInput]) => {
    const axes = numbersOf(axesInput)?.map((a) => axisIn(a, x!.shape.length));
    if (axesInput && !axes) return undefined;
    return reshaped(
      x!,
      x!.shape.filter((d, i) => (axes ? !axes.includes(i) : d !== 1)),
    );
  },
  Unsqueeze: ([x, axesInput]) => {
    const axes = numbersOf(axesInput);
    if (!axes) return undefined;
    const rank = x!.shape.length + axes.length;
    const at = axes.map((a) => axisIn(a, rank));
    const rest = [...x!.shape];
    return reshaped(
      x!,
      Array.from({ length: rank }, (_, i) => (at.includes(i) ? 1 : (rest.shift() ?? 1))),
    );
  },
  Transpose: ([x], attributes) => {
    const rank = x!.shape.length;
    const perm = ints(
      attributes,
      'perm',
      x!.shape.map((_, i) => rank - 1 - i),
    );
    return gathered(
      x!,
      perm.map((p) => x!.shape[p]!),
      (index) => {
        const from: number[] = [];
        for (const [to, p] of perm.entries()) from[p] = index[to]!;
        return from;
      },
    );
  },
  Gather: ([x, indices], attributes) => {
    const positions = numbersOf(indices);
    if (!positions) return undefined;
    const axis = axisIn(num(attributes, 'axis', 0), x!.shape.length);
    const reads = indices!.shape.length;
    const shape = [...x!.shape.slice(0, axis), ...indices!.shape, ...x!.shape.slice(axis + 1)];
    const size = x!.shape[axis]!;
    if (elementsOf(shape) > FOLD_LIMIT || positions.some((p) => p < -size || p >= size)) return undefined;
    return gathered(x!, shape, (index) => {
      const at = positions[flatIndex(indices!.shape, index.slice(axis, axis + reads))]!;
      return [...index.slice(0, axis), axisIn(at, size), ...index.slice(axis + reads)];
    });
  },
  Slice: ([x, startsInput, endsInput, axesInput, stepsInput]) => {
    const [starts, ends] = [numbersOf(startsInput), numbersOf(endsInput)];
    const axes = axesInput ? numbersOf(axesInput) : starts?.map((_, i) => i);
    const steps = stepsInput ? numbersOf(stepsInput) : starts?.map(() => 1);
    if (!starts || !ends || !axes || !steps || steps.includes(0)) return undefined;
    const readings = x!.shape.map((size, k) => {
      const i = axes.findIndex((a) => axisIn(a, x!.shape.length) === k);
      return i < 0 ? { first: 0, step: 1, count: size } : readingOf(size, starts[i]!, ends[i]!, steps[i]!);
    });
    return gathered(
      x!,
      readings.map((r) => r.count),
      (index) => index.map((i, k) => readings[k]!.first + i * readings[k]!.step),
    );
  },
  Concat: (inputs, attributes) => {
    const parts = inputs as readonly Known[];
    const [first] = parts as [Known];
    const axis = axisIn(num(attributes, 'axis', 0), first.shape.length);
    const total = parts.reduce((n, p) => n + p.shape[axis]!, 0);
    const shape = first.shape.map((d, i) => (i === axis ? total : d));
    const items: Dim[] = [];
    for (const index of indicesOf(shape)) {
      let part = 0;
      let at = index[axis]!;
      while (at >= parts[part]!.shape[axis]!) at -= parts[part++]!.shape[axis]!;
      const from = parts[part]!;
      items.push(from.items[flatIndex(from.shape, index.with(axis, at))]!);
    }
    return { dtype: first.dtype, shape, items };
  },
  Split: ([x, sizesInput], attributes) => {
    const sizes = numbersOf(sizesInput);
    if (!sizes) return undefined;
    const axis = axisIn(num(attributes, 'axis', 0), x!.shape.length);
    let at = 0;
    return sizes.map((size) => {
      const from = at;
      at += size;
      const shape = x!.shape.map((d, i) => (i === axis ? size : d));
      return gathered(x!, shape, (index) => index.with(axis, index[axis]! + from));
    });
  },
  Expand: ([x, target]) => {
    const wanted = numbersOf(target);
    const shape = wanted && broadcast([x!.shape, wanted]);
    if (!shape || elementsOf(shape) > FOLD_LIMIT) return undefined;
    return {
      ...x!,
      shape,
      items: [...indicesOf(shape)].map((index) => x!.items[flatIndex(x!.shape, index)]!),
    };
  },
  Tile: ([x, repeatsInput]) => {
    const repeats = numbersOf(repeatsInput);
    const shape = repeats && x!.shape.map((d, i) => d * repeats[i]!);
    if (!shape || elementsOf(shape) > FOLD_LIMIT) return undefined;
    return gathered(x!, shape, (index) => index.map((i, k) => i % x!.shape[k]!));
  },
  ConstantOfShape: ([target], attributes) => {
    const shape = numbersOf(target);
    if (!shape || elementsOf(shape) > FOLD_LIMIT) return undefined;
    const value = attributes.value as Tensor | undefined;
    const item = value ? Number(value.data[0]) : 0;
    return { dtype: value?.dtype ?? 'float32', shape, items: new Array(elementsOf(shape)).fill(item) };
  },
  Range: (inputs) => {
    const [start, limit, delta] = inputs.map((k) => numbersOf(k)?.[0]);
    if (start === undefined || limit === undefined || !delta) return undefined;
    const count = Math.max(0, Math.ceil((limit - start) / delta));
    if (count > FOLD_LIMIT) return undefined;
    const { dtype } = inputs[0]!;
    return {
      dtype,
      shape: [count],
      items: Array.from({ length: count }, (_, i) => stored(start + i * delta, dtype)!),
    };
  },
  Size: ([x]) => ({ dtype: 'int64', shape: [], items: [x!.items.length] }),
  NonZero: ([x]) => {
    if (!numbersOf(x)) return undefined;
    const found = [...indicesOf(x!.shape)].filter((_, i) => x!.items[i] !== 0);
    const rank = x!.shape.length;
    const items = Array.from({ length: rank }, (_, k) => found.map((index) => index[k]!)).flat();
    return { dtype: 'int64', shape: [rank, found.length], items };
  },
};
