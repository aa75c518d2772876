import { type ConvGeometry, convGeometry } from '../../ops/conv-geometry.ts';
import { ints } from '../../ops/op.ts';
import { anyOrder, type Item, ordered, plain, type Tf, type TfTensor } from './item.ts';
import { type Call, input, type Kernel, made } from './kernel.ts';
import { part } from './layout.ts';

export type Image = ReturnType<Tf['tensor4d']>;
type Pair = readonly [number, number];

/** Images as TensorFlow.js convolves them, [N, H, W, C]: which axis of [N, C, H, W] each is. */
export const nhwc = [0, 2, 3, 1] as const;
/** Weights [O, I, kh, kw] as [kh, kw, I, O]. */
const hwio = [2, 3, 1, 0] as const;
/** Depthwise weights [C, 1, kh, kw] as [kh, kw, C, 1]. */
const hwco = [2, 3, 0, 1] as const;

/** y = w ⋆ x + b. */
const conv: Kernel = (call) => {
  const { tf } = call;
  const [x, w] = [input(call, 0), input(call, 1)];
  const g = geometryOf(call, x, w, false);
  const { image, how } = padded(tf, ordered(tf, x, nhwc) as Image, g);
  const dilations = pair(g.dilations);
  const y =
    g.group > 1 && w.shape[1] === 1 && g.group === x.shape[1]
      ? strided(tf, g, true, (strides) =>
          tf.depthwiseConv2d(image, depthwiseFilter(tf, w, g.group), strides, how, 'NHWC', dilations),
        )
      : grouped(tf, g.group, image, ordered(tf, w, hwio) as Image, (own, filter) =>
          strided(tf, g, false, (strides) => tf.conv2d(own, filter, strides, how, 'NHWC', dilations)),
        );
  return made(call, withBias(call, y), nhwc);
};

/** The adjoint of a convolution: everything that its windows touch, of which `pads` are cut away. */
const convTranspose: Kernel = (call) => {
  const { tf } = call;
  const [x, w] = [input(call, 0), input(call, 1)];
  const g = geometryOf(call, x, w, true);
  const [n, channels, height, width] = x.shape as [number, number, number, number];
  const extent = (i: 0 | 1) => g.dilations[i] * (g.kernel[i] - 1) + 1;
  const touched: [number, number] = [
    (height - 1) * g.strides[0] + extent(0),
    (width - 1) * g.strides[1] + extent(1),
  ];
  const image = ordered(tf, x, nhwc) as Image;
  const [outputs] = w.shape.slice(1) as [number];
  const depthwise = g.group > 1 && outputs === 1 && g.group === channels && g.strides[0] === g.strides[1];
  const whole = depthwise
    ? depthwiseAdjoint(tf, image, spaced(tf, ordered(tf, w, hwco), g), g, [n, ...touched, channels])
    : grouped(tf, g.group, image, spaced(tf, ordered(tf, w, hwio), g), (own, filter) =>
        tf.conv2dTranspose(own, filter, [n, ...touched, outputs], pair(g.strides), 'valid'),
      );
  const extra = ints(call.attributes, 'output_padding', [0, 0]);
  const [top, left, bottom, right] = g.pads;
  const y = cropped(tf, whole, [top, bottom - extra[0]!], [left, right - extra[1]!]);
  return made(call, withBias(call, y), nhwc);
};

/** `auto_pad` and defaults resolved, with the sizes that there are now. */
function geometryOf({ node }: Call, x: Item, w: Item, transposed: boolean): ConvGeometry {
  const { op, name, attributes, inputs } = node;
  const sized = [
    { ...inputs[0]!, shape: x.shape },
    { ...inputs[1]!, shape: w.shape },
  ];
  return convGeometry({ op, name, attributes, inputs: sized }, transposed);
}

function pair(list: readonly number[]): [number, number] {
  return [list[0]!, list[1]!];
}

/** An image with its border, or as it is when that is what TensorFlow calls `same`. */
function padded(tf: Tf, image: Image, g: ConvGeometry): { image: Image; how: 'same' | 'valid' } {
  const same = [0, 1].every((i) => {
    const total = g.dilations[i]! * (g.kernel[i]! - 1);
    const [before, after] = [g.pads[i]!, g.pads[i + 2]!];
    return g.strides[i] === 1 && before === Math.floor(total / 2) && after === Math.ceil(total / 2);
  });
  if (same) return { image, how: 'same' };
  const [top, left, bottom, right] = g.pads;
  return { image: cropped(tf, image, [-top, -bottom], [-left, -right]), how: 'valid' };
}

/** Rows and columns taken away from the image's sides; zeros added where the number is negative. */
function cropped(tf: Tf, image: Image, rows: Pair, columns: Pair): Image {
  const [n, height, width, channels] = image.shape;
  const [top, bottom, left, right] = [...rows, ...columns].map((d) => Math.max(d, 0)) as [
    number,
    number,
    number,
    number,
  ];
  const size: [number, number] = [height - top - bottom, width - left - right];
  const inner =
    size[0] === height && size[1] === width
      ? image
      : tf.slice(image, [0, top, left, 0], [n, ...size, channels]);
  const border = [rows, columns].map((side) => side.map((d) => Math.max(-d, 0)) as [number, number]);
  return border.flat().every((d) => d === 0) ? inner : tf.pad(inner, [[0, 0], ...border, [0, 0]]);
}

/**
 * TensorFlow has no strides together with dilations, and for a depthwise convolution none that differ: every window is
 * computed then, and those that are not wanted are left out.
 */
function strided(
  tf: Tf,
  { strides: [sh, sw], dilations }: ConvGeometry,
  alike: boolean,
  f: (strides: [number, number]) => Image,
): Image {
  if (dilations.every((d) => d === 1) && (sh === sw || !alike)) return f([sh, sw]);
  const y = f([1, 1]);
  if (sh === 1 && sw === 1) return y;
  return tf.stridedSlice(y, [0, 0, 0, 0], y.shape, [1, sh, sw, 1]) as Image;
}

/** Each group of channels with its filters, the results one after the other. */
function grouped(
  tf: Tf,
  group: number,
  image: Image,
  filter: Image,
  f: (image: Image, filter: Image) => Image,
): Image {
  if (group === 1) return f(image, filter);
  const [channels, filters] = [image.shape[3] / group, filter.shape[3] / group];
  const cut = (x: Image, i: number, size: number) => part(tf, x, 3, i * size, size) as Image;
  const parts = Array.from({ length: group }, (_, i) => f(cut(image, i, channels), cut(filter, i, filters)));
  return tf.concat(parts, 3);
}

/** [C·f, 1, kh, kw] as [kh, kw, C, f]. */
function depthwiseFilter(tf: Tf, w: Item, channels: number): Image {
  const [outputs, , kh, kw] = w.shape as [number, number, number, number];
  if (outputs === channels) return ordered(tf, w, hwco) as Image;
  const cut = plain(tf, w).reshape([channels, outputs / channels, kh, kw]);
  return tf.transpose(cut, [2, 3, 0, 1]) as Image;
}

/** Filters with zeros between their taps, since a transposed convolution takes no dilations. */
function spaced(tf: Tf, filter: TfTensor, { kernel: [kh, kw], dilations: [dh, dw] }: ConvGeometry): Image {
  if (dh === 1 && dw === 1) return filter as Image;
  const [a, b] = filter.shape.slice(2) as [number, number];
  const none: [number, number] = [0, 0];
  const wide = tf.pad(filter.reshape([kh, 1, kw, a * b]), [none, [0, dh - 1], none, none]);
  const both = tf.pad(wide.reshape([kh * dh, kw, 1, a * b]), [none, none, [0, dw - 1], none]);
  const size: [number, number] = [dh * (kh - 1) + 1, dw * (kw - 1) + 1];
  return tf.slice(both.reshape([kh * dh, kw * dw, a, b]), [0, 0, 0, 0], [...size, a, b]) as Image;
}

/** The gradient of a depthwise convolution for its input, a kernel to which TensorFlow.js has no function. */
function depthwiseAdjoint(
  tf: Tf,
  dy: Image,
  filter: Image,
  { strides }: ConvGeometry,
  inputShape: [number, number, number, number],
): Image {
  const attributes = { strides: pair(strides), pad: 'valid', dilations: [1, 1], inputShape };
  return tf.engine().runKernel('DepthwiseConv2dNativeBackpropInput', { dy, filter }, attributes) as Image;
}

function withBias({ tf, inputs }: Call, y: Image): TfTensor {
  const bias = inputs[2];
  return bias ? tf.add(y, anyOrder(tf, bias).tensor) : y;
}

export const convKernels = { Conv: conv, ConvTranspose: convTranspose } satisfies Record<string, Kernel>;
