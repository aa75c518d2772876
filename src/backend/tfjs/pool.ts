import { num } from '../../ops/op.ts';
import { averageMatrix, type PoolAxis, poolAxes } from '../../ops/pool-windows.ts';
import { type Image, nhwc } from './conv.ts';
import { fromDevice, type Item, ordered, type Tf, type TfTensor } from './item.ts';
import { type Call, input, type Kernel, made } from './kernel.ts';
import { type AlongAxis, alongAxis } from './separable.ts';

type Axes = readonly [PoolAxis, PoolAxis];

/** The windows for the image's size now. */
function windowsOf({ node }: Call, x: Item): Axes {
  return poolAxes({ ...node, inputs: [{ ...node.inputs[0]!, shape: x.shape }] });
}

/** Whether every window lies inside the image and its elements are next to each other. */
function isPlain(axes: Axes): boolean {
  return axes.every(
    ({ size, kernel, stride, dilation, pads, windows }) =>
      dilation === 1 &&
      pads[0] === 0 &&
      pads[1] === 0 &&
      ((windows as number) - 1) * stride + kernel <= (size as number),
  );
}

const lengths = ([rows, columns]: Axes, key: 'kernel' | 'stride'): [number, number] => [
  rows[key],
  columns[key],
];

/** Means of windows; where these hang over the border, as two products with the matrices of their means. */
const averagePool: Kernel = (call) => {
  const { tf } = call;
  const x = input(call, 0);
  const axes = windowsOf(call, x);
  if (isPlain(axes)) {
    const image = ordered(tf, x, nhwc) as Image;
    return made(call, tf.avgPool(image, lengths(axes, 'kernel'), lengths(axes, 'stride'), 'valid'), nhwc);
  }
  const inclusive = num(call.attributes, 'count_include_pad', 0) === 1;
  return axes.reduce((item, axis, i) => {
    const { rows, columns, data } = averageMatrix(axis, inclusive);
    const map: AlongAxis = { matrix: tf.tensor2d(data, [rows, columns]) };
    return alongAxis(tf, item, i + 2, map);
  }, x);
};

/** Largest elements of windows; the border never wins. */
const maxPool: Kernel = (call) => {
  const { tf, node } = call;
  const x = input(call, 0);
  const axes = windowsOf(call, x);
  const image = bordered(tf, ordered(tf, x, nhwc) as Image, axes);
  if (node.outputs.length === 1 && axes.every((a) => a.dilation === 1)) {
    const y = tf.maxPool(image, lengths(axes, 'kernel'), lengths(axes, 'stride'), 'valid');
    return made(call, y, nhwc);
  }
  const { largest, places } = tapByTap(tf, image, axes, x.shape);
  const y = made(call, largest, nhwc);
  return node.outputs.length === 1 ? y : [y, fromDevice(tf, places, 'int64', nhwc)];
};

/** The image with −∞ around it as far as windows reach, and no further. */
function bordered(tf: Tf, image: Image, axes: Axes): Image {
  const border = axes.map(({ size, kernel, stride, dilation, pads, windows }): [number, number] => {
    const reach = ((windows as number) - 1) * stride + (kernel - 1) * dilation + 1;
    return [pads[0], Math.max(0, reach - pads[0] - (size as number))];
  });
  if (border.flat().every((d) => d === 0)) return image;
  return tf.pad(image, [[0, 0], ...border, [0, 0]], Number.NEGATIVE_INFINITY);
}

/** The largest of what each tap of the window reads, and where in the value [N, C, H, W] the first such element is. */
function tapByTap(tf: Tf, image: Image, [rows, columns]: Axes, shape: readonly number[]) {
  const [n, channels, height, width] = shape as [number, number, number, number];
  const [down, across] = [rows.windows as number, columns.windows as number];
  const each = tf.range(0, n * channels, 1, 'int32').reshape([n, 1, 1, channels]);
  const planes = tf.mul(each, tf.scalar(height * width, 'int32'));
  let largest: TfTensor | undefined;
  let places: TfTensor | undefined;
  for (let u = 0; u < rows.kernel; u++)
    for (let v = 0; v < columns.kernel; v++) {
      const begin = [0, u * rows.dilation, v * columns.dilation, 0];
      const end = [
        n,
        begin[1]! + (down - 1) * rows.stride + 1,
        begin[2]! + (across - 1) * columns.stride + 1,
        channels,
      ];
      const read = tf.stridedSlice(image, begin, end, [1, rows.stride, columns.stride, 1]);
      const at = Int32Array.from({ length: down * across }, (_, i) => {
        const row = Math.floor(i / across) * rows.stride + begin[1]! - rows.pads[0];
        return row * width + (i % across) * columns.stride + begin[2]! - columns.pads[0];
      });
      const place = tf.add(planes, tf.tensor4d(at, [1, down, across, 1], 'int32'));
      if (largest && places) {
        const wins = tf.greater(read, largest);
        places = tf.where(wins, place, places);
        largest = tf.maximum(read, largest);
      } else {
        [largest, places] = [read, place];
      }
    }
  return { largest: largest!, places: places! };
}

export const poolKernels = { AveragePool: averagePool, MaxPool: maxPool } satisfies Record<string, Kernel>;
