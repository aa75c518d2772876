import { floorDivDim, mulDim } from '../graph/dims.ts';
import { type Dim, showShape, type Value } from '../graph/graph.ts';
import { reshape, transpose } from './layout.ts';
import type { NodeView, Op } from './op.ts';
import { emit, needRank, num, shapeError, str } from './op.ts';

/** How channels are dealt out: DCR with the block position first (TensorFlow), CRD with the channel first (pixel shuffle). */
export type ChannelOrder = 'DCR' | 'CRD';

function blockOf(view: NodeView): number {
  const block = num(view.attributes, 'blocksize', 0);
  if (!(block > 0)) throw shapeError(view, `blocksize must be a positive number, got ${block}`);
  return block;
}

function divided(view: NodeView, axis: number, by: number): Dim {
  const size = needRank(view, 0, 4)[axis]!;
  if (typeof size !== 'number') return floorDivDim(size, by);
  if (size % by !== 0)
    throw shapeError(view, `axis ${axis} must be divisible by ${by}, got ${showShape(needRank(view, 0, 4))}`);
  return size / by;
}

// Channels to blocks of pixels: dx = dy with its blocks taken back to channels
export const DepthToSpace: Op = {
  type: 'DepthToSpace',
  defaults: { mode: 'DCR' },
  infer(view) {
    const [n, , h, w] = needRank(view, 0, 4) as [Dim, Dim, Dim, Dim];
    const b = blockOf(view);
    const shape = [n, divided(view, 1, b * b), mulDim(h, b), mulDim(w, b)];
    return [{ dtype: view.inputs[0]!.dtype, shape }];
  },
  gradient: ({ dy, node }) => [
    spaceToDepth(dy, blockOf(node), str(node.attributes, 'mode', 'DCR') as ChannelOrder),
  ],
  channels: ({ inputs: [x], outputs: [y], attributes }) => {
    const factor = num(attributes, 'blocksize', 1) ** 2;
    const [deep, flat] = [
      { value: x!, axis: 1 },
      { value: y!, axis: 1 },
    ];
    if (attributes.mode === 'CRD') return [{ kind: 'repeat', from: flat, to: deep, factor }];
    return [{ kind: 'concat', whole: deep, parts: new Array(factor).fill(flat) }];
  },
};

// Blocks of pixels to channels: dx = dy with its channels taken back to blocks
export const SpaceToDepth: Op = {
  type: 'SpaceToDepth',
  infer(view) {
    const [n, c] = needRank(view, 0, 4) as [Dim, Dim];
    const b = blockOf(view);
    return [
      {
        dtype: view.inputs[0]!.dtype,
        shape: [n, mulDim(c, b * b), divided(view, 2, b), divided(view, 3, b)],
      },
    ];
  },
  gradient: ({ dy, node }) => [depthToSpace(dy, blockOf(node))],
  channels: ({ inputs: [x], outputs: [y], attributes }) => {
    const parts = new Array(num(attributes, 'blocksize', 1) ** 2).fill({ value: x!, axis: 1 });
    return [{ kind: 'concat', whole: { value: y!, axis: 1 }, parts }];
  },
};

/** [N, C·b², H, W] → [N, C, H·b, W·b]: each group of b² channels becomes a block of pixels. CRD is PyTorch's pixel shuffle. */
export const depthToSpace = (x: Value, blocksize: number, mode: ChannelOrder = 'DCR'): Value =>
  emit(DepthToSpace, [x], { blocksize, mode });

/** [N, C, H·b, W·b] → [N, C·b², H, W], the inverse of `depthToSpace`. CRD is PyTorch's pixel unshuffle. */
export function spaceToDepth(x: Value, blocksize: number, mode: ChannelOrder = 'DCR'): Value {
  if (mode === 'DCR') return emit(SpaceToDepth, [x], { blocksize });
  const view = { op: 'SpaceToDepth', name: 'spaceToDepth', inputs: [x], attributes: { blocksize } };
  const [n, c] = x.shape as [Dim, Dim];
  const [h, w] = [divided(view, 2, blocksize), divided(view, 3, blocksize)];
  const cut = transpose(reshape(x, [n, c, h, blocksize, w, blocksize], x), [0, 1, 3, 5, 2, 4]);
  return reshape(cut, [n, mulDim(c, blocksize ** 2), h, w], x);
}
