import { expect, test } from 'vitest';
import { channelGroups } from '../../src/compress/groups.ts';
import { narrowPrefix } from '../../src/compress/narrow.ts';
import { encodeOnnx } from '../../src/graph/onnx.ts';
import { countMacs, countParameters } from '../../src/ops/cost.ts';
import { loadOnnx } from '../../src/ops/import-onnx.ts';
import { munit } from './munit.ts';

const dense = new Array<number>(10).fill(64);
const chosen = [16, 16, 16, 24, 56, 16, 40, 40, 32, 24];

test('MUNIT has the published size, with the encoder of styles and without', () => {
  const whole = munit(dense, { styleOf: true });
  expect(countParameters(whole)).toBe(15_026_187);
  expect(countMacs(whole).true / 1e9).toBeCloseTo(77.281, 3);
  const alone = munit(dense);
  expect(countParameters(alone) / 1e6).toBeCloseTo(12.26, 2);
  expect(countMacs(alone).true / 1e9).toBeCloseTo(71.027, 3);
});

test('the one that GAN Compression found has its size', () => {
  const small = munit(chosen, { separable: true, styleOf: true });
  expect(countParameters(small)).toBe(1_100_347);
  expect(countMacs(small).true / 1e9).toBeCloseTo(2.603, 3);
});
test('of its export all channels can be narrowed but those of pictures and style, and then have the size of that one', () => {
  const wide = loadOnnx(encodeOnnx(munit(dense, { separable: true })), 'munit');
  const groups = channelGroups(wide);
  const fixed = groups.list.filter(({ narrowable }) => !narrowable).map(({ name }) => name);
  expect(fixed).toEqual(['x', 'style', 'decoder.last']);
  const [, c1, c2, c3, c4, c5, c6, c7, c8, c9] = chosen as [number, ...number[]];
  const inner = ([first, second]: number[]) => [first!, first!, second!, second!].map((c) => 4 * c);
  const widths: [string, number][] = [
    ['content.stem', c1!],
    ['content.down1', 2 * c2!],
    ['content.down2', 4 * c3!],
    ...inner([c4!, c5!]).map((c, i): [string, number] => [`content.block${i + 1}.conv1`, c]),
    // The inner channels of the decoder's blocks are first made where its norms get their numbers.
    ...inner([c6!, c7!]).map((c, i): [string, number] => [i === 0 ? 'mlp.2' : `mlp.2_${i}`, c]),
    ['decoder.up1', 2 * c8!],
    ['decoder.up2', c9!],
  ];
  const small = narrowPrefix(wide, new Map(widths), groups);
  expect(countParameters(small)).toBe(countParameters(munit(chosen, { separable: true })));
  expect(countMacs(small)).toEqual(countMacs(munit(chosen, { separable: true })));
});
