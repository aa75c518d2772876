import type { Backend, Feeds } from '../../backend/backend.ts';
import { cutsOf, dimOf, widthFeeds, widthInputs } from '../../compress/elastic.ts';
import { inlineElastic } from '../../compress/elastic-inline.ts';
import { channelGroups } from '../../compress/groups.ts';
import type { WidthSpace, WidthVector } from '../../compress/width-space.ts';
import { Graph, type Tensor, type TensorData, type Value } from '../../graph/graph.ts';
import { runningState, trainableParameters } from '../../ops/parameters.ts';
import { type Given, generatorFeeds } from '../../train/generator-feeds.ts';
import {
  batchSize,
  type GivenBatch,
  givenFeeds,
  statisticNames,
  withoutMemory,
} from '../../train/recalibrate.ts';
import { declareGiven, eachPicture } from '../given.ts';

/** A generator ready to make pictures at any widths of a space, compiled once. */
export interface ElasticGenerating {
  /** Pictures as the network narrowed to `vector` makes them; conditions and latents as in `Generating`. */
  generate(conditions: Float32Array, vector: WidthVector, latents?: Float32Array): Promise<Float32Array>;
  /** Replaces weights by name, where they are `replaceable`. */
  setWeights(weights: ReadonlyMap<string, Tensor>): void;
  dispose(): Promise<void>;
}

export interface ElasticGeneratorOptions {
  /** Weights are fed, to look at a network while it is trained; without it they are constants. */
  replaceable?: boolean;
  /**
   * A batch on which batch normalisation takes its statistics anew whenever the vector changes. Without it it keeps those of
   * the whole network, which fit no other widths.
   */
  calibration?: GivenBatch;
}

/**
 * Compiles a generator for inference at one size and all widths of a space; `network` has its channels sorted, and the first
 * ones of each group are used. One program serves all vectors. A narrowed static network runs faster, since engines prepare
 * constant weights, but has to be compiled for each vector. Pictures run one by one. Throws ELASTIC_UNSUPPORTED.
 */
export async function elasticGenerator(
  network: Graph,
  space: WidthSpace,
  size: number,
  backend: Backend,
  { replaceable = false, calibration }: ElasticGeneratorOptions = {},
): Promise<ElasticGenerating> {
  const statistics = calibration ? statisticNames(network) : [];
  const kept = calibration
    ? trainableParameters(network)
    : [...trainableParameters(network), ...runningState(network)];
  const weights: Record<string, Tensor> = {};
  for (const w of replaceable ? kept : [])
    weights[`w/${w.name}`] = { ...w.tensor!, data: w.tensor!.data.slice() as TensorData };
  const program = { network, space, size, weights: new Set(Object.keys(weights)) };
  const { graph, given } = elasticGraph(program, statistics);
  const pictures = await backend.compile({ graph, state: [] });
  const calibrating =
    statistics.length > 0
      ? await backend.compile({ graph: statisticsGraph(program, calibration!), state: [] })
      : undefined;

  let current: { vector: string; feeds: Feeds } | undefined;
  const feedsAt = async (vector: WidthVector): Promise<Feeds> => {
    const feeds: Feeds = { ...weights, ...widthFeeds(space, vector) };
    if (!calibrating) return feeds;
    if (current?.vector !== String(vector)) {
      const found = await calibrating.run({ ...givenFeeds(calibration!), ...feeds });
      current = { vector: String(vector), feeds: { ...feeds, ...found } };
    }
    return current.feeds;
  };

  return {
    async generate(conditions, vector, latents) {
      const feeds = await feedsAt(vector);
      return eachPicture(given, conditions, latents, async (one) => {
        const { picture } = await pictures.run({ ...one, ...feeds });
        return picture!.data as Float32Array;
      });
    },
    setWeights(values) {
      current = undefined;
      for (const name of Object.keys(weights)) {
        const tensor = values.get(name.slice(2));
        if (tensor) weights[name] = tensor;
      }
    },
    async dispose() {
      await pictures.dispose();
      await calibrating?.dispose();
    },
  };
}

interface ElasticProgram {
  network: Graph;
  space: WidthSpace;
  size: number;
  /** Names of the inputs `w/…` that stand for weights. */
  weights: ReadonlySet<string>;
}

/** The network on what one picture is made of, its statistics fed as `s/…` at their widths; output `picture`. */
function elasticGraph(
  program: ElasticProgram,
  statistics: readonly string[],
): { graph: Graph; given: Given } {
  const { network, space, size } = program;
  const graph = new Graph('elastic');
  const groups = channelGroups(network);
  const given = declareGiven(graph, network, 1, size);
  const widths = widthInputs(graph, space);
  const inputs = weightInputs(graph, program);
  for (const name of statistics) {
    const constant = network.constants.get(name)!;
    const [cut] = cutsOf(groups, widths, constant);
    const shape = cut ? [dimOf(cut.segments, widths)] : constant.shape;
    inputs.set(name, graph.input(`s/${name}`, 'float32', shape));
  }
  const { outputs } = inlineElastic(
    graph,
    network,
    widths,
    {
      inputs: generatorFeeds(network, given),
      prefix: 'g',
      parameter: (constant) => inputs.get(constant.name),
    },
    groups,
  );
  graph.output(outputs[0]!, 'picture');
  return { graph, given };
}

/** The network's statistics on a batch, as outputs `s/…`. */
function statisticsGraph(program: ElasticProgram, calibration: GivenBatch): Graph {
  const plain = withoutMemory(program.network);
  const graph = new Graph('elastic-statistics');
  const given = declareGiven(graph, plain, batchSize(calibration), program.size);
  const widths = widthInputs(graph, program.space);
  const inputs = weightInputs(graph, program);
  const { statistics } = inlineElastic(graph, plain, widths, {
    inputs: generatorFeeds(plain, given),
    prefix: 'g',
    parameter: (constant) => inputs.get(constant.name),
    batchNorm: 'train',
  });
  for (const [name, value] of statistics) graph.output(value, `s/${name}`);
  return graph;
}

function weightInputs(graph: Graph, { network, weights }: ElasticProgram): Map<string, Value> {
  return new Map(
    [...weights].map((name) => {
      const constant = network.constants.get(name.slice(2))!;
      return [constant.name, graph.input(name, 'float32', constant.shape)];
    }),
  );
}
