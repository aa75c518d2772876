import { showShape } from '../graph/graph.ts';
import type { NodeView } from './op.ts';
import { ints, need, num, shapeError, str } from './op.ts';

/** Attributes of a 2-D convolution with defaults and `auto_pad` resolved. */
export interface ConvGeometry {
  kernel: readonly [number, number];
  strides: readonly [number, number];
  pads: readonly [number, number, number, number];
  dilations: readonly [number, number];
  group: number;
}

/** Those of a node: Conv, or `transposed` ConvTranspose. Throws SHAPE_MISMATCH for images or weights that do not have 4 axes. */
export function convGeometry(
  view: Pick<NodeView, 'op' | 'name' | 'inputs' | 'attributes'>,
  transposed = false,
): ConvGeometry {
  const { attributes } = view;
  const w = need(view, 1).shape;
  const x = need(view, 0).shape;
  if (w.length !== 4 || x.length !== 4)
    throw shapeError(view, `image and weights must have 4 axes, got ${showShape(x)} and ${showShape(w)}`);
  const kernel = ints(attributes, 'kernel_shape', w.slice(2) as number[]) as [number, number];
  const strides = ints(attributes, 'strides', [1, 1]) as [number, number];
  const dilations = ints(attributes, 'dilations', [1, 1]) as [number, number];
  const mode = str(attributes, 'auto_pad', 'NOTSET');
  let pads = ints(attributes, 'pads', [0, 0, 0, 0]) as [number, number, number, number];
  if (mode === 'SAME_UPPER' || mode === 'SAME_LOWER') {
    const total = [0, 1].map((i) => {
      const extent = (kernel[i]! - 1) * dilations[i]! + 1;
      if (transposed) return Math.max(0, extent - strides[i]!);
      const size = x[i + 2]!;
      if (typeof size !== 'number') throw shapeError(view, `auto_pad ${mode} needs the image size`);
      return Math.max(0, (Math.ceil(size / strides[i]!) - 1) * strides[i]! + extent - size);
    });
    const small = total.map((t) => Math.floor(t / 2));
    const large = total.map((t) => Math.ceil(t / 2));
    const [begin, end] = mode === 'SAME_UPPER' ? [small, large] : [large, small];
    pads = [begin[0]!, begin[1]!, end[0]!, end[1]!];
  }
  return { kernel, strides, pads, dilations, group: num(attributes, 'group', 1) };
}
