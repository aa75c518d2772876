import type { Source, Split } from '../../src/data/source.ts';
import { rng } from '../../src/util/rng.ts';

/**
 * A made-up unpaired data set held in memory: grey noise (A), and coloured noise (B) in another number of pictures. Pairs of val
 * and test are true ones. With `grey` the pictures of A have one channel.
 */
export function unpairedSource(size: number, { grey = false, truth = true } = {}): Source {
  const counts = { train: 7, val: 3, test: 4 };
  const images = { train: 5, val: 3, test: 6 };
  const channels = grey ? 1 : 3;
  const ids = (split: Split) => Array.from({ length: counts[split] }, (_, i) => `${split}-${i}`);
  const levels = (name: string, index: number) => {
    const random = rng(7, name, index);
    return Array.from({ length: size * size }, () => random.int(0, 255));
  };
  const coloured = (noise: readonly number[]) =>
    Uint8Array.from(noise.flatMap((level) => [level, 255 - level, 128]));
  return {
    name: 'two noises',
    size,
    condition: { kind: 'image', channels },
    channels: { condition: channels, image: 3 },
    counts,
    ids: { train: ids('train'), val: ids('val'), test: ids('test') },
    skipped: [],
    hash: `two noises ${size} ${grey} ${truth}`,
    truth,
    unpaired: { counts: images, image: (split, index) => coloured(levels(`B ${split}`, index)) },
    pair(split, index) {
      const noise = levels(split, index);
      const condition = Uint8Array.from(noise.flatMap((level) => new Array(channels).fill(level)));
      return { condition, image: coloured(truth ? noise : levels(`B ${split}`, index)) };
    },
  };
}
