import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Backend } from '../backend/backend.ts';
import { trainIndices } from '../data/batch.ts';
import { type EmojiStyles, emojiStylesSource } from '../data/emoji/styles.ts';
import { emojiBatch } from '../data/emoji/styles-batch.ts';
import { damages } from '../data/emoji/styles-damage.ts';
import type { Graph } from '../graph/graph.ts';
import { encodeOnnx } from '../graph/onnx.ts';
import { peakActivationBytes } from '../metrics/profile/memory.ts';
import { featureClassifier, withoutHeads } from '../models/feature-classifier.ts';
import { initialise } from '../models/init.ts';
import { countMacs, countParameters, inputSymbols } from '../ops/cost.ts';
import type { FeaturesRecipe, LoadedFeaturesRecipe } from '../recipe/features.ts';
import { lasting } from '../recipe/lasting.ts';
import { resolvedYaml } from '../recipe/load.ts';
import { flatSettings } from '../train/changed-settings.ts';
import { classifierFeeds, classifierProgram, headsOf } from '../train/classifier.ts';
import { runSteps } from '../train/loop.ts';
import { withWeights } from '../train/trained-network.ts';
import { removeUnfinished, writeFileAtomic, writeJsonAtomic } from '../util/atomic.ts';
import { formatCount } from '../util/format.ts';
import { sha256File, sha256Json } from '../util/hash.ts';
import { lockDirectory } from '../util/lock.ts';
import { createLog } from '../util/log.ts';
import { needMemory } from '../util/memory.ts';
import { progress } from '../util/progress.ts';
import { rng } from '../util/rng.ts';
import { toolVersion } from '../util/version.ts';
import { runBackend } from './engine.ts';
import { accuracies, describer, picturesOfStyle, sensitivity } from './features-measured.ts';
import { makeDirectory, markStageDone, stageIsDone } from './run-directory.ts';
import { programHash } from './train/stage-training.ts';

export interface FeaturesOptions {
  /** Folder of the run. */
  out: string;
  dryRun: boolean;
  debug: boolean;
  quiet: boolean;
}

/**
 * Trains the feature network that a recipe describes and writes to `out`: `network.onnx` (pictures to features), `card.json`
 * (how to feed it, how it came about, what was measured), `classifier.onnx` (the same with its heads). Skipped when done
 * before; goes on from the last saved state when it was interrupted. Throws RUN_LOCKED when another process works in the folder,
 * and as `runBackend`, the data source and `runSteps`.
 */
export async function trainFeatures(
  { recipe }: LoadedFeaturesRecipe,
  { out, dryRun, debug, quiet }: FeaturesOptions,
): Promise<void> {
  if (dryRun) {
    process.stdout.write(describePlan(recipe, out));
    return;
  }
  const log = createLog(quiet ? 'warn' : debug ? 'debug' : 'info');
  const cores = availableParallelism();
  if (recipe.threads !== undefined && recipe.threads > cores)
    log.warn(`threads is ${recipe.threads}, this machine has ${cores}: ${cores} are used`);
  const backend = await runBackend(recipe, log, debug);
  makeDirectory(out);
  const lock = lockDirectory(out);
  try {
    await removeUnfinished(out);
    const source = await openSource(recipe, quiet);
    const inputs = sha256Json({ ...recipe, threads: undefined, backend: undefined, data: source.hash });
    if (await stageIsDone(out, 'features', inputs)) {
      log.info('features: done before, nothing changed');
      return;
    }
    await writeFileAtomic(join(out, 'recipe.yaml'), resolvedYaml(recipe));
    const trained = await trainClassifier(recipe, source, backend, out, quiet);
    await writeFileAtomic(join(out, 'classifier.onnx'), encodeOnnx(trained));
    const measured = await measure(recipe, source, trained, backend);
    const network = withoutHeads(trained);
    await writeFileAtomic(join(out, 'network.onnx'), encodeOnnx(network));
    await writeJsonAtomic(
      join(out, 'card.json'),
      await card(recipe, source, network, backend, out, measured),
    );
    await markStageDone(out, 'features', inputs, ['network.onnx', 'classifier.onnx', 'card.json']);
    log.info(
      `features: ${join(out, 'network.onnx')} gives ${recipe.network.dimension} features of a picture`,
    );
  } finally {
    lock.release();
  }
}

function buildClassifier({ data, network, train }: FeaturesRecipe, subgroups: number): Graph {
  const heads = {
    subgroup: subgroups,
    style: data.styles.length,
    ...(train.lambdaDamage > 0 && { damage: damages.length }),
  };
  return featureClassifier({ ...network, stages: 4, size: data.size, heads });
}

function describePlan(recipe: FeaturesRecipe, out: string): string {
  const { data, train } = recipe;
  const network = withoutHeads(buildClassifier(recipe, 1));
  const { true: macs } = countMacs(network, inputSymbols(network, { size: data.size }));
  const cost = `${formatCount(macs)} MACs, ${formatCount(countParameters(network))} parameters`;
  return [
    `features ${recipe.name} in ${out}`,
    `data     ${data.styles.join(', ')}, ${data.size} px`,
    `network  ${cost}, ${recipe.network.dimension} features`,
    `train    ${train.steps} steps of ${train.batch} pictures`,
    '',
  ].join('\n');
}

async function openSource({ data }: FeaturesRecipe, quiet: boolean): Promise<EmojiStyles> {
  let shown: ReturnType<typeof progress> | undefined;
  const silent = { write: () => true };
  const source = await emojiStylesSource({
    ...data,
    onProgress: (done, total) => {
      shown ??= progress({ total, label: 'preparing pictures', ...(quiet && { stream: silent }) });
      shown.update(done);
    },
  });
  shown?.end();
  return source;
}

/** The classifier with its trained (averaged) weights. */
async function trainClassifier(
  recipe: FeaturesRecipe,
  source: EmojiStyles,
  backend: Backend,
  out: string,
  quiet: boolean,
): Promise<Graph> {
  const { seed, train, augment, data } = recipe;
  const network = initialise(buildClassifier(recipe, source.subgroups.length), { init: 'kaiming', seed });
  const weights = { subgroup: 1, style: train.lambdaStyle, damage: train.lambdaDamage };
  const program = classifierProgram({ ...train, network, weights, ema: train.ema > 0 });
  if (backend.description.provider === 'cpu')
    needMemory('a step of features', peakActivationBytes(program.graph, new Map()));
  const heads = headsOf(network);
  const bar = progress({
    total: train.steps,
    label: 'features',
    ...(quiet && { stream: { write: () => true } }),
  });
  try {
    const state = await runSteps({
      ...train,
      program,
      backend,
      losses: heads,
      shown: heads,
      directory: makeDirectory(join(out, 'train')),
      progress: bar,
      fingerprint: sha256Json({
        program: programHash(program),
        train: lasting(train),
        augment,
        data: source.hash,
        seed,
      }),
      settings: {
        seed,
        'data.size': data.size,
        'the set of pictures': source.hash,
        ...flatSettings('augment', augment),
        ...flatSettings('network', recipe.network),
        ...flatSettings('train', lasting(train)),
      },
      feeds: async (step) => {
        const indices = trainIndices(seed, step, train.batch, source.counts.train);
        const batch = emojiBatch(source, 'train', indices, augment, rng(seed, 'augment', step));
        const { image, subgroup, style, damage } = batch;
        return classifierFeeds(program.graph, image, { subgroup, style, damage }, step, train);
      },
    });
    return withWeights(network, state, 'c', { ema: train.ema > 0 });
  } finally {
    bar.end();
  }
}

/** What is known of the trained network: how well its heads do on held-out concepts, and how distances grow with harm. */
async function measure(
  { data, network: { dimension } }: FeaturesRecipe,
  source: EmojiStyles,
  classifier: Graph,
  backend: Backend,
): Promise<object> {
  const { describe, dispose } = await describer(classifier, backend);
  try {
    const features = async (images: Float32Array) => (await describe(images)).features!;
    const pictures = picturesOfStyle(source, 'test', 0);
    return {
      accuracy: {
        train: await accuracies(source, 'train', describe),
        test: await accuracies(source, 'test', describe),
      },
      frechet: {
        pictures: `${data.styles[0]}, concepts held out`,
        ...(await sensitivity(pictures, data.size, features, dimension)),
      },
    };
  } finally {
    await dispose();
  }
}

/** How the network is to be used, and where it comes from: what a metric reads to take features with it. */
async function card(
  recipe: FeaturesRecipe,
  source: EmojiStyles,
  network: Graph,
  backend: Backend,
  out: string,
  measured: object,
): Promise<object> {
  const { name, data, train, augment, seed } = recipe;
  const { true: macs } = countMacs(network, inputSymbols(network, { size: data.size }));
  return {
    name,
    kind: 'features',
    file: 'network.onnx',
    sha256: await sha256File(join(out, 'network.onnx')),
    input: {
      name: network.inputs[0]!.name,
      size: data.size,
      layout: 'NCHW',
      channels: 'RGB',
      mean: [0.5, 0.5, 0.5],
      std: [0.5, 0.5, 0.5],
      resize: 'pil-bicubic',
    },
    output: { name: network.outputs[0]!.name, dimension: recipe.network.dimension },
    params: countParameters(network),
    macs,
    training: {
      heads: {
        subgroup: source.subgroups,
        style: source.styles,
        ...(train.lambdaDamage > 0 && { damage: damages }),
      },
      network: recipe.network,
      augment,
      ...train,
      seed,
      tool: toolVersion,
      backend: backend.description,
    },
    data: {
      source: data.source,
      hash: source.hash,
      pictures: source.counts,
      heldOut: 'the concepts of the val and test splits of the openmoji source, in every style',
      sets: source.sets,
    },
    measured,
  };
}
