import type { Backend } from '../../backend/backend.ts';
import { makeBatch, realImages } from '../../data/batch.ts';
import { hasTruth, type Source, type Split } from '../../data/source.ts';
import type { Graph } from '../../graph/graph.ts';
import { type DistanceKind, distanceMeter } from '../../metrics/distance-meter.ts';
import type { Levels, PictureSet } from '../../metrics/levels.ts';
import { quantise } from '../../metrics/quantise.ts';
import { latentSize } from '../../models/generator-inputs.ts';
import { GanletError } from '../../util/errors.ts';
import { rng } from '../../util/rng.ts';
import { compileGenerator } from '../generate.ts';
import { pictureLatents } from '../given.ts';
import { measureSegmentation } from './segmentation.ts';

/** A distance of pictures, or how much of the label maps is not found again in them. */
export type ScoreKind = DistanceKind | 'miou';

/** Pictures of the data on which networks are scored. */
export interface ScoredPictures {
  split: Split;
  indices: readonly number[];
}

export interface ScoringOptions extends ScoredPictures {
  source: Source;
  kind: ScoreKind;
  /** Network of the distance; its own default where it is left out. */
  features?: string | undefined;
  /** Asked for where its pictures are compared with (see `comparesTeacher`). */
  teacher: () => Graph;
  backend: Backend;
}

/** Scores networks on the same pictures. */
export interface Scoring {
  /** What the score is called, `FD-emoji-64`. */
  readonly metric: string;
  /** Lower is better. Throws PICTURE_INVALID for a network whose pictures are not finite. */
  score(network: Graph): Promise<number>;
  dispose(): Promise<void>;
}

/**
 * Whether a score compares picture with picture of the teacher: `teacher-l1`, and `lpips` where the data has no true pictures, or not
 * one for each of a teacher's latent vectors, `latent` numbers long.
 */
export function comparesTeacher(
  kind: ScoreKind,
  source: Pick<Source, 'truth' | 'unpaired'>,
  split: Split,
  latent = 0,
): boolean {
  return kind === 'teacher-l1' || (kind === 'lpips' && (latent > 0 || !hasTruth(source, split)));
}

/** Images of an unpaired source that a set is compared with, at most. */
const mostImages = 2048;

/**
 * Opens a meter on some pictures: from the true ones, as a set from those of an unpaired source, or from the teacher's, which are
 * made here; or of the label maps that they were made from. Throws as `distanceMeter` and `measureSegmentation`.
 */
export async function openScoring(options: ScoringOptions): Promise<Scoring> {
  const { source, split, indices, kind, features, teacher, backend } = options;
  const { size, channels } = source;
  const pair = (i: number) => makeBatch(source, split, [indices[i]!], {}, rng(0, 'unused'));
  const levels = (picture: Float32Array): Levels => ({
    data: quantise(picture),
    channels: channels.image,
    height: size,
    width: size,
  });
  async function* picturesOf(network: Graph): AsyncGenerator<Levels> {
    const generator = await compileGenerator(network, size, backend);
    try {
      for (let i = 0; i < indices.length; i++)
        yield levels(
          await generator.generate((await pair(i)).condition, pictureLatents(network, split, [indices[i]!])),
        );
    } finally {
      await generator.dispose();
    }
  }
  if (kind === 'miou') return notFoundAgain(source, { split, indices }, picturesOf);
  const taught: Levels[] = [];
  const latent = kind === 'lpips' ? latentSize(teacher()) : 0;
  const toTeacher = comparesTeacher(kind, source, split, latent);
  if (toTeacher) for await (const picture of picturesOf(teacher())) taught.push(picture);
  const reference = (): PictureSet => {
    if (toTeacher) return { count: taught.length, picture: async (i) => taught[i]! };
    const paired = { count: indices.length, picture: async (i: number) => levels((await pair(i)).image) };
    if (!source.unpaired) return paired;
    const real = realImages(source, split);
    const count = Math.min(real.count, mostImages);
    const picture = async (i: number) =>
      levels(await real.image(Math.floor((i * real.count) / Math.max(count, 1))));
    return { count, picture };
  };
  const meter = await distanceMeter({
    kind,
    ...(features !== undefined && { features }),
    reference: reference(),
    threads: backend.description.threads,
  });
  const metric = toTeacher && kind === 'lpips' ? `${meter.label} to teacher` : meter.label;
  return {
    metric,
    async score(network) {
      const value = await meter.measure(picturesOf(network));
      if (Number.isFinite(value)) return value;
      throw new GanletError('SCORE_INVALID', `${metric} must be a number, it came out as ${value}`);
    },
    dispose: () => meter.dispose(),
  };
}

/** 1 − mean IoU of the label maps of some pictures, as read off what networks make of them. */
function notFoundAgain(
  source: Source,
  { split, indices }: ScoredPictures,
  picturesOf: (network: Graph) => AsyncIterable<Levels>,
): Scoring {
  return {
    metric: '1 - mIoU',
    async score(network) {
      const meter = measureSegmentation<Graph>(source, split, ['miou'])!;
      let i = 0;
      for await (const { data } of picturesOf(network)) await meter.add(network, data, indices[i++]!);
      return 1 - meter.result(network)!.miou!;
    },
    dispose: async () => {},
  };
}
