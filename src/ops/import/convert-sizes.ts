import { mulDim } from '../../graph/dims.ts';
import { type Dim, float32, isStatic, type Value } from '../../graph/graph.ts';
import { axisIn } from '../fold/index-space.ts';
import { reshapedDims } from '../layout.ts';
import { ints, num, str } from '../op.ts';
import { sizesValue } from '../sizes.ts';
import { slice as readSlice } from '../window.ts';
import {
  addNode,
  type Call,
  constantInput,
  dimsOf,
  numbers,
  optional,
  refuse,
  required,
  without,
} from './call.ts';

/** A target whose sizes are partly symbols becomes constant where it can: 0 copies a size, −1 is what remains. */
export function reshapeTo(call: Call): Value[] {
  const x = required(call, 0);
  const target = dimsOf(call, 1)?.items;
  if (num(call.attributes, 'allowzero', 0) === 1 && (!target || target.includes(0)))
    refuse(call, 'OP_UNSUPPORTED', 'allowzero with a size of 0 is not supported');
  if (!target || isStatic(target)) return addNode(call, 'Reshape', [x, required(call, 1)]);
  const shape = reshapedDims({ op: call.op, name: call.name, inputs: [x], attributes: {} }, target);
  const placed = target.map((d, i) => {
    if (typeof d === 'string' && d === x.shape[i]) return 0;
    return d === -1 ? shape[i]! : d;
  });
  const open = placed.filter((d) => typeof d === 'string').length;
  if (open > 1) {
    // Sizes that are the image's own are copied from it, not written down: they follow when the network is narrowed.
    const runtime = required(call, 1);
    const sizes = placed.map((d, i) => {
      if (d === x.shape[i]) return 0;
      return typeof d === 'number' ? d : readSlice(runtime, [0], [i], [i + 1]);
    });
    return addNode(call, 'Reshape', [x, sizesValue(x.graph, sizes)], {}, shape);
  }
  const sizes = placed.map((d) => (typeof d === 'string' ? -1 : d));
  return addNode(call, 'Reshape', [x, x.graph.vector(sizes)], {}, shape);
}

export function expand(call: Call): Value[] {
  const x = required(call, 0);
  const target = dimsOf(call, 1)?.items;
  if (!target || isStatic(target)) return addNode(call, 'Expand', [x, required(call, 1)]);
  const rank = Math.max(target.length, x.shape.length);
  const shape = Array.from({ length: rank }, (_, k): Dim => {
    const [from, to] = [x.shape[k - rank + x.shape.length] ?? 1, target[k - rank + target.length] ?? 1];
    return from === 1 ? to : from;
  });
  return addNode(call, 'Expand', [x, required(call, 1)], {}, shape);
}

/** An end that is the axis' own run-time size means to the end. */
export function slice(call: Call): Value[] {
  const x = required(call, 0);
  const inputs = [0, 1, 2, 3, 4].map((i) => optional(call, i));
  const ends = dimsOf(call, 2)?.items;
  const axes = call.inputs[3] ? numbers(call, 3) : ends?.map((_, i) => i);
  if (ends && axes && !isStatic(ends)) {
    const plain = ends.map((d, i) => (d === x.shape[axisIn(axes[i]!, x.shape.length)] ? 2 ** 31 - 1 : d));
    if (isStatic(plain)) inputs[2] = x.graph.vector(plain);
  }
  return addNode(call, 'Slice', inputs);
}

/** Sizes that a number of parts stands for; from opset 18 on the last part may be smaller. */
export function split(call: Call): Value[] {
  const x = required(call, 0);
  const axis = num(call.attributes, 'axis', 0);
  const whole = x.shape[axisIn(axis, x.shape.length)];
  const sizes = optional(call, 1);
  const count = call.outputs.length;
  if (sizes || typeof whole !== 'number') return addNode(call, 'Split', [x, sizes], { axis });
  const each = Math.ceil(whole / count);
  const parts = Array.from({ length: count }, (_, i) => Math.min(each, whole - i * each));
  if (call.opset < 18 && whole % count !== 0)
    refuse(call, 'SHAPE_MISMATCH', `axis ${axis} of size ${whole} must divide into ${count} parts`);
  return addNode(call, 'Split', [x, x.graph.vector(parts)], { axis });
}

/** Inputs of Resize for all axes, run-time sizes turned into the scales they come from where that is possible. */
export function resize(call: Call): Value[] {
  const { attributes } = call;
  const x = required(call, 0);
  if (num(attributes, 'antialias', 0) !== 0) refuse(call, 'OP_UNSUPPORTED', 'antialias must be 0');
  const policy = str(attributes, 'keep_aspect_ratio_policy', 'stretch');
  if (policy !== 'stretch')
    refuse(call, 'OP_UNSUPPORTED', `keep_aspect_ratio_policy must be stretch, got ${policy}`);
  const rest = without(attributes, 'antialias', 'keep_aspect_ratio_policy', 'axes');
  const present = (i: number) => call.inputs[i] && optional(call, i)?.shape[0] !== 0;
  const axes = ints(attributes, 'axes', []).map((a) => axisIn(a, x.shape.length));
  const whole = <T>(given: readonly T[], fallback: (k: number) => T): T[] =>
    axes.length === 0
      ? [...given]
      : x.shape.map((_, k) => (axes.includes(k) ? given[axes.indexOf(k)]! : fallback(k)));
  const byScales = (scales: number[]) =>
    addNode(
      call,
      'Resize',
      [x, null, x.graph.constant(float32([scales.length], scales), `${call.name}/scales`)],
      rest,
    );

  if (present(2)) {
    const scales = numbers(call, 2);
    if (axes.length === 0) return addNode(call, 'Resize', [x, null, required(call, 2)], rest);
    return byScales(whole(scales ?? constantInput(call, 2, 'scales'), () => 1));
  }
  if (!present(3)) refuse(call, 'SHAPE_MISMATCH', 'one of scales and sizes must be given');
  const sizes = dimsOf(call, 3)?.items;
  if (!sizes) {
    if (axes.length > 0) refuse(call, 'OP_UNSUPPORTED', 'sizes for some axes must be constant');
    return addNode(call, 'Resize', [x, null, null, required(call, 3)], rest);
  }
  const target = whole(sizes, (k) => x.shape[k]!);
  if (isStatic(target)) return addNode(call, 'Resize', [x, null, null, x.graph.vector(target)], rest);
  const scales = target.map((d, k) => scaleTo(x.shape[k]!, d));
  if (scales.every((s) => s !== undefined)) return byScales(scales);
  if (axes.length > 0) refuse(call, 'OP_UNSUPPORTED', 'sizes for some axes must be constant');
  return addNode(call, 'Resize', [x, null, null, required(call, 3)], rest, target);
}

/** The scale that takes one size to another, if it does so for every size the symbol may stand for. */
function scaleTo(from: Dim, to: Dim): number | undefined {
  if (from === to) return 1;
  if (typeof from === 'number' && typeof to === 'number') {
    const scale = Math.fround(to / from);
    return Math.floor(from * scale) === to ? scale : undefined;
  }
  return [2, 3, 4, 8, 16].find((k) => mulDim(from, k) === to);
}
