import { gradient } from '../../src/autodiff/gradient.ts';
import type { Program, State } from '../../src/backend/backend.ts';
import { float32, Graph, type Tensor, type Value } from '../../src/graph/graph.ts';
import { relu } from '../../src/ops/activation.ts';
import { conv } from '../../src/ops/conv.ts';
import { identity, mul, sub } from '../../src/ops/elementwise.ts';
import { instanceNorm } from '../../src/ops/norm.ts';
import { mean } from '../../src/ops/reduce.ts';
import { rng } from '../../src/util/rng.ts';

/** Normal numbers of a shape, the same for the same purpose. */
export const random = (shape: number[], purpose: string): Tensor => {
  const count = shape.reduce((a, b) => a * b, 1);
  return float32(shape, rng(1, purpose).fillNormal(new Float32Array(count)));
};

/** A network of two convolutions with the gradient step that makes its picture dark, its weights being state. */
export function darkening(): Program {
  const graph = new Graph('darkening');
  const x = graph.input('x', 'float32', [2, 3, 6, 6]);
  const parameters = [
    { name: 'w1', initial: random([4, 3, 3, 3], 'w1') },
    { name: 'w2', initial: random([3, 4, 3, 3], 'w2') },
  ].map((p) => ({ ...p, input: graph.input(p.name, 'float32', p.initial.shape) }));
  const [w1, w2] = parameters.map((p) => p.input) as [Value, Value];
  const hidden = relu(instanceNorm(conv(x, w1, { pads: [1, 1, 1, 1] })));
  const y = conv(hidden, w2, { strides: [2, 2], pads: [1, 1, 1, 1] });
  const loss = mean(mul(y, y));
  const grads = gradient(loss, [w1, w2]);
  graph.output(identity(loss), 'loss');
  const state = parameters.map((p, i): State => {
    const output = graph.output(sub(p.input, mul(grads[i]!, 0.05)), `${p.name}/next`);
    return { name: p.name, input: p.input, output, initial: p.initial };
  });
  return { graph, state };
}

export const darkeningFeeds = { x: random([2, 3, 6, 6], 'x') };
