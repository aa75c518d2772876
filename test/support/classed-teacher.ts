import { float32, Graph, type Value } from '../../src/graph/graph.ts';
import { relu, tanh } from '../../src/ops/activation.ts';
import { conv } from '../../src/ops/conv.ts';
import { add } from '../../src/ops/elementwise.ts';
import { gather } from '../../src/ops/gather.ts';
import { unsqueeze } from '../../src/ops/layout.ts';
import { linear } from '../../src/ops/matmul.ts';

const wave = (shape: number[], pace: number) =>
  float32(
    shape,
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => 0.3 * Math.sin(pace * (i + 1))),
  );

/**
 * A generator as PyTorch users export them, from a picture `x` and a class `y`, whose embedding is added to the inner activations:
 * one-hot, or a whole number that is looked up in a table.
 */
export function classedTeacher(classes: number, how: 'one-hot' | 'number'): Graph {
  const graph = new Graph('classed');
  const x = graph.input('x', 'float32', ['batch', 3, 'h', 'w']);
  const embedded = (): Value => {
    const weight = (shape: number[]) => graph.constant(wave(shape, 2), 'embed.weight');
    return how === 'one-hot'
      ? linear(graph.input('y', 'float32', ['batch', classes]), weight([8, classes]))
      : gather(weight([classes, 8]), graph.input('y', 'int64', ['batch']));
  };
  const pads = [1, 1, 1, 1];
  const first = conv(x, graph.constant(wave([8, 3, 3, 3], 1), 'w1'), { pads });
  const inner = graph.named(relu(add(first, unsqueeze(embedded(), [2, 3]))), 'inner');
  graph.output(tanh(conv(inner, graph.constant(wave([3, 8, 3, 3], 3), 'w2'), { pads })), 'made');
  return graph;
}
