import type { Backend } from '../backend/backend.ts';
import { makeBatch } from '../data/batch.ts';
import type { PairedSource, Split } from '../data/source.ts';
import type { Graph } from '../graph/graph.ts';
import { type DistanceKind, distanceMeter } from '../metrics/distance-meter.ts';
import type { Levels } from '../metrics/levels.ts';
import { quantise } from '../metrics/quantise.ts';
import { GanletError } from '../util/errors.ts';
import { rng } from '../util/rng.ts';
import { compileGenerator } from './generate.ts';

/** Pictures of the data on which networks are scored. */
export interface ScoredPictures {
  split: Split;
  indices: readonly number[];
}

export interface ScoringOptions extends ScoredPictures {
  source: PairedSource;
  kind: DistanceKind;
  /** Network of the distance; its own default where it is left out. */
  features?: string | undefined;
  /** What `teacher-l1` compares with; only asked for then. */
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

/** Opens a meter on some pictures, from the truth or (`teacher-l1`) from the teacher's, which are made here. Throws as `distanceMeter`. */
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
        yield levels(await generator.generate((await pair(i)).condition));
    } finally {
      await generator.dispose();
    }
  }
  const taught: Levels[] = [];
  if (kind === 'teacher-l1') for await (const picture of picturesOf(teacher())) taught.push(picture);
  const meter = await distanceMeter({
    kind,
    ...(features !== undefined && { features }),
    reference: {
      count: indices.length,
      picture: async (i) => taught[i] ?? levels((await pair(i)).image),
    },
    threads: backend.description.threads,
  });
  return {
    metric: meter.label,
    async score(network) {
      const value = await meter.measure(picturesOf(network));
      if (Number.isFinite(value)) return value;
      throw new GanletError('SCORE_INVALID', `${meter.label} must be a number, it came out as ${value}`);
    },
    dispose: () => meter.dispose(),
  };
}
