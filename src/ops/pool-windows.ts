import { addDim, floorDivDim } from '../graph/dims.ts';
import { type Dim, float32, showShape, type Tensor } from '../graph/graph.ts';
import type { NodeView } from './op.ts';
import { ints, needRank, num, shapeError, str } from './op.ts';
import { type AxisMatrix, axisMatrix } from './separable.ts';

/** Windows along one image axis. */
export interface PoolAxis {
  size: Dim;
  kernel: number;
  stride: number;
  dilation: number;
  /** Padding before and after. */
  pads: readonly [number, number];
  /** Number of windows. */
  windows: Dim;
}

/** The windows of a pooling node, along rows and columns, with `auto_pad` and `ceil_mode` resolved. */
export function poolAxes(view: NodeView): readonly [PoolAxis, PoolAxis] {
  const { attributes } = view;
  const x = needRank(view, 0, 4);
  const kernel = ints(attributes, 'kernel_shape', []);
  if (kernel.length !== 2)
    throw shapeError(view, `kernel_shape must hold 2 numbers, got [${kernel.join(', ')}]`);
  const strides = ints(attributes, 'strides', [1, 1]);
  const dilations = ints(attributes, 'dilations', [1, 1]);
  const pads = ints(attributes, 'pads', [0, 0, 0, 0]);
  const auto = str(attributes, 'auto_pad', 'NOTSET');
  const axis = (i: 0 | 1): PoolAxis => {
    const [size, stride, dilation] = [x[i + 2]!, strides[i]!, dilations[i]!];
    const extent = (kernel[i]! - 1) * dilation + 1;
    let border: [number, number] = [pads[i]!, pads[i + 2]!];
    if (auto.startsWith('SAME')) {
      if (typeof size !== 'number') throw shapeError(view, `auto_pad ${auto} needs the image size`);
      const total = Math.max(0, (Math.ceil(size / stride) - 1) * stride + extent - size);
      border = [Math.floor(total / 2), Math.ceil(total / 2)];
      if (auto === 'SAME_LOWER') border.reverse();
    }
    const room = addDim(size, border[0] + border[1] - extent);
    const ceil = num(attributes, 'ceil_mode', 0) === 1;
    let windows = addDim(floorDivDim(ceil ? addDim(room, stride - 1) : room, stride), 1);
    // A window must begin inside the image or the padding before it.
    if (
      ceil &&
      typeof windows === 'number' &&
      typeof size === 'number' &&
      (windows - 1) * stride >= size + border[0]
    )
      windows--;
    if (typeof windows === 'number' && windows < 1)
      throw shapeError(view, `the kernel [${kernel}] must fit the padded image, got ${showShape(x)}`);
    return { size, kernel: kernel[i]!, stride, dilation, pads: border, windows };
  };
  return [axis(0), axis(1)];
}

/** The means of windows as a matrix [windows, size]; `inclusive` counts zeros of the border. */
export function averageMatrix(axis: PoolAxis, inclusive: boolean): AxisMatrix {
  const { kernel, stride, dilation, pads } = axis;
  const [size, windows] = [axis.size as number, axis.windows as number];
  const entries: [number, number, number][] = [];
  for (let w = 0; w < windows; w++) {
    const positions = Array.from({ length: kernel }, (_, t) => w * stride - pads[0] + t * dilation);
    const inside = positions.filter((p) => p >= 0 && p < size);
    // With ceil_mode a window may hang over the padding; what is beyond it never counts.
    const counted = inclusive ? positions.filter((p) => p < size + pads[1]) : inside;
    for (const p of inside) entries.push([w, p, 1 / counted.length]);
  }
  return axisMatrix(`average:${kernel},${stride},${dilation},${pads},${inclusive}`, windows, size, entries);
}

/** Kernel t, of k² kernels, is 1 at tap t. */
export function oneHotKernels(kh: number, kw: number): Tensor {
  const taps = kh * kw;
  const data = new Float32Array(taps * taps);
  for (let t = 0; t < taps; t++) data[t * taps + t] = 1;
  return float32([taps, 1, kh, kw], data);
}

/** [1, k², windows…]: k² for the first tap of a window down to 1 for the last, 0 for those outside the image. */
export function tapOrder([rows, columns]: readonly [PoolAxis, PoolAxis]): Tensor {
  const taps = rows.kernel * columns.kernel;
  const shape = [1, taps, rows.windows as number, columns.windows as number];
  const inside = (a: PoolAxis, window: number, tap: number) => {
    const at = window * a.stride - a.pads[0] + tap * a.dilation;
    return at >= 0 && at < (a.size as number);
  };
  const data: number[] = [];
  for (let t = 0; t < taps; t++) {
    const [u, v] = [Math.floor(t / columns.kernel), t % columns.kernel];
    for (let p = 0; p < shape[2]!; p++)
      for (let q = 0; q < shape[3]!; q++)
        data.push(inside(rows, p, u) && inside(columns, q, v) ? taps - t : 0);
  }
  return float32(shape, data);
}
