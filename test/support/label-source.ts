import type { Label, Source, Split } from '../../src/data/source.ts';
import { rng } from '../../src/util/rng.ts';

export const labels: readonly Label[] = [
  { name: 'sky', colour: [120, 180, 250] },
  { name: 'hill', colour: [40, 160, 60] },
  { name: 'house', colour: [200, 60, 40] },
];

/** A made-up set of label maps held in memory: a hill of some height with a house on it, drawn with noise in other colours. */
export function labelSource(size: number, { edges = true } = {}): Source {
  const counts = { train: 10, val: 2, test: 4 };
  const ids = (split: Split) => Array.from({ length: counts[split] }, (_, i) => `${split}-${i}`);
  const colours = [
    [230, 240, 255],
    [90, 120, 60],
    [150, 80, 70],
  ] as const;
  return {
    name: 'hills',
    size,
    condition: { kind: 'labels', labels, edges },
    channels: { condition: labels.length + Number(edges), image: 3 },
    counts,
    ids: { train: ids('train'), val: ids('val'), test: ids('test') },
    skipped: [],
    hash: `hills ${size} ${edges}`,
    truth: true,
    pair(split, index) {
      const random = rng(7, split, index);
      const [top, left] = [random.int(2, size - 4), random.int(0, size - 5)];
      const map = new Uint8Array(size * size);
      const image = new Uint8Array(size * size * 3);
      const at = (y: number, x: number) => (y >= top ? 1 : y >= top - 2 && x >= left && x < left + 4 ? 2 : 0);
      for (let p = 0; p < map.length; p++) {
        map[p] = at(Math.floor(p / size), p % size);
        image.set(
          colours[map[p]!]!.map((level) => level - random.int(0, 40)),
          3 * p,
        );
      }
      const border = map.map((id, p) => Number(p % size > 0 && map[p - 1] !== id));
      return { condition: edges ? Uint8Array.from([...map, ...border]) : map, image };
    },
  };
}
