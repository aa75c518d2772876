import type { Backend } from '../backend/backend.ts';
import type { Tensor, TensorData } from '../graph/graph.ts';
import { Graph } from '../graph/graph.ts';
import { inline } from '../ops/inline.ts';
import { runningState, trainableParameters } from '../ops/parameters.ts';
import { generatorFeeds } from '../train/generator-feeds.ts';
import { declareGiven, eachPicture } from './given.ts';

/** A generator ready to make pictures, one at a time. */
export interface Generating {
  /**
   * Pictures [N, C, size, size] in [−1, 1] for conditions as `makeBatch` gives them and, where the network has such an input,
   * latent vectors [N, Z] (see `pictureLatents`). A network without conditions takes an empty array for them. Throws RangeError
   * for unequally many.
   */
  generate(conditions: Float32Array, latents?: Float32Array): Promise<Float32Array>;
  /** Replaces weights by name. */
  setWeights(weights: ReadonlyMap<string, Tensor>): Promise<void>;
  dispose(): Promise<void>;
}

/**
 * Compiles a generator for inference at one size. Pictures run one by one, so that memory stays small and a picture does not
 * depend on its neighbours. With `replaceable` weights are state, for looking at a network while it is trained; without it
 * they are constants, which run faster.
 */
export async function compileGenerator(
  network: Graph,
  size: number,
  backend: Backend,
  { replaceable = false } = {},
): Promise<Generating> {
  const graph = new Graph('generate');
  const given = declareGiven(graph, network, 1, size);
  const weights = replaceable ? [...trainableParameters(network), ...runningState(network)] : [];
  const inputs = new Map(weights.map((w) => [w, graph.input(`w/${w.name}`, 'float32', w.shape)]));
  const { outputs } = inline(graph, network, {
    inputs: generatorFeeds(network, given),
    prefix: 'g',
    parameter: (w) => inputs.get(w),
  });
  graph.output(outputs[0]!, 'picture');
  const compiled = await backend.compile({ graph, state: [] });
  const fixed: Record<string, Tensor> = {};
  for (const [w, value] of inputs)
    fixed[value.name] = { ...w.tensor!, data: w.tensor!.data.slice() as TensorData };

  return {
    generate: (conditions, latents) =>
      eachPicture(given, conditions, latents, async (feeds) => {
        const { picture } = await compiled.run({ ...feeds, ...fixed });
        return picture!.data as Float32Array;
      }),
    async setWeights(values) {
      for (const name of Object.keys(fixed)) {
        const tensor = values.get(name.slice(2));
        if (tensor) fixed[name] = tensor;
      }
    },
    dispose: () => compiled.dispose(),
  };
}
