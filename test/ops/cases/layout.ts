import { floorDivDim } from '../../../src/graph/dims.ts';
import type { Value } from '../../../src/graph/graph.ts';
import { depthToSpace, spaceToDepth } from '../../../src/ops/depth-space.ts';
import { mul } from '../../../src/ops/elementwise.ts';
import { gather } from '../../../src/ops/gather.ts';
import {
  Expand,
  expandTo,
  flatten,
  reshape,
  Squeeze,
  squeeze,
  transpose,
  unsqueeze,
} from '../../../src/ops/layout.ts';
import { emit } from '../../../src/ops/op.ts';
import { concat, split, tile } from '../../../src/ops/segments.ts';
import { END, flip, pad, slice, spread } from '../../../src/ops/window.ts';
import { type Drawn, frozen, type GradientCase, integers, normal } from '../finite-differences.ts';

const one = (name: string, shape: readonly number[], f: (x: Value) => Value): GradientCase => ({
  name,
  inputs: { x: normal(shape) },
  build: (v) => f(v.x!),
});

type Cut = [shape: number[], axes: number[], starts: number[], ends: number[], steps?: number[]];
const cuts: Cut[] = [
  [[4, 5], [1], [1], [3]],
  [
    [4, 5],
    [0, 1],
    [1, 0],
    [END, -1],
  ],
  [[4, 5], [-1], [-3], [END]],
  [[4, 5], [1], [-100], [100]],
  [[4, 5], [0], [2], [2]],
  [[3, 7], [1], [0], [7], [2]],
  [[3, 7], [1], [1], [END], [3]],
  [
    [3, 8],
    [0, 1],
    [0, 1],
    [3, 8],
    [2, 3],
  ],
  [[3, 7], [1], [-1], [-END - 1], [-1]],
  [[3, 7], [1], [5], [0], [-2]],
  [[3, 7], [1], [100], [-100], [-3]],
  [
    [3, 7],
    [0, 1],
    [-1, 6],
    [-4, 1],
    [-1, -2],
  ],
  [
    [2, 3, 4, 5],
    [2, 3],
    [1, 1],
    [3, 4],
  ],
];

const sliceCases = cuts.map(([shape, axes, starts, ends, steps]) =>
  one(`Slice [${shape}] axes ${axes}, ${starts} to ${ends}, step ${steps ?? 1}`, shape, (x) => {
    // An empty result has no gradient to compare: keep x in the sum.
    const cut = slice(x, axes, starts, ends, steps);
    return cut.shape.includes(0) ? concat([cut, x], axes[0]!) : cut;
  }),
);

type Padding = [shape: number[], pads: number[], modes: ('constant' | 'reflect' | 'edge')[]];
const paddings: Padding[] = [
  [
    [3, 4],
    [1, 0, 0, 2],
    ['constant', 'reflect', 'edge'],
  ],
  [
    [2, 2, 4, 5],
    [0, 0, 1, 1, 0, 0, 1, 1],
    ['constant', 'reflect', 'edge'],
  ],
  [
    [1, 2, 4, 4],
    [0, 0, 3, 3, 0, 0, 3, 3],
    ['constant', 'reflect', 'edge'],
  ],
  [
    [1, 1, 7, 8],
    [0, 0, 3, 2, 0, 0, 2, 3],
    ['constant', 'reflect', 'edge'],
  ],
  [
    [1, 1, 5, 5],
    [0, 0, 2, 0, 0, 0, 0, 2],
    ['reflect', 'edge'],
  ],
  [[1, 1, 2, 1], [0, 0, 1, 2, 0, 0, 1, 2], ['edge']],
  [[2], [1, 1], ['reflect', 'edge']],
  [[4, 5], [-1, 1, 0, -2], ['constant']],
  [[4, 5], [0, -2, 0, -1], ['constant']],
];
const padCases = paddings.flatMap(([shape, pads, modes]) =>
  modes.map((mode) => one(`Pad ${mode} [${shape}] by ${pads}`, shape, (x) => pad(x, pads, mode))),
);

const reads: [shape: number[], indices: Drawn, axis: number][] = [
  [[5, 3], integers([0, 4, 4, 2]), 0],
  [[5, 3], integers([2, 0, 2, -1]), 1],
  [[5], integers([3, 3]), 0],
  [[2, 5, 3], integers([1, 4, 0, 0, -5, 2], [2, 3]), 1],
  [[2, 3, 4], integers([1, 3, 3, 0], [2, 2]), -1],
  [[2, 5, 3], integers([3], []), 1],
];

export const layoutCases = {
  Reshape: [
    one('Reshape', [2, 3, 4], (x) => reshape(x, [4, 6])),
    one('Reshape to a scalar', [1, 1], (x) => reshape(x, [])),
  ],
  Flatten: [0, 1, 2, 3, -1].map((axis) => one(`Flatten at ${axis}`, [2, 3, 4], (x) => flatten(x, axis))),
  Transpose: [
    [1, 0, 2],
    [2, 0, 1],
    [0, 2, 1],
  ].map((perm) => one(`Transpose ${perm}`, [2, 3, 4], (x) => transpose(x, perm))),
  Squeeze: [
    one('Squeeze', [1, 3, 1], (x) => squeeze(x, [-1])),
    one('Squeeze everything of size 1', [1, 3, 1], (x) => emit(Squeeze, [x])),
  ],
  Unsqueeze: [one('Unsqueeze', [3, 2], (x) => unsqueeze(x, [0, -1]))],
  Expand: [
    one('Expand', [3, 1], (x) => emit(Expand, [x, x.graph.vector([2, 1, 4])])),
    {
      name: 'expandTo',
      inputs: { x: normal([3, 1]), like: frozen(normal([2, 3, 4])) },
      build: (v: Record<string, Value>) => expandTo(v.x!, v.like!),
    },
  ],
  Concat: [0, 1, -1].map((axis) => {
    const shape = (d: number) => [2, 3, 4].map((size, k) => (k === (axis + 3) % 3 ? d : size));
    return {
      name: `Concat on ${axis}`,
      inputs: { x: normal(shape(2)), y: normal(shape(1)), z: normal(shape(5)) },
      build: (v: Record<string, Value>) => concat([v.x!, v.y!, v.z!, v.x!], axis),
    };
  }),
  Split: [
    one('Split into unequal parts', [2, 7], (x) => {
      const [a, b, c] = split(x, 1, [2, 4, 1]) as [Value, Value, Value];
      return concat([mul(c, c), b, a], -1);
    }),
    one('Split of which one part is used', [6, 2], (x) => mul(split(x, 0, [1, 2, 3])[1]!, 3)),
    one('Split into equal parts', [2, 6], (x) => {
      const { graph } = x;
      const types = [0, 1, 2].map(() => ({ dtype: x.dtype, shape: [2, floorDivDim(6, 3)] }));
      const [a, , c] = graph.add('Split', [x], { axis: 1 }, types).outputs as [Value, Value, Value];
      return mul(a, c);
    }),
  ],
  Tile: [
    one('Tile', [2, 3], (x) => tile(x, [2, 3])),
    one('Tile one axis', [2, 1, 3], (x) => tile(x, [1, 4, 1])),
    one('Tile nothing', [2, 3], (x) => tile(x, [1, 1])),
  ],
  Slice: [
    ...sliceCases,
    one('flip', [2, 3, 4], (x) => flip(x, [0, 2])),
    one('spread', [2, 3, 4], (x) => spread(x, 1, 3)),
  ],
  Pad: padCases,
  Gather: reads.map(([shape, indices, axis]) => ({
    name: `Gather [${shape}] at [${indices.shape}] on ${axis}`,
    inputs: { x: normal(shape), indices },
    build: (v: Record<string, Value>) => gather(v.x!, v.indices!, axis),
  })),
  DepthToSpace: (['DCR', 'CRD'] as const).map((mode) =>
    one(`DepthToSpace ${mode}`, [2, 8, 3, 2], (x) => depthToSpace(x, 2, mode)),
  ),
  SpaceToDepth: [one('SpaceToDepth', [2, 2, 4, 6], (x) => spaceToDepth(x, 2))],
} satisfies Record<string, GradientCase[]>;

/** Builders made of several operators. */
export const composedLayoutCases: GradientCase[] = [
  one('spaceToDepth CRD', [2, 2, 4, 6], (x) => spaceToDepth(x, 2, 'CRD')),
];
