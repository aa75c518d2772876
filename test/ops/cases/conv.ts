import { type ConvOptions, conv, convTranspose } from '../../../src/ops/conv.ts';
import { type GradientCase, normal } from '../finite-differences.ts';

type Sizes = readonly [n: number, c: number, h: number, w: number];
interface ConvCase extends ConvOptions {
  x: Sizes;
  /** Output channels, kernel rows and columns. */
  w: readonly [outputs: number, kh: number, kw: number];
  outputPadding?: readonly number[];
}

function label({ x, w, ...options }: ConvCase): string {
  const rest = Object.entries(options).map(([k, v]) => `${k} ${v}`);
  return [`x ${x.join('×')}`, `w ${w.join('×')}`, ...rest].join(', ');
}

function convCase(c: ConvCase): GradientCase {
  const { x, w, ...options } = c;
  return {
    name: `Conv ${label(c)}`,
    inputs: {
      x: normal(x),
      w: normal([w[0], x[1] / (c.group ?? 1), w[1], w[2]]),
      bias: normal([w[0]]),
    },
    build: (v) => conv(v.x!, v.w!, { ...options, bias: v.bias! }),
  };
}

function transposeCase(c: ConvCase): GradientCase {
  const { x, w, ...options } = c;
  return {
    name: `ConvTranspose ${label(c)}`,
    inputs: {
      x: normal(x),
      w: normal([x[1], w[0] / (c.group ?? 1), w[1], w[2]]),
      bias: normal([w[0]]),
    },
    build: (v) => convTranspose(v.x!, v.w!, { ...options, bias: v.bias! }),
  };
}

const ones = [1, 1, 1, 1];
const table: ConvCase[] = [
  { x: [2, 3, 5, 6], w: [4, 1, 1] },
  { x: [2, 3, 5, 6], w: [4, 1, 1], strides: [2, 2] },
  { x: [1, 3, 6, 5], w: [4, 3, 3], pads: ones },
  { x: [2, 3, 6, 5], w: [4, 3, 3], pads: ones },
  { x: [2, 9, 5, 5], w: [10, 3, 3], pads: ones },
  { x: [2, 10, 5, 5], w: [3, 3, 3], pads: ones },
  { x: [2, 10, 5, 6], w: [1, 4, 4], pads: ones },
  { x: [2, 3, 7, 6], w: [4, 3, 3] },
  { x: [2, 3, 7, 7], w: [4, 3, 3], strides: [2, 2], pads: ones },
  { x: [2, 3, 8, 8], w: [4, 3, 3], strides: [2, 2], pads: ones },
  { x: [2, 9, 8, 7], w: [10, 3, 3], strides: [2, 2], pads: ones },
  { x: [2, 3, 8, 8], w: [4, 4, 4], strides: [2, 2], pads: ones },
  { x: [2, 3, 9, 9], w: [4, 4, 4], strides: [2, 2], pads: ones },
  { x: [1, 2, 9, 8], w: [2, 2, 2], strides: [2, 2] },
  { x: [1, 2, 9, 10], w: [3, 5, 5], strides: [3, 3], pads: [2, 2, 2, 2] },
  { x: [2, 3, 9, 8], w: [2, 7, 7], pads: [3, 3, 3, 3] },
  { x: [1, 3, 8, 8], w: [2, 6, 6], strides: [2, 1], pads: [2, 3, 2, 3] },
  { x: [2, 2, 6, 7], w: [3, 3, 2], pads: [1, 0, 0, 1] },
  { x: [2, 2, 6, 7], w: [3, 3, 3], pads: [0, 2, 1, 0] },
  { x: [2, 2, 7, 8], w: [3, 3, 3], strides: [2, 3], pads: [2, 0, 1, 1] },
  { x: [1, 2, 6, 6], w: [2, 1, 1], pads: ones },
  { x: [1, 2, 5, 5], w: [2, 2, 2], pads: [2, 2, 2, 2] },
  { x: [2, 2, 9, 8], w: [3, 3, 3], dilations: [2, 2], pads: [2, 2, 2, 2] },
  { x: [1, 2, 9, 9], w: [3, 3, 3], dilations: [1, 3], pads: [1, 3, 1, 3] },
  { x: [1, 2, 11, 10], w: [3, 3, 3], dilations: [2, 2], strides: [2, 2], pads: [2, 2, 2, 2] },
  { x: [1, 2, 10, 10], w: [2, 3, 3], dilations: [2, 3], strides: [3, 2] },
  { x: [2, 4, 6, 5], w: [4, 3, 3], group: 4, pads: ones },
  { x: [2, 4, 8, 7], w: [4, 3, 3], group: 4, strides: [2, 2], pads: ones },
  { x: [2, 4, 7, 7], w: [8, 3, 3], group: 4, pads: ones },
  { x: [2, 4, 6, 6], w: [4, 5, 5], group: 4, dilations: [2, 2], pads: [4, 4, 4, 4] },
  { x: [2, 6, 6, 6], w: [4, 3, 3], group: 2, pads: ones },
  { x: [2, 6, 7, 6], w: [9, 3, 3], group: 3, strides: [2, 2], pads: ones },
  { x: [2, 4, 5, 5], w: [4, 1, 1], group: 2 },
];

const transposed: ConvCase[] = [
  { x: [2, 3, 5, 4], w: [4, 3, 3] },
  { x: [2, 3, 5, 4], w: [4, 3, 3], pads: ones },
  { x: [2, 3, 4, 5], w: [4, 3, 3], strides: [2, 2], pads: ones, outputPadding: [1, 1] },
  { x: [2, 3, 4, 4], w: [4, 3, 3], strides: [2, 2], pads: ones },
  { x: [2, 3, 4, 5], w: [4, 4, 4], strides: [2, 2], pads: ones },
  { x: [2, 9, 4, 5], w: [10, 4, 4], strides: [2, 2], pads: ones },
  { x: [2, 9, 4, 4], w: [3, 4, 4], strides: [2, 2], pads: ones },
  { x: [1, 2, 4, 4], w: [3, 2, 2], strides: [2, 2] },
  { x: [1, 2, 3, 4], w: [3, 5, 5], strides: [3, 3], pads: [1, 1, 1, 1], outputPadding: [2, 1] },
  { x: [1, 2, 4, 4], w: [3, 3, 3], strides: [2, 1], pads: [1, 0, 0, 1] },
  { x: [1, 2, 4, 5], w: [3, 3, 3], strides: [2, 2], pads: [1, 0, 0, 1], outputPadding: [1, 0] },
  { x: [1, 2, 4, 4], w: [3, 3, 3], strides: [2, 2], dilations: [2, 2], pads: [2, 2, 2, 2] },
  { x: [1, 4, 1, 1], w: [3, 4, 4] },
  { x: [2, 4, 4, 4], w: [4, 3, 3], group: 4, strides: [2, 2], pads: ones, outputPadding: [1, 1] },
  { x: [2, 4, 4, 4], w: [6, 3, 3], group: 2, strides: [2, 2], pads: ones },
  { x: [2, 4, 5, 5], w: [4, 3, 3], group: 4, pads: ones },
];

export const convCases = table.map(convCase);
export const convTransposeCases = transposed.map(transposeCase);
