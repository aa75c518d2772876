import { describe, expect, test } from 'vitest';
import { channelGroups } from '../../src/compress/groups.ts';
import { narrow } from '../../src/compress/narrow.ts';
import { separate } from '../../src/compress/separable.ts';
import { channelsAt, parseWidths, spaceSize, widthSpace } from '../../src/compress/width-space.ts';
import { multiscaleDiscriminator } from '../../src/models/multiscale-discriminator.ts';
import { spadeGenerator } from '../../src/models/spade.ts';
import { countMacs, countParameters, inputSymbols } from '../../src/ops/cost.ts';
import { costModel } from '../../src/search/cost.ts';
import { parameterShapes } from './networks.ts';

/** Label maps of 36 channels at 512×256 that double six times, and of 184 at 256×256 that double five times. */
const cityscapes = { labels: 36, upsampling: 'more', size: [256, 512] } as const;
const coco = { labels: 184, upsampling: 'normal', size: 256 } as const;

/**
 * Parameters, multiply-adds of convolutions, and as GAN Compression's tool counts (with one for each element of a modulation
 * and of the norms inside separable convolutions), rounded as published.
 */
const mobile: [text: string, params: number, macs: number, paper: string | undefined][] = [
  ['64_64_64_64_64_64_64_64', 70_680_771, 118_603_104_256, '118.82'],
  ['48_48_48_48_48_48_48_48', 39_975_315, 71_056_281_600, '71.22'],
  ['32_40_40_32_40_24_32_24', 21_002_811, 31_114_369_024, '31.206'],
  ['32_32_48_32_32_32_32_24', 20_425_019, 31_608_315_904, '31.702'],
  ['32_32_32_48_32_24_24_32', 20_174_275, 31_155_085_312, '31.251'],
  ['32_32_32_32_32_24_24_24', 17_647_899, 26_027_876_352, undefined],
];

function expectCost(macs: ReturnType<typeof countMacs>, conv: number, paper: string | undefined): void {
  expect(macs).toMatchObject({ paperConv: conv, true: conv });
  if (paper) expect((macs.paper / 1e9).toFixed(paper.split('.')[1]!.length)).toBe(paper);
}

const numbers = (text: string) => text.split('_').map(Number);

test('the dense generators cost what was published', () => {
  const [city, stuff] = [
    spadeGenerator({ ...cityscapes, baseWidth: 64 }),
    spadeGenerator({ ...coco, baseWidth: 64 }),
  ];
  expect([countParameters(city), countParameters(stuff)]).toEqual([93_048_003, 97_480_899]);
  expectCost(countMacs(city), 281_276_612_608, '281.36');
  expectCost(countMacs(stuff), 191_140_069_376, '191.18');
});

test.each(mobile)('built with widths %s it costs what was published', (text, params, macs, paper) => {
  const graph = spadeGenerator({ ...cityscapes, baseWidth: 64, separable: true, widths: numbers(text) });
  expect(countParameters(graph)).toBe(params);
  expectCost(countMacs(graph), macs, paper);
});

test('so does the student for COCO-Stuff', () => {
  const widths = numbers('40_32_32_40_32_40_24_24');
  const graph = spadeGenerator({ ...coco, baseWidth: 64, separable: true, widths });
  expect(countParameters(graph)).toBe(25_985_755);
  expectCost(countMacs(graph), 35_415_359_488, '35.460');
});

test('the paper’s count adds one for each modulated element and each of the norms in separable convolutions', () => {
  const { paper, paperConv } = countMacs(spadeGenerator({ ...coco, baseWidth: 64, separable: true }));
  let elements = 0;
  // Side, channels into the block, between its convolutions; two or three modulations, each with two norms of 128 channels.
  for (const [side, fin, inner, modulations] of [
    [8, 1024, 1024, 2],
    [16, 1024, 1024, 2],
    [16, 1024, 1024, 2],
    [32, 1024, 512, 3],
    [64, 512, 256, 3],
    [128, 256, 128, 3],
    [256, 128, 64, 3],
  ] as const) {
    elements += side * side * (fin * (modulations - 1) + inner + modulations * 2 * 128);
  }
  expect(paper - paperConv).toBe(elements);
});

describe('a wide separable generator narrowed group by group', () => {
  const architecture = {
    type: 'spade',
    baseWidth: 64,
    upsampling: 'more',
    norm: 'batch',
    separable: true,
    spectralNorm: false,
    latent: 0,
  } as const;
  const wide = spadeGenerator({ ...cityscapes, baseWidth: 64, separable: true });
  const groups = channelGroups(wide);

  test.each(mobile)('to %s costs the same, and its space’s formula says so', (text, params, macs, paper) => {
    const space = widthSpace(groups, {}, architecture);
    const vector = parseWidths(space, text);
    const keep = [...channelsAt(space, vector)].map(
      ([name, width]) => [name, Array.from({ length: width }, (_, i) => i)] as const,
    );
    const small = narrow(wide, new Map(keep), groups);
    expect(countParameters(small)).toBe(params);
    expectCost(countMacs(small), macs, paper);
    const model = costModel(wide, groups, space, inputSymbols(wide, {}));
    expect(model.at(vector)).toMatchObject({ params, macs: countMacs(small) });
  });

  test('the spaces of the paper have as many vectors as it says', () => {
    const named = (head: readonly number[], tail: readonly number[]) => ({
      trunk: head,
      head_0: head,
      G_middle_0: head,
      G_middle_1: head,
      up_0: head,
      up_1: tail,
      up_2: tail,
      up_3: tail,
    });
    const size = (...lists: Parameters<typeof named>) =>
      spaceSize(widthSpace(groups, named(...lists), architecture));
    expect(size([48, 40, 32], [48, 40, 32, 24])).toBe(15_552);
    expect(size([64, 48, 40, 32], [64, 48, 40, 32, 24])).toBe(128_000);
    expect(size([64, 48, 40, 32, 24], [64, 48, 40, 32, 24])).toBe(390_625);
  });

  test('separated from the dense network it has the layers that were built separable', () => {
    const made = separate(spadeGenerator({ ...coco, baseWidth: 8 }));
    const built = spadeGenerator({ ...coco, baseWidth: 8, separable: true });
    expect(parameterShapes(made)).toEqual(parameterShapes(built));
    expect(countMacs(made)).toEqual(countMacs(built));
  });
});

test('GauGAN’s discriminator for Cityscapes has 5.60 M parameters', () => {
  const graph = multiscaleDiscriminator({ baseWidth: 64, inputChannels: 39, size: [256, 512] });
  // By hand: 39·16·64 + 64, then 64·16·128, 128·16·256, 256·16·512 without bias, 512·16 + 1; twice.
  expect(countParameters(graph)).toBe(2 * (40_000 + 131_072 + 524_288 + 2_097_152 + 8_193));
});
