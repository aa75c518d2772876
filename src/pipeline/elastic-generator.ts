import type { Backend, Compiled, Feeds } from '../backend/backend.ts';
import { cutsOf, dimOf, widthFeeds, widthInputs } from '../compress/elastic.ts';
import { inlineElastic } from '../compress/elastic-inline.ts';
import { channelGroups } from '../compress/groups.ts';
import type { WidthSpace, WidthVector } from '../compress/width-space.ts';
import { float32, Graph, type Tensor, type TensorData, type Value } from '../graph/graph.ts';
import { batchStatistics, trainableParameters } from '../ops/parameters.ts';
import { statisticNames, withoutMemory } from '../train/recalibrate.ts';

/** A generator ready to make pictures at any widths of a space, compiled once. */
export interface ElasticGenerating {
  /** Pictures for conditions, both [N, C, size, size] in [−1, 1], as the network narrowed to `vector` makes them. */
  generate(conditions: Float32Array, vector: WidthVector): Promise<Float32Array>;
  /** Replaces weights by name, where they are `replaceable`. */
  setWeights(weights: ReadonlyMap<string, Tensor>): void;
  dispose(): Promise<void>;
}

export interface ElasticGeneratorOptions {
  /** Weights are fed, to look at a network while it is trained; without it they are constants. */
  replaceable?: boolean;
  /**
   * Conditions [N, C, size, size] on which batch normalisation takes its statistics anew whenever the vector changes, as one
   * batch. Without them it keeps those of the whole network, which fit no other widths.
   */
  calibration?: Float32Array;
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
    : [...trainableParameters(network), ...batchStatistics(network)];
  const weights: Record<string, Tensor> = {};
  for (const w of replaceable ? kept : [])
    weights[`w/${w.name}`] = { ...w.tensor!, data: w.tensor!.data.slice() as TensorData };
  const program = { network, space, size, weights: new Set(Object.keys(weights)) };
  const pictures = await backend.compile({ graph: elasticGraph(program, 1, statistics), state: [] });
  const calibrating =
    statistics.length > 0
      ? await backend.compile({ graph: statisticsGraph(program, calibration!), state: [] })
      : undefined;

  let current: { vector: string; feeds: Feeds } | undefined;
  const feedsAt = async (vector: WidthVector): Promise<Feeds> => {
    const feeds: Feeds = { ...weights, ...widthFeeds(space, vector) };
    if (!calibrating) return feeds;
    if (current?.vector !== String(vector)) {
      const found = await calibrate(calibrating, program, calibration!, feeds);
      current = { vector: String(vector), feeds: { ...feeds, ...found } };
    }
    return current.feeds;
  };
  const shape = conditionShape(program, 1);
  const each = shape.reduce((a, b) => a * b, 1);

  return {
    async generate(conditions, vector) {
      const feeds = await feedsAt(vector);
      const count = conditions.length / each;
      let made: Float32Array | undefined;
      for (let i = 0; i < count; i++) {
        const condition = float32(shape, conditions.subarray(i * each, (i + 1) * each));
        const { picture } = await pictures.run({ condition, ...feeds });
        const data = picture!.data as Float32Array;
        made ??= new Float32Array(count * data.length);
        made.set(data, i * data.length);
      }
      return made ?? new Float32Array(0);
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

function conditionShape({ network, size }: ElasticProgram, batch: number): number[] {
  return [batch, network.inputs[0]!.shape[1] as number, size, size];
}

/** The network on `condition`, its statistics fed as `s/…` at their widths; output `picture`. */
function elasticGraph(program: ElasticProgram, batch: number, statistics: readonly string[]): Graph {
  const { network, space } = program;
  const graph = new Graph('elastic');
  const groups = channelGroups(network);
  const condition = graph.input('condition', 'float32', conditionShape(program, batch));
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
      inputs: { [network.inputs[0]!.name]: condition },
      prefix: 'g',
      parameter: (constant) => inputs.get(constant.name),
    },
    groups,
  );
  graph.output(outputs[0]!, 'picture');
  return graph;
}

/** The network's batch statistics on `condition`, as outputs `s/…`. */
function statisticsGraph(program: ElasticProgram, calibration: Float32Array): Graph {
  const plain = withoutMemory(program.network);
  const graph = new Graph('elastic-statistics');
  const shape = conditionShape(program, 1);
  const batch = calibration.length / shape.reduce((a, b) => a * b, 1);
  const condition = graph.input('condition', 'float32', conditionShape(program, batch));
  const widths = widthInputs(graph, program.space);
  const inputs = weightInputs(graph, program);
  const { statistics } = inlineElastic(graph, plain, widths, {
    inputs: { [plain.inputs[0]!.name]: condition },
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

async function calibrate(
  compiled: Compiled,
  program: ElasticProgram,
  calibration: Float32Array,
  feeds: Feeds,
): Promise<Feeds> {
  const batch = calibration.length / conditionShape(program, 1).reduce((a, b) => a * b, 1);
  const condition = float32(conditionShape(program, batch), calibration);
  return compiled.run({ condition, ...feeds });
}
