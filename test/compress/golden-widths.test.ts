import { expect, test } from 'vitest';
import { channelGroups } from '../../src/compress/groups.ts';
import { narrow } from '../../src/compress/narrow.ts';
import { separate } from '../../src/compress/separable.ts';
import { resnetGenerator, resnetWidths } from '../../src/models/resnet.ts';
import { countMacs, countParameters } from '../../src/ops/cost.ts';
import { olderRule, olderWidths, published } from '../ops/golden-widths.ts';

const size = 256;
const wide = resnetGenerator({ baseWidth: 96, separable: true, size });
const groups = channelGroups(wide);

/** The 96-wide network, its groups narrowed by name to a width vector. */
function narrowedTo(vector: readonly number[]) {
  const { stem, down1, trunk, inner, up1, up2 } = resnetWidths(vector, 9);
  const blocks = Array.from({ length: 9 }, (_, i) => 4 * inner[Math.floor((i * inner.length) / 9)]!);
  const widths = new Map<string, number>([
    ['stem', stem],
    ['down1', 2 * down1],
    ['down2', 4 * trunk],
    ...blocks.map((width, i) => [`block${i + 1}.conv1`, width] as const),
    ['up1', 2 * up1],
    ['up2', up2],
  ]);
  expect(groups.list.filter((g) => g.narrowable).map((g) => g.name)).toEqual([...widths.keys()]);
  const keep = [...widths].map(
    ([name, width]) => [name, Array.from({ length: width }, (_, i) => i)] as const,
  );
  return narrow(wide, new Map(keep), groups);
}

test.each(published)('narrowed to %s it has the published cost', (text, params, paper, paperConv, exact) => {
  const small = narrowedTo(text.split('_').map(Number));
  expect(countParameters(small)).toBe(params);
  expect(countMacs(small)).toMatchObject({ paperConv, true: exact, ...(paper && { paper }) });
});

test.each(olderRule)('narrowed to %s by the older rule too', (text, params, paperConv, exact) => {
  const small = narrowedTo(olderWidths(text));
  expect(countParameters(small)).toBe(params);
  expect(countMacs(small)).toMatchObject({ paperConv, true: exact });
});

test('so has the dense network of width 64, made separable', () => {
  const [, params, paper, paperConv, exact] = published[0]!;
  const separable = separate(resnetGenerator({ baseWidth: 64, size }));
  expect(countParameters(separable)).toBe(params);
  expect(countMacs(separable)).toEqual({ paper, paperConv, true: exact });
});
