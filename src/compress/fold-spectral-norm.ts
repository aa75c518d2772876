import { float32, type Graph, type Tensor, type Value } from '../graph/graph.ts';
import { prune } from '../graph/prune.ts';
import { iterated, spectralNorms, spectralSigma } from '../ops/spectral-norm.ts';
import { copyGraph } from './copy.ts';

/**
 * A network whose spectral norms are merged into its weights, W/σ under the weight's name, as
 * torch.nn.utils.remove_spectral_norm leaves them. With `iterations` the singular vectors first make that many power
 * iterations, for weights that are not those they were found with, such as moving averages. Without spectral norms it is the
 * network itself.
 */
export function foldSpectralNorm(graph: Graph, { iterations = 0 } = {}): Graph {
  const norms = spectralNorms(graph);
  if (norms.length === 0) return graph;
  const plain = new Map<Value, Tensor>();
  for (const { weight, u, v } of norms) {
    const vectors = iterations > 0 ? iterated(weight.tensor!, u.tensor!, iterations) : undefined;
    const sigma = spectralSigma({
      weight,
      u: vectors ? { ...u, tensor: vectors.u } : u,
      v: vectors ? { ...v, tensor: vectors.v } : v,
    });
    const { shape, data } = weight.tensor!;
    plain.set(
      weight,
      float32(
        shape,
        Float32Array.from(data as Float32Array, (x) => x / sigma),
      ),
    );
  }
  const results = new Set(norms.map(({ result }) => result));
  const folded = copyGraph(graph, {
    constant: (value) => ({ name: value.name, tensor: plain.get(value) ?? value.tensor! }),
    node: (node, inputs) => (results.has(node.outputs[0]!) ? [inputs[0]!] : undefined),
  });
  return prune(folded);
}
