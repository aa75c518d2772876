import { initialise } from '../../models/init.ts';
import { spadeEncoder } from '../../models/spade-encoder.ts';
import type { TrainConfig } from '../../recipe/schema.ts';
import { defaultLambdaKl } from '../../recipe/spade.ts';
import type { Encoder } from '../../train/encoded-latent.ts';
import type { RunContext } from '../context.ts';

/**
 * The encoder that `teacher.generator.encoder` asks for, as it starts, for networks of that teacher's latent vectors which learn from
 * true pictures; undefined where there is none. `start` says how its weights are drawn.
 */
export async function startedEncoder(
  { recipe, source }: Pick<RunContext, 'recipe' | 'source'>,
  start: Pick<TrainConfig, 'init' | 'initGain'>,
): Promise<Encoder | undefined> {
  if (!('generator' in recipe.teacher)) return undefined;
  const { generator, train } = recipe.teacher;
  if (generator.type !== 'spade' || !generator.encoder) return undefined;
  const { baseWidth, latent, spectralNorm } = generator;
  const { image: inputChannels } = (await source()).channels;
  const network = spadeEncoder({ baseWidth, latent, spectralNorm, inputChannels, size: recipe.data.size });
  return {
    network: initialise(network, { init: start.init, gain: start.initGain, seed: recipe.seed + 2 }),
    lambdaKl: train.lambdaKl ?? defaultLambdaKl,
  };
}
