import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { readPngSamples } from '../../src/data/png-samples.ts';
import { rng } from '../../src/util/rng.ts';
import { pngOf } from '../support/png.ts';

describe('the numbers of a PNG of one channel', () => {
  test.each([
    ['8-bit grey', 8, 255],
    ['16-bit grey', 16, 65535],
  ] as const)('%s are those that were stored', (_what, depth, most) => {
    const values = Array.from({ length: 15 }, (_, i) => (i * 4369) % (most + 1));
    const { width, height, values: read } = readPngSamples('x.png', pngOf(5, 3, values, { depth }));
    expect([width, height, ...read]).toEqual([5, 3, ...values]);
  });

  test('are read through the filters that an encoder chooses', async () => {
    const random = rng(3, 'filters');
    const grey = Uint8Array.from({ length: 40 * 30 }, (_, i) => (i % 40) * 3 + random.int(0, 9));
    for (const adaptiveFiltering of [false, true]) {
      const png = await sharp(grey, { raw: { width: 40, height: 30, channels: 1 } })
        .toColourspace('b-w')
        .png({ adaptiveFiltering })
        .toBuffer();
      expect([...readPngSamples('x.png', png).values]).toEqual([...grey]);
    }
  });

  test.each([2, 4, 16, 60])(
    'of an indexed PNG of %i colours are indices into its palette',
    async (colours) => {
      const random = rng(colours, 'indexed');
      const rgb = new Uint8Array(21 * 9 * 3);
      for (let p = 0; p < 21 * 9; p++) {
        const level = random.int(0, colours - 1);
        rgb.set([level * 4, 255 - level * 4, 7], 3 * p);
      }
      const png = await sharp(rgb, { raw: { width: 21, height: 9, channels: 3 } })
        .png({ palette: true, colours: Math.max(colours, 2), dither: 0 })
        .toBuffer();
      const { values, palette } = readPngSamples('x.png', png);
      const decoded = await sharp(png).toColourspace('srgb').removeAlpha().raw().toBuffer();
      expect(Array.from(values, (value) => palette![value]!).flat()).toEqual([...decoded]);
    },
  );

  const good = pngOf(4, 4, new Array(16).fill(1));
  test.each([
    ['an empty file', Buffer.alloc(0), 'is empty'],
    ['a JPEG', Buffer.from([0xff, 0xd8, 0xff]), 'is no PNG file, as label maps must be'],
    ['half a file', good.subarray(0, good.length - 30), 'cannot be decoded'],
  ])('are not those of %s', (_what, bytes, reason) => {
    expect(() => readPngSamples('a/x.png', bytes)).toThrow(`a/x.png ${reason}`);
  });

  test('are not those of a colour PNG', async () => {
    const colour = await sharp({ create: { width: 2, height: 2, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
    expect(() => readPngSamples('x.png', colour)).toThrow(
      'x.png has three channels, a label map must have one: grey or indexed',
    );
  });

  test('are never a crash, whatever byte is wrong', () => {
    const whole = pngOf(
      6,
      5,
      Array.from({ length: 30 }, (_, i) => i),
    );
    for (let at = 0; at < whole.length; at++) {
      const bytes = Buffer.from(whole);
      bytes[at] = bytes[at]! ^ 0x55;
      try {
        readPngSamples('x.png', bytes);
      } catch (error) {
        expect(error).toMatchObject({ code: 'IMAGE_INVALID' });
      }
    }
  });
});
