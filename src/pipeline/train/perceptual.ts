import { foldBatchNorm } from '../../compress/fold-batch-norm.ts';
import { Graph } from '../../graph/graph.ts';
import { prune } from '../../graph/prune.ts';
import { comparedNetwork } from '../../metrics/networks/compared.ts';
import { loadOnnx } from '../../ops/import-onnx.ts';
import type { Stage } from '../../recipe/names.ts';
import type { OnlineConfig, TrainConfig } from '../../recipe/schema.ts';
import { type Perceptual, perceptualLoss } from '../../train/perceptual.ts';
import { perceptualTaps } from '../../train/perceptual-taps.ts';
import type { RunContext } from '../context.ts';
import { fetching } from '../fetching.ts';

/** The network of the perceptual loss where none is named. */
const usual = 'emoji';

/**
 * The network that a training's perceptual loss compares images by; undefined where it has none. Published weights that are not
 * here are fetched. Throws PERCEPTUAL_UNFIT, and as `comparedNetwork` and `loadOnnx`.
 */
export async function loadPerceptual(
  { progress }: Pick<RunContext, 'progress'>,
  { lambdaPerceptual = 0, perceptual = usual }: Pick<TrainConfig, 'lambdaPerceptual' | 'perceptual'>,
): Promise<Perceptual | undefined> {
  if (lambdaPerceptual === 0) return undefined;
  const { path, size, layout, channels, mean, std } = await fetching(progress, (options) =>
    comparedNetwork(perceptual, options),
  );
  const graph = loadOnnx(path);
  const taps = perceptualTaps(graph, size ?? 256);
  // What follows the taps may want images of one size.
  graph.outputs.splice(0, graph.outputs.length, ...taps.map(({ name }) => graph.find(name)!));
  const network = foldBatchNorm(
    prune(graph),
    taps.map(({ name }) => name),
  );
  return { network, taps, layout, channels, mean, std };
}

/**
 * Asked before a run trains anything, so that a network that cannot be had, or cannot take images of the data's size, is known then.
 * Throws as `loadPerceptual`.
 */
export async function needPerceptual(
  context: Pick<RunContext, 'recipe' | 'progress'>,
  stages: readonly Stage[],
): Promise<void> {
  const { teacher, distill, online, supernet, finetune } = context.recipe;
  const teach = 'train' in teacher ? teacher.train : undefined;
  const { size } = context.recipe.data;
  for (const [stage, config] of Object.entries({ teach, distill, supernet, finetune }))
    if (config && stages.includes(stage as Stage)) tryOn(size, await loadPerceptual(context, config));
  if (online && stages.includes('teach')) tryOn(size, await loadOnlinePerceptual(context, online));
}

function tryOn(size: number, perceptual: Perceptual | undefined): void {
  if (!perceptual) return;
  const graph = new Graph('trial');
  const images = graph.input('images', 'float32', [1, 3, size, size]);
  perceptualLoss(graph, perceptual, [images], images);
}

/** The network that a student of online distillation sees its teacher's pictures by, where it is asked for. */
export function loadOnlinePerceptual(
  context: Pick<RunContext, 'progress'>,
  { lambdaStyle, lambdaContent, perceptual }: OnlineConfig,
): Promise<Perceptual | undefined> {
  return loadPerceptual(context, { lambdaPerceptual: lambdaStyle + lambdaContent, perceptual });
}
