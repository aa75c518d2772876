import { float32, Graph, type Value } from '../graph/graph.ts';
import { add, div, mul, sqrt, sub } from '../ops/elementwise.ts';
import { reduceMean, reduceSum } from '../ops/reduce.ts';
import { alexnetStages } from './alexnet.ts';
import { featureConvolution } from './feature-layers.ts';
import { squeezenetStages } from './squeezenet.ts';
import { vgg16Stages } from './vgg.ts';

const backbones = { alex: alexnetStages, vgg: (x: Value) => vgg16Stages(x), squeeze: squeezenetStages };

export type LpipsBackbone = keyof typeof backbones;

export const lpipsBackbones = Object.keys(backbones) as LpipsBackbone[];

/**
 * LPIPS v0.1 (Zhang et al. 2018), the learned perceptual distance of two pictures: Σ over layers of the mean over places of
 * Σ_c w_c·(f_c/|f| − g_c/|g|)², |f| = √(Σ f_c²) + 1e-10, w ≥ 0 learnt.
 * Inputs `a` and `b` float32 [batch, 3, height, width], RGB in [−1, 1], of one size and not resized; scaling to the
 * backbone's input is part of the graph. Output `distance` [batch], 0 for equal pictures.
 * Parameters: torchvision's `features.*` of the backbone and `lin<k>.weight` [1, channels, 1, 1].
 */
export function lpips(backbone: LpipsBackbone): Graph {
  const graph = new Graph(`lpips-${backbone}`);
  const shape = ['batch', 3, 'height', 'width'];
  const [a, b] = [graph.input('a', 'float32', shape), graph.input('b', 'float32', shape)];
  const perColour = (name: string, values: readonly number[]) =>
    graph.sharedConstant(name, () => float32([1, 3, 1, 1], Float32Array.from(values)));
  const scaled = (x: Value) =>
    div(sub(x, perColour('shift', [-0.03, -0.088, -0.188])), perColour('scale', [0.458, 0.448, 0.45]));
  const stages = [a, b].map((x) => backbones[backbone](scaled(x)));
  let total: Value | undefined;
  for (const [k, f] of stages[0]!.entries()) {
    const difference = sub(toUnit(f), toUnit(stages[1]![k]!));
    const weighted = featureConvolution(mul(difference, difference), `lin${k}`, 1, {
      kernel: 1,
      bias: false,
    });
    const distance = reduceMean(weighted, [1, 2, 3], false);
    total = total ? add(total, distance) : distance;
  }
  graph.output(total!, 'distance');
  return graph;
}

/** Features divided by their length at each place. */
function toUnit(f: Value): Value {
  return div(f, add(sqrt(reduceSum(mul(f, f), [1])), 1e-10));
}
