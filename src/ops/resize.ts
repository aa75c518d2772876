import { floorDivDim, mulDim } from '../graph/dims.ts';
import { constantNumbers, type Dim, float32, showShape, type Value } from '../graph/graph.ts';
import { GanletError } from '../util/errors.ts';
import { type Interpolation, interpolationWeights, nearestSources } from './interpolation.ts';
import { reshape } from './layout.ts';
import type { ChannelRelation, GradientContext, NodeView, Op } from './op.ts';
import { emit, need, shapeError, str } from './op.ts';
import { reduceSum } from './reduce.ts';
import { axisMatrix, separableAdjoint } from './separable.ts';
import { unknownDim, unknownDims } from './sizes.ts';

const modes = ['nearest', 'linear', 'cubic'];
const transforms = ['half_pixel', 'pytorch_half_pixel', 'align_corners', 'asymmetric'];

function interpolationOf(view: NodeView): Interpolation {
  const mode = str(view.attributes, 'mode', 'nearest');
  const transform = str(view.attributes, 'coordinate_transformation_mode', 'half_pixel');
  if (!modes.includes(mode)) throw shapeError(view, `mode must be one of ${modes.join(', ')}, got ${mode}`);
  if (!transforms.includes(transform))
    throw shapeError(
      view,
      `coordinate_transformation_mode must be one of ${transforms.join(', ')}, got ${transform}`,
    );
  const nearest = str(view.attributes, 'nearest_mode', 'round_prefer_floor');
  return { mode: mode as Interpolation['mode'], transform, nearest };
}

/** One input that is given and not empty. */
function given(view: NodeView, i: number): Value | undefined {
  const value = view.inputs[i];
  return value && value.shape[0] !== 0 ? value : undefined;
}

/** Output size and scale of each axis; undefined where they are known only at run time. */
function resized(view: NodeView): { sizes: Dim[]; scales: (number | undefined)[] } | undefined {
  const { shape } = need(view, 0);
  const [scalesValue, sizesValue] = [given(view, 2), given(view, 3)];
  if (!scalesValue === !sizesValue) throw shapeError(view, 'one of scales and sizes must be given');
  const [scales, sizes] = [constantNumbers(scalesValue), constantNumbers(sizesValue)];
  const list = scales ?? sizes;
  if (!list) return undefined;
  if (list.length !== shape.length)
    throw shapeError(view, `scales or sizes must hold ${shape.length} numbers, got ${list.length}`);
  if (scales) return { sizes: shape.map((d, i) => scaledDim(d, scales[i]!)), scales };
  return {
    sizes: [...list],
    scales: shape.map((d, i) => (typeof d === 'number' ? list[i]! / d : undefined)),
  };
}

function scaledDim(d: Dim, scale: number): Dim {
  if (typeof d === 'number') return Math.floor(d * Math.fround(scale));
  if (Number.isInteger(scale)) return mulDim(d, scale);
  return Number.isInteger(1 / scale) ? floorDivDim(d, 1 / scale) : '';
}

// y = A·x·Bᵀ with the interpolation weights of rows and columns: dx = Aᵀ·dy·B
export const Resize: Op = {
  type: 'Resize',
  defaults: { mode: 'nearest', coordinate_transformation_mode: 'half_pixel' },
  infer(view) {
    const { graph, dtype, shape } = need(view, 0);
    interpolationOf(view);
    const sizes = resized(view)?.sizes ?? unknownDims(graph, shape.length);
    if (sizes.includes(0)) throw shapeError(view, `sizes must be 1 or more, got ${showShape(sizes)}`);
    return [{ dtype, shape: sizes.map((d) => d || unknownDim(graph)) }];
  },
  gradient: (c) => [resizeGradient(c), null, null, null],
  channels: ({ inputs: [x], outputs: [y] }) =>
    [0, 1].map((axis): ChannelRelation => {
      return {
        kind: 'tie',
        axes: [
          { value: x!, axis },
          { value: y!, axis },
        ],
      };
    }),
};

function resizeGradient({ node, dy }: GradientContext): Value {
  const x = node.inputs[0]!;
  const how = interpolationOf(node);
  const missing = (what: string) =>
    new GanletError('GRADIENT_MISSING', `gradient of Resize "${node.name}" ${what}`);
  const plan = resized(node);
  const [n, c, rows, columns] = x.shape as [Dim, Dim, Dim, Dim];
  const scales = plan?.scales ?? [];
  if (how.mode === 'cubic') throw missing('must have mode nearest or linear, it has cubic');
  if (x.shape.length !== 4 || !plan || plan.sizes[0] !== n || plan.sizes[1] !== c)
    throw missing(`must resize the last two of four axes by constants, got ${showShape(x.shape)}`);
  const factors = [scales[2]!, scales[3]!] as const;
  if (how.mode === 'nearest' && repeats(factors, [rows, columns], how)) {
    const blocks = reshape(dy, [n, c, rows, factors[0], columns, factors[1]], x);
    return reduceSum(blocks, [3, 5], false);
  }
  if (typeof rows !== 'number' || typeof columns !== 'number')
    throw missing(`needs the image size, got ${showShape(x.shape)}`);
  const matrix = (axis: 2 | 3) => {
    const [from, to, scale] = [x.shape[axis] as number, plan.sizes[axis] as number, scales[axis]!];
    const name = `resize:${how.mode},${how.transform},${how.nearest},${scale}`;
    return axisMatrix(name, to, from, interpolationWeights(scale, from, to, how));
  };
  return separableAdjoint(dy, matrix(2), matrix(3));
}

/** Whether every pixel becomes a block of equal pixels, so that the gradient is the block's sum. */
function repeats(factors: readonly number[], sizes: readonly Dim[], how: Interpolation): boolean {
  return factors.every((factor, i) => {
    const from = sizes[i]!;
    if (!Number.isInteger(factor)) return false;
    if (typeof from !== 'number') return factor === 1 || alwaysRepeats(how);
    return nearestSources(factor, from, from * factor, how).every((s, k) => s === Math.floor(k / factor));
  });
}

function alwaysRepeats({ transform, nearest }: Interpolation): boolean {
  return (
    (transform === 'asymmetric' && nearest === 'floor') ||
    (transform === 'half_pixel' && nearest.startsWith('round'))
  );
}

export interface ResizeOptions {
  /** Default nearest. */
  mode?: Interpolation['mode'];
  /** Default asymmetric for nearest (each pixel becomes a block), half_pixel otherwise (as PyTorch without align_corners). */
  transform?: 'half_pixel' | 'pytorch_half_pixel' | 'align_corners' | 'asymmetric';
}

/** Images [N, C, H, W] scaled by two factors, [rows, columns]; a size that is not whole is rounded down. */
export function upsample(x: Value, scales: readonly [number, number], options: ResizeOptions = {}): Value {
  const values = x.graph.sharedConstant(`scales${scales.join('x')}`, () => float32([4], [1, 1, ...scales]));
  return emit(Resize, [x, null, values], attributesOf(options));
}

/** Images [N, C, H, W] resized to [rows, columns]; batch and channels must be numbers. */
export function resizeTo(x: Value, size: readonly [number, number], options: ResizeOptions = {}): Value {
  const [n, c] = x.shape;
  if (typeof n !== 'number' || typeof c !== 'number')
    throw new GanletError(
      'SHAPE_SYMBOLIC',
      `resizing to a size needs numbers for batch and channels, got ${showShape(x.shape)}`,
    );
  return emit(Resize, [x, null, null, x.graph.vector([n, c, ...size])], attributesOf(options));
}

function attributesOf({ mode = 'nearest', transform }: ResizeOptions) {
  const fallback = mode === 'nearest' ? 'asymmetric' : 'half_pixel';
  return {
    mode,
    coordinate_transformation_mode: transform ?? fallback,
    ...(mode === 'nearest' && { nearest_mode: 'floor' }),
  };
}
