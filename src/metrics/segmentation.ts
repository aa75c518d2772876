import { GanletError } from '../util/errors.ts';

/** Agreement of predicted label maps with the true ones. */
export interface SegmentationScores {
  /** Share of counted pixels with the right class. */
  pixelAccuracy: number;
  /** Mean over classes of the share of their pixels found; see `absent`. */
  classAccuracy: number;
  /** Mean intersection over union; see `absent`. */
  meanIou: number;
  /** For each class; null where neither truth nor prediction has it. */
  iou: (number | null)[];
  /** counts[truth × classes + predicted]. */
  counts: Float64Array;
  classes: number;
  pictures: number;
  pixels: number;
  /** How classes without a value enter the mean: left out (GAN-Compression) or as 0 (the pix2pix scripts). */
  absent: 'skip' | 'zero';
}

export interface SegmentationSum {
  /**
   * Adds label maps of one picture, one class index a pixel. Pixels whose truth is not 0..classes − 1 (255: unlabelled) are left
   * out. Throws LABELS_INVALID for unequal sizes or a predicted class out of range at a counted pixel.
   */
  add(truth: ArrayLike<number>, predicted: ArrayLike<number>): void;
  /** Throws TOO_FEW_PICTURES when no pixel was counted. */
  result(absent?: 'skip' | 'zero'): SegmentationScores;
}

/** Counts truth against prediction for `classes` classes; memory is classes². */
export function segmentationSum(classes: number): SegmentationSum {
  const counts = new Float64Array(classes * classes);
  let pictures = 0;
  return {
    add(truth, predicted) {
      if (truth.length !== predicted.length) {
        throw new GanletError(
          'LABELS_INVALID',
          `label maps must have equal sizes, got ${truth.length} and ${predicted.length} pixels`,
          { hint: 'bring the prediction to the size of the label map (nearest neighbour)' },
        );
      }
      const counted = (i: number) => truth[i]! >= 0 && truth[i]! < classes;
      for (let i = 0; i < truth.length; i++) {
        const p = predicted[i]!;
        if (!counted(i) || (Number.isInteger(p) && p >= 0 && p < classes)) continue;
        throw new GanletError('LABELS_INVALID', `predicted classes must be 0 to ${classes - 1}, got ${p}`, {
          hint: 'check the number of classes of the segmenter, and ids against train ids',
        });
      }
      for (let i = 0; i < truth.length; i++) if (counted(i)) counts[truth[i]! * classes + predicted[i]!]!++;
      pictures++;
    },
    result: (absent = 'skip') => scores(counts.slice(), classes, pictures, absent),
  };
}

function scores(
  counts: Float64Array,
  classes: number,
  pictures: number,
  absent: 'skip' | 'zero',
): SegmentationScores {
  const [truths, predictions] = [new Float64Array(classes), new Float64Array(classes)];
  let [right, pixels] = [0, 0];
  for (let t = 0; t < classes; t++) {
    for (let p = 0; p < classes; p++) {
      const n = counts[t * classes + p]!;
      truths[t]! += n;
      predictions[p]! += n;
      pixels += n;
      if (t === p) right += n;
    }
  }
  if (pixels === 0) {
    throw new GanletError(
      'TOO_FEW_PICTURES',
      'segmentation scores need at least one labelled pixel, there is none',
    );
  }
  const hits = (c: number) => counts[c * classes + c]!;
  const iou = Array.from({ length: classes }, (_, c) => {
    const union = truths[c]! + predictions[c]! - hits(c);
    return union > 0 ? hits(c) / union : null;
  });
  const classShares = Array.from(truths, (n, c) => (n > 0 ? hits(c) / n : null));
  return {
    pixelAccuracy: right / pixels,
    classAccuracy: mean(classShares, absent),
    meanIou: mean(iou, absent),
    iou,
    counts,
    classes,
    pictures,
    pixels,
    absent,
  };
}

function mean(values: readonly (number | null)[], absent: 'skip' | 'zero'): number {
  const used = absent === 'skip' ? values.filter((v) => v !== null) : values.map((v) => v ?? 0);
  return used.reduce((sum, v) => sum + v, 0) / used.length;
}
