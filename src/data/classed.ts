import { GanletError } from '../util/errors.ts';
import { sha256Json } from '../util/hash.ts';
import type { Condition, Source, Split } from './source.ts';
import { mostClasses, splits } from './source.ts';

/**
 * A source whose conditions, pictures or label maps, come with a class besides: `nameOf` gives its name for each pair. Classes are
 * the names of the training pairs, sorted. Throws DATA_CLASSES where a pair of another split has a class that no training pair
 * has, or there are more than 256, and what `nameOf` throws.
 */
export function classed(source: Source, nameOf: (id: string, split: Split) => string): Source {
  const { condition } = source;
  if (condition.kind !== 'image' && condition.kind !== 'labels')
    throw new RangeError(`classes go with pictures or label maps, not with ${condition.kind}`);
  const names = Object.fromEntries(
    splits.map((split) => [split, source.ids[split].map((id) => nameOf(id, split))]),
  ) as Record<Split, string[]>;
  const classes = [...new Set(names.train)].sort();
  if (classes.length > mostClasses)
    throw new GanletError(
      'DATA_CLASSES',
      `the pairs of ${source.name} must have at most ${mostClasses} classes, they have ${classes.length}`,
      { hint: 'join the rare ones into one' },
    );
  const numbers = {} as Record<Split, Uint8Array>;
  for (const split of splits) {
    numbers[split] = Uint8Array.from(names[split], (name, i) => {
      const number = classes.indexOf(name);
      if (number >= 0) return number;
      throw new GanletError(
        'DATA_CLASSES',
        `the class "${name}" of ${source.ids[split][i]} (${split}) must be that of a training pair too, it is of none`,
        { hint: 'correct the name, or move such a pair to train' },
      );
    });
  }
  return {
    ...source,
    condition: { ...condition, classes } satisfies Condition,
    channels: {
      ...source.channels,
      condition: source.channels.condition + classes.length,
      classes: classes.length,
    },
    hash: sha256Json([source.hash, classes, splits.map((split) => [...numbers[split]])]),
    async pair(split, index) {
      const pair = await source.pair(split, index);
      const given = new Uint8Array(pair.condition.length + 1);
      given.set(pair.condition);
      given[pair.condition.length] = numbers[split][index]!;
      return { ...pair, condition: given };
    },
  };
}
