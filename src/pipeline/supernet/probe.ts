import { largest, smallest, type WidthSpace, type WidthVector } from '../../compress/width-space.ts';
import { makeBatch } from '../../data/batch.ts';
import { hasTruth } from '../../data/source.ts';
import type { Graph, Tensor } from '../../graph/graph.ts';
import { statisticNames } from '../../train/recalibrate.ts';
import { drawWidths } from '../../train/width-sampling.ts';
import { rng } from '../../util/rng.ts';
import type { RunContext } from '../context.ts';
import { compileGenerator } from '../generate.ts';
import { pictureLatents } from '../given.ts';
import { calibrationBatches } from '../train/recalibrated.ts';
import type { ReadState } from '../train/stage-training.ts';
import { elasticGenerator } from './elastic-generator.ts';
import type { Supernet } from './file.ts';

/** Widths looked at while a supernet is trained. */
export interface Probe {
  vectors: Readonly<Record<string, WidthVector>>;
  /**
   * Mean |difference| of pictures from the truth (`largestRecon`), where there is one, and from the teacher's
   * (`largestTeacher`), by vector.
   */
  measure(readState: ReadState): Promise<Record<string, number>>;
  /** Pictures at the largest and smallest widths, for sample sheets. */
  show(
    weights: ReadonlyMap<string, Tensor>,
    conditions: Float32Array,
    latents?: Float32Array,
  ): Promise<{ title: string; images: Float32Array }[]>;
  dispose(): Promise<void>;
}

/** The largest and smallest vector and two random ones, the same throughout a run. */
export function probeVectors(space: WidthSpace, seed: number): Record<string, WidthVector> {
  const random = (step: number) =>
    drawWidths(space, { weighting: 'uniform', ratio: 1, seed, purpose: 'probe widths' }, step);
  return { largest: largest(space), smallest: smallest(space), random1: random(0), random2: random(1) };
}

/** Measures a supernet on pictures held out of its training, all widths with one compiled program. */
export async function supernetProbe(
  context: RunContext,
  { graph, space }: Supernet,
  teacher: Graph,
  pictures: readonly number[],
): Promise<Probe> {
  const { recipe, backend } = context;
  const source = await context.source();
  const { size } = source;
  const vectors = probeVectors(space, recipe.seed);
  const pairs = await makeBatch(source, 'train', pictures, {}, rng(0, 'unused'));
  const making = await compileGenerator(teacher, size, backend);
  const latents = pictureLatents(teacher, 'train', pictures);
  const taught = await making.generate(pairs.condition, latents).finally(() => making.dispose());
  const calibration = statisticNames(graph).length > 0 ? await calibrationBatches(context, graph) : [];
  const paired = hasTruth(source, 'train');
  const network = await elasticGenerator(graph, space, size, backend, {
    replaceable: true,
    ...(calibration[0] && { calibration: calibration[0] }),
  });
  const names = [...graph.constants.keys()];

  return {
    vectors,
    async measure(readState) {
      if (pictures.length === 0) return {};
      network.setWeights(averaged(await readState(names.flatMap((name) => [`g/${name}`, `g/ema/${name}`]))));
      const measured: Record<string, number> = {};
      for (const [name, vector] of Object.entries(vectors)) {
        const made = await network.generate(pairs.condition, vector, latents);
        if (paired) measured[`${name}Recon`] = distance(made, pairs.image);
        measured[`${name}Teacher`] = distance(made, taught);
      }
      return measured;
    },
    async show(weights, conditions, shown) {
      network.setWeights(weights);
      return [
        { title: 'largest', images: await network.generate(conditions, vectors.largest!, shown) },
        { title: 'smallest', images: await network.generate(conditions, vectors.smallest!, shown) },
      ];
    },
    dispose: () => network.dispose(),
  };
}

/** Weights by the names of the network's constants, their moving averages where there are any. */
function averaged(state: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
  const weights = new Map<string, Tensor>();
  for (const [name, tensor] of state) {
    const own = name.replace(/^g\/(ema\/)?/, '');
    if (name.startsWith('g/ema/') || !weights.has(own)) weights.set(own, tensor);
  }
  return weights;
}

function distance(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs(a[i]! - b[i]!);
  return sum / a.length;
}
