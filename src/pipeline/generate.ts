import type { Backend } from '../backend/backend.ts';
import type { Tensor, TensorData } from '../graph/graph.ts';
import { float32, Graph } from '../graph/graph.ts';
import { inline } from '../ops/inline.ts';
import { batchStatistics, trainableParameters } from '../ops/parameters.ts';

/** A generator ready to make pictures, one at a time. */
export interface Generating {
  /** Pictures for conditions, both [N, C, size, size] in [−1, 1]. */
  generate(conditions: Float32Array): Promise<Float32Array>;
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
  const input = network.inputs[0]!;
  const condition = graph.input('condition', 'float32', [1, input.shape[1]!, size, size]);
  const weights = replaceable ? [...trainableParameters(network), ...batchStatistics(network)] : [];
  const inputs = new Map(weights.map((w) => [w, graph.input(`w/${w.name}`, 'float32', w.shape)]));
  const { outputs } = inline(graph, network, {
    inputs: { [input.name]: condition },
    prefix: 'g',
    parameter: (w) => inputs.get(w),
  });
  graph.output(outputs[0]!, 'picture');
  const compiled = await backend.compile({ graph, state: [] });
  const fixed: Record<string, Tensor> = {};
  for (const [w, value] of inputs)
    fixed[value.name] = { ...w.tensor!, data: w.tensor!.data.slice() as TensorData };
  const each = (condition.shape as number[]).reduce((a, b) => a * b, 1);

  return {
    async generate(conditions) {
      const count = conditions.length / each;
      let pictures: Float32Array | undefined;
      for (let i = 0; i < count; i++) {
        const one = float32(condition.shape as number[], conditions.subarray(i * each, (i + 1) * each));
        const { picture } = await compiled.run({ condition: one, ...fixed });
        const data = picture!.data as Float32Array;
        pictures ??= new Float32Array(count * data.length);
        pictures.set(data, i * data.length);
      }
      return pictures ?? new Float32Array(0);
    },
    async setWeights(values) {
      for (const name of Object.keys(fixed)) {
        const tensor = values.get(name.slice(2));
        if (tensor) fixed[name] = tensor;
      }
    },
    dispose: () => compiled.dispose(),
  };
}
