import { makeBatch } from '../data/batch.ts';
import { oneHotClass } from '../data/one-hot.ts';
import type { Source, Split } from '../data/source.ts';
import { rng } from '../util/rng.ts';

/** The conditions pictures can be asked for, by number. */
export interface GivenConditions {
  /** 0 where generators are given none. */
  count: number;
  /** Those of the numbers as a batch, as `makeBatch` gives conditions. */
  of(numbers: ArrayLike<number>): Promise<Float32Array>;
}

/** Of a source of classes each class once, of others the conditions of a split's pictures. */
export async function conditionsOf(source: Source, split: Split): Promise<GivenConditions> {
  const { condition, counts } = source;
  switch (condition.kind) {
    case 'none':
      return { count: 0, of: async () => new Float32Array(0) };
    case 'class': {
      const { length } = condition.classes;
      return {
        count: length,
        async of(numbers) {
          const batch = new Float32Array(numbers.length * length);
          for (const [n, id] of Array.from(numbers).entries()) oneHotClass(id, batch, n * length, condition);
          return batch;
        },
      };
    }
    default:
      return {
        count: counts[split],
        of: async (numbers) => (await makeBatch(source, split, numbers, {}, rng(0, 'unused'))).condition,
      };
  }
}
