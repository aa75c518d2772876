import type { Source, Split } from '../../src/data/source.ts';
import { rng } from '../../src/util/rng.ts';

const classes = ['disc', 'square', 'stripes'] as const;

/** A made-up data set of classes held in memory: one of three shapes in a colour of its own, on white. */
export function classSource(
  size: number,
  counts: Record<Split, number> = { train: 24, val: 6, test: 12 },
): Source {
  const ids = (split: Split) => Array.from({ length: counts[split] }, (_, i) => `${split}-${i}`);
  return {
    name: 'shapes',
    size,
    condition: { kind: 'class', classes },
    channels: { condition: classes.length, image: 3 },
    counts,
    ids: { train: ids('train'), val: ids('val'), test: ids('test') },
    skipped: [],
    hash: `shapes-${size}`,
    truth: false,
    pair(split, index) {
      const random = rng(11, split, index);
      const id = index % classes.length;
      const colour = [0, 1, 2].map((c) => (c === id ? 230 : random.int(0, 90)));
      const [x0, y0, r] = [random.int(5, size - 6), random.int(5, size - 6), random.int(2, 4)];
      const image = new Uint8Array(size * size * 3).fill(255);
      for (let y = 0; y < size; y++) {
        for (let x = 0; x < size; x++) {
          const inside = [
            Math.hypot(x - x0, y - y0) < r,
            Math.max(Math.abs(x - x0), Math.abs(y - y0)) < r,
            (x + y + x0) % 6 < r,
          ][id];
          if (inside) image.set(colour, 3 * (y * size + x));
        }
      }
      return { condition: Uint8Array.of(id), image };
    },
  };
}
