import { constantNumbers, isStatic, type Node, type Value } from '../graph/graph.ts';
import { Conv, ConvTranspose } from '../ops/conv.ts';
import { add, greater, less, where } from '../ops/elementwise.ts';
import { reshape } from '../ops/layout.ts';
import { emit, num } from '../ops/op.ts';
import { END, readingOf } from '../ops/slice-bounds.ts';
import { pad, slice } from '../ops/window.ts';

/** A form of nodes that a provider does not compute, or wrongly, and what to run in its place. */
export interface Fault {
  has(node: Node): boolean;
  /** The node's outputs by others, from its inputs in another graph; left out, the node is left to the CPU. */
  instead?(node: Node, inputs: readonly (Value | null)[]): Value[];
}

/**
 * A convolution whose kernel has more than one pixel, whose input channels are a multiple of 3 above 3 but none of 4, and whose
 * output channels are a multiple of 4, as the first one of a discriminator of image and condition is, comes out wrong: such inputs
 * and kernels get channels of zeros up to a multiple of 4. Input channels known only at run time are left as they are.
 */
const threeChannels: Fault = {
  has: (node) => missingChannels(node) > 0,
  instead(node, [x, w, bias]) {
    const zeros = [0, 0, 0, 0, 0, missingChannels(node), 0, 0];
    return [emit(Conv, [pad(x!, zeros), pad(w!, zeros), bias ?? null], node.attributes)];
  },
};

function missingChannels(node: Node): number {
  const [x, w] = node.inputs;
  if (node.op !== 'Conv' || x?.shape.length !== 4 || num(node.attributes, 'group', 1) !== 1) return 0;
  const [into, out, kernel] = [x.shape[1], w!.shape[0], w!.shape.slice(2)];
  if (typeof into !== 'number' || typeof out !== 'number' || kernel.every((side) => side === 1)) return 0;
  return into > 3 && into % 3 === 0 && into % 4 !== 0 && out % 4 === 0 ? 4 - (into % 4) : 0;
}

/**
 * A transposed convolution in groups that each make one channel of an even number comes out wrong: they make a second one, of zeros,
 * that is dropped. It is the input gradient of a depthwise convolution with several filters for each channel.
 */
const narrowGroups: Fault = {
  has({ op, inputs: [, w], attributes }) {
    const group = num(attributes, 'group', 1);
    if (op !== 'ConvTranspose' || group === 1 || w!.shape[1] !== 1) return false;
    const [channels] = w!.shape;
    return typeof channels !== 'number' || (channels / group) % 2 === 0;
  },
  instead({ attributes }, [x, w, bias]) {
    const second = [0, 0, 0, 0, 0, 1, 0, 0];
    const both = emit(ConvTranspose, [x!, pad(w!, second)], attributes);
    const first = slice(both, [1], [0], [END], [2]);
    return [bias ? add(first, reshape(bias, [1, bias.shape[0]!, 1, 1])) : first];
  },
};

/** A slice that goes backwards from elsewhere than the end of an axis reads other places: what is behind is cut off first. */
const backwards: Fault = {
  has: (node) => {
    const cuts = cutsOf(node);
    return (
      cuts?.some(({ size, start, end, step }) => {
        if (step > 0) return false;
        const { first, count } = readingOf(size, start, end, step);
        return count > 0 && first !== size - 1;
      }) ?? false
    );
  },
  instead(node, [x]) {
    let y = x!;
    for (const { axis, size, start, end, step } of cutsOf(node)!) {
      const { first, count } = readingOf(size, start, end, step);
      const [from, to] = step > 0 || count === 0 ? [start, end] : [-1, -END - 1];
      if (step < 0 && count > 0) y = slice(y, [axis], [first + (count - 1) * step], [first + 1]);
      y = slice(y, [axis], [from], [to], [step]);
    }
    return [y];
  },
};

interface Cut {
  axis: number;
  size: number;
  start: number;
  end: number;
  step: number;
}

/** What a slice reads of each axis, or undefined where that is not all known. */
function cutsOf({ op, inputs }: Node): Cut[] | undefined {
  if (op !== 'Slice' || !inputs[4]) return undefined;
  const { shape } = inputs[0]!;
  const [starts, ends, axes, steps] = inputs.slice(1).map(constantNumbers);
  if (!starts || !ends || !steps || !isStatic(shape)) return undefined;
  return starts.map((start, i) => {
    const at = axes?.[i] ?? i;
    const axis = at < 0 ? at + shape.length : at;
    return { axis, size: shape[axis]!, start, end: ends[i]!, step: steps[i]! };
  });
}

/** A slice that goes backwards as only a run tells. */
const backwardsSomewhere: Fault = {
  has(node) {
    if (node.op !== 'Slice' || !node.inputs[4] || cutsOf(node)) return false;
    const [starts, steps] = [constantNumbers(node.inputs[1]), constantNumbers(node.inputs[4])];
    return !steps || steps.some((step, i) => step < 0 && starts?.[i] !== -1);
  },
};

/** Powers of tensors that broadcast, but of or by a single number, do not run. */
const broadcastPower: Fault = {
  has({ op, inputs: [x, y] }) {
    if (op !== 'Pow') return false;
    const single = (value: Value) => value.shape.every((d) => d === 1);
    return String(x!.shape) !== String(y!.shape) && !single(x!) && !single(y!);
  },
};

/** The places of a maximum are not computed. */
const maximumPlaces: Fault = { has: ({ op, outputs }) => op === 'MaxPool' && outputs.length > 1 };

/** The sign of numbers has no kernel. It is part of every L1 loss: on the CPU each of them would wait for the device. */
const signs: Fault = {
  has: ({ op, inputs }) => op === 'Sign' && inputs[0]!.dtype === 'float32',
  instead(_, [x]) {
    return [where(greater(x!, 0), 1, where(less(x!, 0), -1, x!.graph.scalar(0)))];
  },
};

/** Faults of the WebGPU provider of ONNX Runtime 1.30, found by comparing it with the CPU. */
export const webgpuFaults: readonly Fault[] = [
  ...[threeChannels, narrowGroups, backwards, backwardsSomewhere],
  ...[broadcastPower, maximumPlaces, signs],
];
