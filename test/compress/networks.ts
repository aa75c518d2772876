import { onnxruntime, runGraph } from '../../src/backend/onnxruntime.ts';
import { checkGraph } from '../../src/graph/check.ts';
import type { Graph, Tensor } from '../../src/graph/graph.ts';
import { float32, sizeOf } from '../../src/graph/graph.ts';
import { batchStatistics, trainableParameters } from '../../src/ops/parameters.ts';
import { rng } from '../../src/util/rng.ts';

/** Fills every parameter, biases and statistics too, with random numbers; variances stay positive. */
export function randomise(graph: Graph, seed = 0): Graph {
  for (const value of graph.constants.values()) {
    if (
      value.dtype !== 'float32' ||
      value.shape.length === 0 ||
      /^(ones|zeros|scales)[\d.x]+$/.test(value.name)
    )
      continue;
    const random = rng(seed, value.name);
    const shape = value.shape as number[];
    const scale = shape.length > 1 ? 1.5 / Math.sqrt(sizeOf(shape.slice(1))) : 0.5;
    const data = random.fillNormal(new Float32Array(sizeOf(shape)), scale);
    if (shape.length === 1 && /norm\.(weight|var)$/.test(value.name)) {
      for (let i = 0; i < data.length; i++) data[i] = 0.5 + Math.abs(data[i]!);
    }
    value.tensor = float32(shape, data);
  }
  return graph;
}

/** A picture of noise for the network's only input; symbolic batches are 2, symbolic sides `side`. */
export function noise(graph: Graph, side = 16, seed = 1): Record<string, Tensor> {
  return Object.fromEntries(
    graph.inputs.map(({ name, shape }) => {
      const fixed = shape.map((d, axis) => (typeof d === 'number' ? d : axis === 0 ? 2 : side));
      return [name, float32(fixed, rng(seed, name).fillUniform(new Float32Array(sizeOf(fixed)), -1, 1))];
    }),
  );
}

/** The network's first output on noise. */
export async function outputOf(graph: Graph, feeds = noise(graph)): Promise<Float32Array> {
  checkGraph(graph);
  const results = await runGraph(graph, feeds, onnxruntime({ threads: 1 }));
  return results[graph.outputs[0]!.name]!.data as Float32Array;
}

/** Names and shapes of what is learnt and of running statistics. */
export function parameterShapes(graph: Graph): Record<string, readonly number[]> {
  const values = [...trainableParameters(graph), ...batchStatistics(graph)];
  return Object.fromEntries(values.map(({ name, tensor }) => [name, tensor!.shape]));
}

/** The same network with constants replaced. */
export function withTensors(graph: Graph, tensors: ReadonlyMap<string, Tensor>): Graph {
  for (const [name, tensor] of tensors) graph.constants.get(name)!.tensor = tensor;
  return graph;
}
