import type { Source, Split } from '../../src/data/source.ts';
import { rng } from '../../src/util/rng.ts';

/** A made-up paired data set held in memory: grey noise and the same noise in colour, learnable in a few steps. */
export function noiseSource(
  size: number,
  counts: Record<Split, number> = { train: 12, val: 4, test: 4 },
): Source {
  const ids = (split: Split) => Array.from({ length: counts[split] }, (_, i) => `${split}-${i}`);
  return {
    name: 'noise',
    size,
    condition: { kind: 'image', channels: 3 },
    channels: { condition: 3, image: 3 },
    counts,
    ids: { train: ids('train'), val: ids('val'), test: ids('test') },
    skipped: [],
    hash: `noise-${size}`,
    truth: true,
    pair(split, index) {
      const random = rng(7, split, index);
      const condition = new Uint8Array(size * size * 3);
      const image = new Uint8Array(size * size * 3);
      for (let p = 0; p < size * size; p++) {
        const grey = random.int(0, 255);
        condition.fill(grey, 3 * p, 3 * p + 3);
        image.set([grey, 255 - grey, 128], 3 * p);
      }
      return { condition, image };
    },
  };
}
