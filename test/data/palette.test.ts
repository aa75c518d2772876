import { describe, expect, test } from 'vitest';
import { kMeansPalette, nearestColour, okLab, type Rgb, shrinkLabels } from '../../src/data/palette.ts';
import { rng } from '../../src/util/rng.ts';

const white: Rgb = [255, 255, 255];
const picture = (...colours: Rgb[]) => Uint8Array.from(colours.flat());

test('OKLab has the published coordinates', () => {
  // Ottosson's table: white is (1, 0, 0); sRGB red from his reference code.
  expect(okLab(white)).toBeAllclose([1, 0, 0], { atol: 1e-6 });
  expect(okLab([255, 0, 0])).toBeAllclose([0.62796, 0.22486, 0.12585], { atol: 1e-4 });
});

describe('a palette', () => {
  const colours: Rgb[] = [white, [200, 16, 16], [16, 120, 32], [24, 40, 200]];

  test('of a few colours is these colours, the first fixed and the rest from light to dark', () => {
    const pixels = picture(...colours, ...colours, colours[3]!);
    const palette = kMeansPalette([pixels], 4, white);
    expect(palette[0]).toEqual(white);
    expect(new Set(palette.map(String))).toEqual(new Set(colours.map(String)));
    const light = palette.slice(1).map((colour) => okLab(colour)[0]);
    expect(light).toEqual(light.toSorted((a, b) => b - a));
  });

  test('has no more colours than there are', () => {
    expect(kMeansPalette([picture(white, [0, 0, 0])], 6, white)).toEqual([white, [0, 0, 0]]);
  });

  test('does not depend on the order of the pictures', () => {
    const random = rng(1, 'palette');
    const noise = Array.from({ length: 4 }, () => Uint8Array.from({ length: 300 }, () => random.int(0, 255)));
    expect(kMeansPalette(noise, 5, white)).toEqual(kMeansPalette(noise.toReversed(), 5, white));
  });

  test('gives each pixel the colour that is nearest', () => {
    const nearest = nearestColour(colours);
    const near: Rgb[] = colours.map(([r, g, b]) => [Math.max(r - 5, 0), Math.min(g + 6, 255), b]);
    expect([...nearest(picture(...near, ...colours))]).toEqual([0, 1, 2, 3, 0, 1, 2, 3]);
  });
});

test('a label map is shrunk by the most frequent label, the lowest of equally frequent ones', () => {
  const labels = Uint8Array.from([1, 1, 2, 3, 1, 0, 3, 2, 0, 0, 3, 3, 4, 4, 3, 3]);
  expect([...shrinkLabels(labels, 4, 2, 5)]).toEqual([1, 2, 0, 3]);
});
