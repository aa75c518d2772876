import type { Node, Value } from '../graph/graph.ts';
import { ints, num } from '../ops/op.ts';

/** An axis of a constant, and what the operator that reads it does with the channels along it. */
export interface WeightAxis {
  readonly value: Value;
  readonly axis: number;
  readonly role: 'produce' | 'consume';
}

/**
 * The axes along which a node's weights make new channels and take the old ones: filters and their input slices of
 * convolutions and matrix products. A depthwise convolution has neither. A transposed weight is followed to its constant.
 */
export function weightAxes(node: Node): WeightAxis[] {
  const made = (slot: number, produce: number, consume: number): WeightAxis[] => [
    ...constantAxis(node.inputs[slot], produce, 'produce'),
    ...constantAxis(node.inputs[slot], consume, 'consume'),
  ];
  switch (node.op) {
    case 'Conv':
      return num(node.attributes, 'group', 1) === 1 ? made(1, 0, 1) : [];
    case 'ConvTranspose':
      return num(node.attributes, 'group', 1) === 1 ? made(1, 1, 0) : [];
    case 'Gemm': {
      const turned = num(node.attributes, 'transB', 0) === 1;
      return made(1, turned ? 0 : 1, turned ? 1 : 0);
    }
    case 'MatMul': {
      const [left, right] = [node.inputs[0]!.shape.length, node.inputs[1]!.shape.length];
      return [...made(0, left - 2, left - 1), ...made(1, right - 1, right - 2)];
    }
    default:
      return [];
  }
}

function constantAxis(value: Value | null | undefined, axis: number, role: WeightAxis['role']): WeightAxis[] {
  while (value?.node?.op === 'Transpose') {
    const x: Value = value.node.inputs[0]!;
    const reversed = x.shape.map((_, i) => x.shape.length - 1 - i);
    axis = ints(value.node.attributes, 'perm', reversed)[axis]!;
    value = x;
  }
  return value?.tensor ? [{ value, axis, role }] : [];
}

/**
 * The layer a parameter belongs to, from its name: `block1.conv1.weight` → `block1.conv1`. The two halves of a separable
 * convolution count as one layer.
 */
export function layerName(parameter: string): string {
  const layer = parameter.replace(/(?<=.)[./_:](weight|kernel|filter|bias|w|b)$/i, '');
  return layer.replace(/(?<=.)\.(depthwise|pointwise)$/, '');
}

/**
 * PyTorch's exporter gives weights it has merged with a norm numbers (`onnx::Conv_63`, before version 1.12 `63`), but the
 * node its place: the layer `down2.1` in `/down2/down2.1/Conv`, where the first of two steps is that of the container.
 */
export function layerOf({ name }: Node, parameter: string): string {
  const steps = name.split('/').slice(1, -1);
  const numbered = /^(onnx::\w+_)?\d+$/.test(parameter);
  if (!numbered || (steps.length === 0 && /^\d*$/.test(name))) return layerName(parameter);
  if (steps.length === 0) return name;
  return steps.filter((step, i) => !steps[i + 1]?.startsWith(`${step}.`)).join('.');
}
