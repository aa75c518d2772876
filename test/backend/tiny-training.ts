import type { Program } from '../../src/backend/backend.ts';
import { widthFeeds } from '../../src/compress/elastic.ts';
import { channelGroups } from '../../src/compress/groups.ts';
import type { Architecture } from '../../src/compress/student.ts';
import { widthSpace } from '../../src/compress/width-space.ts';
import { makeBatch, trainIndices } from '../../src/data/batch.ts';
import type { Graph, Tensor } from '../../src/graph/graph.ts';
import { patchDiscriminator } from '../../src/models/discriminator.ts';
import { initialise } from '../../src/models/init.ts';
import { resnetGenerator } from '../../src/models/resnet.ts';
import { stepFeeds } from '../../src/train/feeds.ts';
import { type StepOptions, stepProgram } from '../../src/train/step.ts';
import { drawWidths } from '../../src/train/width-sampling.ts';
import { rng } from '../../src/util/rng.ts';
import { noiseSource } from '../support/shapes-source.ts';

export const [size, batch] = [8, 2];
const source = noiseSource(size);
const schedule = {
  seed: 3,
  steps: 20,
  lr: 1e-3,
  beta1: 0.5,
  beta2: 0.999,
  schedule: 'linear',
  constantFraction: 0.5,
  ema: 0.9,
} as const;

export interface TinyTraining {
  readonly program: Program;
  readonly generator: Graph;
  feeds(step: number): Promise<Record<string, Tensor>>;
}

/** A complete step of distillation on 8 px pictures: everything a recipe may turn on, in networks of a few channels. */
export function tinyTraining(
  changes: Partial<StepOptions> & { separable?: boolean; widths?: 'one' | 'sandwich' } = {},
): TinyTraining {
  const { separable = false, widths, ...rest } = changes;
  const generator = initialise(resnetGenerator({ baseWidth: 2, blocks: 1, size, separable, dropout: 0.5 }), {
    seed: 1,
    gain: 0.2,
  });
  const groups = channelGroups(generator);
  const space =
    widths && widthSpace(groups, [2, 1], { type: 'resnet', blocks: 1, baseWidth: 2 } as Architecture);
  const diffaugment = ['color', 'translation', 'cutout'] as const;
  const program = stepProgram({
    generator,
    discriminator: initialise(
      patchDiscriminator({ baseWidth: 2, layers: 1, inputChannels: 6, size, norm: 'batch' }),
      { seed: 2, gain: 0.2 },
    ),
    batch,
    size,
    ganMode: 'hinge',
    recon: 'smooth-l1',
    lambdaGan: 1,
    lambdaRecon: 10,
    ...schedule,
    ema: true,
    diffaugment,
    distillation: {
      teacher: initialise(resnetGenerator({ baseWidth: 3, blocks: 1, size }), { seed: 5, gain: 0.2 }),
      distill: 'adaptor',
      lambdaDistill: 1,
      taps: [{ teacher: 'block1', student: 'block1' }],
      reconTarget: 'teacher',
      cached: false,
    },
    ...rest,
    ...(space && { elastic: { space, sandwich: widths === 'sandwich', drift: false } }),
  });
  return {
    program,
    generator,
    async feeds(step) {
      const indices = trainIndices(schedule.seed, step, batch, source.counts.train);
      const pairs = await makeBatch(
        source,
        'train',
        indices,
        { flip: true },
        rng(schedule.seed, 'augment', step),
      );
      const feeds = stepFeeds(program.graph, pairs, step, {
        ...schedule,
        diffaugment: rest.diffaugment ?? diffaugment,
      });
      if (!space) return feeds;
      const drawn = drawWidths(space, { weighting: 'uniform', ratio: 1, seed: schedule.seed }, step);
      return { ...feeds, ...widthFeeds(space, drawn) };
    },
  };
}
