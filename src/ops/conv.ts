import { addDim, floorDivDim, mayEqual, mulDim } from '../graph/dims.ts';
import type { Attributes, Dim, Node, Value } from '../graph/graph.ts';
import { float32, showShape } from '../graph/graph.ts';
import { GanletError } from '../util/errors.ts';
import { type ConvGeometry, convGeometry } from './conv-geometry.ts';
import { convWeightGradient } from './conv-weight-gradient.ts';
import { reshape, transpose } from './layout.ts';
import { matMul } from './matmul.ts';
import type { ChannelRelation, Op } from './op.ts';
import { emit, ints, need, num, shapeError } from './op.ts';
import { reduceSum } from './reduce.ts';
import { slice } from './window.ts';

export interface ConvOptions {
  /** Step between windows, [rows, columns]. */
  strides?: readonly number[];
  /** Zeros around the image: [top, left, bottom, right]. */
  pads?: readonly number[];
  dilations?: readonly number[];
  /** Channels are cut into this many groups that do not see each other; depthwise when equal to the channels. */
  group?: number;
}

function outputPadding(attributes: Attributes): readonly number[] {
  return ints(attributes, 'output_padding', [0, 0]);
}

function convAttributes(g: ConvGeometry): Attributes {
  return { kernel_shape: g.kernel, strides: g.strides, pads: g.pads, dilations: g.dilations, group: g.group };
}

// y = w ⋆ x + b. dx: the transposed convolution of dy with w; dw: the correlation of x with dy; db = Σ dy over N, H, W.
export const Conv: Op = {
  type: 'Conv',
  infer(view) {
    const g = convGeometry(view);
    const [x, w] = [need(view, 0), need(view, 1)];
    const [n, channels, height, width] = x.shape as [Dim, Dim, Dim, Dim];
    const expected = mulDim(w.shape[1]!, g.group);
    if (!mayEqual(channels, expected))
      throw shapeError(
        view,
        `input channels ${channels} must match weight channels ${w.shape[1]} × group ${g.group}`,
      );
    const size = (d: Dim, i: 0 | 1) =>
      addDim(
        floorDivDim(
          addDim(d, g.pads[i] + g.pads[i + 2]! - (g.dilations[i] * (g.kernel[i] - 1) + 1)),
          g.strides[i],
        ),
        1,
      );
    const shape = [n, w.shape[0]!, size(height, 0), size(width, 1)];
    if (shape.slice(2).some((d) => typeof d === 'number' && d < 1))
      throw shapeError(view, `the kernel [${g.kernel}] must fit the padded image, got ${showShape(x.shape)}`);
    return [{ dtype: x.dtype, shape }];
  },
  gradient: ({ dy, inputs: [x, w, b], node, needs }) => {
    const g = convGeometry(node);
    return [
      needs(0) ? convInputGradient(dy, w!, x!, g) : null,
      needs(1) ? convWeightGradient(x!, dy, w!, g) : null,
      b && needs(2) ? reduceSum(dy, [0, 2, 3], false) : null,
    ];
  },
  macs: (view) => {
    const g = convGeometry(view);
    const w = need(view, 1).shape as number[];
    const y = view.outputs![0]!.shape as number[];
    return y.reduce((a, d) => a * d, 1) * w[1]! * g.kernel[0] * g.kernel[1];
  },
  channels: (node) => convChannels(node, false),
};

// The adjoint of Conv: dx = Conv(dy, w); dw = the correlation of dy with x; db = Σ dy over N, H, W.
export const ConvTranspose: Op = {
  type: 'ConvTranspose',
  infer(view) {
    const g = convGeometry(view, true);
    const [x, w] = [need(view, 0), need(view, 1)];
    const [n, channels, height, width] = x.shape as [Dim, Dim, Dim, Dim];
    if (!mayEqual(channels, w.shape[0]!))
      throw shapeError(view, `input channels ${channels} must match weight channels ${w.shape[0]}`);
    const extra = outputPadding(view.attributes);
    const size = (d: Dim, i: 0 | 1) =>
      addDim(
        mulDim(addDim(d, -1), g.strides[i]),
        extra[i]! + (g.kernel[i] - 1) * g.dilations[i] + 1 - g.pads[i] - g.pads[i + 2]!,
      );
    return [{ dtype: x.dtype, shape: [n, mulDim(w.shape[1]!, g.group), size(height, 0), size(width, 1)] }];
  },
  gradient: ({ dy, inputs: [x, w, b], node, needs }) => {
    const g = convGeometry(node, true);
    const dx = needs(0) ? emit(Conv, [dy, w!], convAttributes(g)) : null;
    return [
      dx && fitTo(dx, x!),
      needs(1) ? convWeightGradient(dy, x!, w!, g) : null,
      b && needs(2) ? reduceSum(dy, [0, 2, 3], false) : null,
    ];
  },
  macs: (view) => {
    const g = convGeometry(view, true);
    const w = need(view, 1).shape as number[];
    const x = need(view, 0).shape as number[];
    return x.reduce((a, d) => a * d, 1) * w[1]! * g.kernel[0] * g.kernel[1];
  },
  channels: (node) => convChannels(node, true),
};

/** Rounding in the output size can leave the adjoint one row too large; the surplus saw nothing. */
function fitTo(dx: Value, x: Value): Value {
  for (const axis of [2, 3]) {
    const [have, want] = [dx.shape[axis]!, x.shape[axis]!];
    if (typeof have === 'number' && typeof want === 'number' && have > want)
      dx = slice(dx, [axis], [0], [want]);
  }
  return dx;
}

/**
 * Gradient of a convolution for its input. With stride 1 it is an ordinary convolution with the kernel transposed and
 * turned by 180°, which runs much faster than ConvTranspose; otherwise ConvTranspose with the output padding that
 * restores the size: for x of 5, kernel 3, stride 2, no pads, y has 2 and (2−1)·2+3 = 5; for x of 6 one row more.
 */
function convInputGradient(dy: Value, w: Value, x: Value, g: ConvGeometry): Value {
  const flipPads = [0, 1, 2, 3].map((i) => g.dilations[i % 2]! * (g.kernel[i % 2]! - 1) - g.pads[i]!);
  if (g.strides[0] === 1 && g.strides[1] === 1 && flipPads.every((p) => p >= 0)) {
    return emit(Conv, [dy, flippedKernel(w, g.group)], { ...convAttributes(g), pads: flipPads });
  }
  const extra = [0, 1].map((i) => {
    const [size, out] = [x.shape[i + 2]!, dy.shape[i + 2]!];
    if (typeof size !== 'number' || typeof out !== 'number') {
      if (g.strides[i] === 1) return 0;
      throw new GanletError(
        'SHAPE_SYMBOLIC',
        `the input gradient of a strided convolution needs the image size as numbers, got ${showShape(x.shape)}`,
      );
    }
    return (
      size -
      ((out - 1) * g.strides[i]! + (g.kernel[i]! - 1) * g.dilations[i]! + 1 - g.pads[i]! - g.pads[i + 2]!)
    );
  });
  return emit(ConvTranspose, [dy, w], { ...convAttributes(g), output_padding: extra });
}

/** [O, I/g, kh, kw] → [I, O/g, kh, kw], turned by 180°: the weights with which dy is convolved to give dx. */
function flippedKernel(w: Value, group: number): Value {
  const [o, i, kh, kw] = w.shape as [Dim, Dim, number, number];
  const turned = kh === 1 && kw === 1 ? w : turn(w);
  if (group === 1) return transpose(turned, [1, 0, 2, 3]);
  if (i === 1 && o === group) return turned;
  const grouped = reshape(turned, [group, floorDivDim(o, group), i, kh, kw], w);
  return reshape(transpose(grouped, [0, 2, 1, 3, 4]), [mulDim(i, group), floorDivDim(o, group), kh, kw], w);
}

/**
 * Kernels turned by 180°: on flattened taps it is a product with the exchange matrix, many times faster than Slice with
 * negative steps.
 */
function turn(w: Value): Value {
  const [o, i, kh, kw] = w.shape as [Dim, Dim, number, number];
  const taps = kh * kw;
  const exchange = new Float32Array(taps * taps);
  for (let t = 0; t < taps; t++) exchange[t * taps + taps - 1 - t] = 1;
  const name = `exchange${taps}`;
  const matrix = w.graph.constants.get(name) ?? w.graph.constant(float32([taps, taps], exchange), name);
  return reshape(matMul(reshape(w, [mulDim(o, i), taps], w), matrix), [o, i, kh, kw], w);
}

function convChannels(node: Node, transposed: boolean): ChannelRelation[] {
  const [x, w, b] = node.inputs;
  const y = node.outputs[0]!;
  const group = num(node.attributes, 'group', 1);
  const bias = b ? [{ value: b, axis: 0 }] : [];
  if (group === 1) {
    const [into, out] = transposed ? [0, 1] : [1, 0];
    return [
      {
        kind: 'tie',
        axes: [
          { value: x!, axis: 1 },
          { value: w!, axis: into },
        ],
      },
      { kind: 'tie', axes: [{ value: w!, axis: out }, { value: y, axis: 1 }, ...bias] },
    ];
  }
  const all = [{ value: x!, axis: 1 }, { value: w!, axis: 0 }, { value: y, axis: 1 }, ...bias];
  if (w!.shape[1] === 1 && w!.shape[0] === group && x!.shape[1] === group && y.shape[1] === group)
    return [{ kind: 'tie', axes: all }];
  const filters = w!.shape[0];
  // A depthwise convolution with several filters for each channel.
  if (!transposed && w!.shape[1] === 1 && x!.shape[1] === group && typeof filters === 'number')
    return [
      { kind: 'tie', axes: all.slice(1) },
      { kind: 'repeat', from: all[0]!, to: { value: y, axis: 1 }, factor: filters / group },
    ];
  return [
    {
      kind: 'fixed',
      axes: all,
      reason: `${node.op} "${node.name}" has ${group} groups that are not depthwise`,
    },
  ];
}

/** 2-D convolution: x [N, C, H, W], w [O, C/group, kh, kw], b [O]. */
export function conv(x: Value, w: Value, options: ConvOptions & { bias?: Value } = {}): Value {
  const { bias, ...rest } = options;
  return emit(Conv, bias ? [x, w, bias] : [x, w], { kernel_shape: w.shape.slice(2) as number[], ...rest });
}

/** Transposed 2-D convolution: x [N, C, H, W], w [C, O/group, kh, kw], b [O]. */
export function convTranspose(
  x: Value,
  w: Value,
  options: ConvOptions & { bias?: Value; outputPadding?: readonly number[] } = {},
): Value {
  const { bias, outputPadding: output_padding, ...rest } = options;
  const attributes: Attributes = {
    kernel_shape: w.shape.slice(2) as number[],
    ...rest,
    ...(output_padding && { output_padding }),
  };
  return emit(ConvTranspose, bias ? [x, w, bias] : [x, w], attributes);
}
