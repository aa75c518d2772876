import { type Condition, classesOf, type Source, type Split, splits } from './source.ts';

/** What a data set holds, for a look before training. */
export interface SourceSummary {
  source: string;
  size: number;
  condition: Condition;
  channels: Source['channels'];
  /** Conditions, or where there are none pictures, of each split. */
  counts: Record<Split, number>;
  /** Pictures of the other domain, where they belong to no condition. */
  images?: Record<Split, number>;
  /** Whether each condition of val and test has a true picture. */
  truth: boolean;
  /** Pictures of each class in each split. */
  classes?: { name: string; counts: Record<Split, number> }[];
  /** Share of the pixels of each label, 0 to 1, of the pictures looked at. */
  labels?: { name: string; share: number }[];
  /** Levels (0 to 255) of the channels of the training pictures looked at. */
  values: { least: number; most: number; mean: number; sd: number }[];
  /** Training pictures looked at for labels and values. */
  sampled: number;
  skipped: Source['skipped'];
  doubt?: string;
  attribution?: string;
  hash: string;
}

/** So many pictures tell about the values of all. */
const mostSampled = 256;

/** Looks a source over: all classes, and up to 256 training pictures spread over the split. Throws what `pair` throws. */
export async function summarise(source: Source): Promise<SourceSummary> {
  const { name, size, condition, channels, counts, unpaired, truth, skipped, doubt, attribution, hash } =
    source;
  const imageCount = (unpaired ?? source).counts.train;
  const values = levelsOf(channels.image);
  const shares = new Float64Array(condition.kind === 'labels' ? condition.labels.length : 0);
  const sampled = Math.min(mostSampled, counts.train);
  for (let i = 0; i < sampled; i++) {
    const pair = await source.pair('train', spread(i, sampled, counts.train));
    const picture = unpaired ? await unpaired.image('train', spread(i, sampled, imageCount)) : pair.image;
    values.add(picture);
    if (condition.kind === 'labels') {
      for (let p = 0; p < size * size; p++) shares[pair.condition[p]!]! += 1 / (sampled * size * size);
    }
  }
  return {
    source: name,
    size,
    condition,
    channels,
    counts,
    ...(unpaired && { images: unpaired.counts }),
    truth,
    ...(classesOf(condition).length > 0 && { classes: await classCounts(source, classesOf(condition)) }),
    ...(condition.kind === 'labels' && {
      labels: condition.labels.map(({ name }, i) => ({ name, share: shares[i]! })),
    }),
    values: values.result(),
    sampled,
    skipped,
    ...(doubt !== undefined && { doubt }),
    ...(attribution !== undefined && { attribution }),
    hash,
  };
}

/** The i-th of `sampled` numbers below `count`, evenly spread. */
const spread = (i: number, sampled: number, count: number) => Math.floor((i * count) / sampled);

async function classCounts(source: Source, classes: readonly string[]) {
  const counted = classes.map((name) => ({ name, counts: { train: 0, val: 0, test: 0 } }));
  for (const split of splits) {
    for (let i = 0; i < source.counts[split]; i++)
      counted[(await source.pair(split, i)).condition.at(-1)!]!.counts[split]++;
  }
  return counted;
}

function levelsOf(channels: number) {
  const sums = Array.from({ length: channels }, () => ({
    least: 255,
    most: 0,
    sum: 0,
    squares: 0,
    count: 0,
  }));
  return {
    add(picture: Uint8Array): void {
      for (const [i, value] of picture.entries()) {
        const sum = sums[i % channels]!;
        sum.least = Math.min(sum.least, value);
        sum.most = Math.max(sum.most, value);
        sum.sum += value;
        sum.squares += value * value;
        sum.count++;
      }
    },
    result: () =>
      sums.map(({ least, most, sum, squares, count }) => {
        const mean = sum / count;
        return { least, most, mean, sd: Math.sqrt(Math.max(squares / count - mean * mean, 0)) };
      }),
  };
}
