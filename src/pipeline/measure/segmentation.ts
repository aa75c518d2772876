import { nearestColour } from '../../data/palette.ts';
import type { Source, Split } from '../../data/source.ts';
import { segmentationSum } from '../../metrics/segmentation.ts';
import { GanletError } from '../../util/errors.ts';
import type { MeasuredSegmentation } from './metrics-file.ts';

/** Metrics of the label maps that can be read off made pictures again. */
export const segmentationMetrics = ['miou', 'accuracy'] as const;

export interface Segmenting<Who> {
  /** Compares the labels of a picture (8-bit levels, channels first) with those it was made from. */
  add(who: Who, picture: Uint8Array, index: number): Promise<void>;
  result(who: Who): MeasuredSegmentation | undefined;
}

/** Whether the pictures of a source tell their label maps by their colours. */
export function tellsLabels({ condition }: Pick<Source, 'condition'>): boolean {
  return condition.kind === 'labels' && condition.byColour === true;
}

/**
 * Counts how well the label maps of a split are found again in pictures made from them: each pixel is given the label of the
 * nearest colour (`nearestColour`), as the maps were made. Mean IoU over the labels that occur, and share of right pixels; see
 * `segmentationSum`. Undefined where neither is asked for. Throws LABELS_UNREADABLE for data whose pictures do not tell their labels.
 */
export function measureSegmentation<Who>(
  source: Source,
  split: Split,
  metrics: readonly string[],
): Segmenting<Who> | undefined {
  const asked = segmentationMetrics.filter((name) => metrics.includes(name));
  if (asked.length === 0) return undefined;
  const { condition } = source;
  if (condition.kind !== 'labels' || !tellsLabels(source)) throw unreadable(source, asked);
  const counted = condition.labels.filter(({ counted }) => counted !== false);
  const segment = nearestColour(counted.map(({ colour }) => colour));
  const sums = new Map<Who, ReturnType<typeof segmentationSum>>();
  const area = source.size ** 2;
  return {
    async add(who, picture, index) {
      const sum = sums.get(who) ?? segmentationSum(counted.length);
      sums.set(who, sum);
      const truth = (await source.pair(split, index)).condition.subarray(0, area);
      sum.add(truth, segment(channelsLast(picture, area)));
    },
    result(who) {
      const sum = sums.get(who);
      if (!sum) return undefined;
      const { meanIou, pixelAccuracy, iou } = sum.result();
      return {
        ...(asked.includes('miou') && { miou: meanIou }),
        ...(asked.includes('accuracy') && { accuracy: pixelAccuracy }),
        labels: iou.filter((value) => value !== null).length,
      };
    },
  };
}

function unreadable(source: Source, asked: readonly string[]): GanletError {
  const metrics = asked.join(' and ');
  return new GanletError(
    'LABELS_UNREADABLE',
    `${metrics} must be asked for pictures whose colours tell their labels, those of ${source.name} do not`,
    {
      hint: `leave ${metrics} out of evaluate.metrics; emoji-labels with equal from and to has such pictures`,
    },
  );
}

function channelsLast(planes: Uint8Array, area: number): Uint8Array {
  const channels = planes.length / area;
  return planes.map((_, o) => planes[(o % channels) * area + Math.floor(o / channels)]!);
}
