import { expect, test } from 'vitest';
import { Graph } from '../../../src/graph/graph.ts';
import { peakActivationBytes } from '../../../src/metrics/profile/memory.ts';
import { relu } from '../../../src/ops/activation.ts';
import { inputSymbols } from '../../../src/ops/cost.ts';
import { add, cast } from '../../../src/ops/elementwise.ts';
import { flatten } from '../../../src/ops/layout.ts';
import { concat } from '../../../src/ops/segments.ts';

function network(build: (graph: Graph, x: ReturnType<Graph['input']>) => void): Graph {
  const graph = new Graph();
  build(graph, graph.input('x', 'float32', ['batch', 1, 5, 5]));
  return graph;
}

const peak = (graph: Graph, batch = 1) => peakActivationBytes(graph, inputSymbols(graph, { batch })) / 100;

test('a chain keeps two values at a time, however long it is', () => {
  const chain = (length: number) =>
    network((graph, x) => {
      let y = x;
      for (let i = 0; i < length; i++) y = relu(y);
      graph.output(y);
    });
  expect(peak(chain(1))).toBe(2);
  expect(peak(chain(7))).toBe(2);
  expect(peak(chain(7), 3)).toBe(6);
});

test('a skip connection is kept until it is used', () => {
  const graph = network((g, x) => {
    const a = relu(x);
    g.output(relu(add(a, relu(relu(a)))));
  });
  // a, and the two ends of the node beside it; the sum needs a, its other operand and itself.
  expect(peak(graph)).toBe(3);
});

test('results stay to the end, a joined value counts beside its parts', () => {
  const graph = network((g, x) => {
    const a = g.output(relu(x));
    g.output(relu(concat([a, relu(a)], 1)));
  });
  // a (a result), the joined value (2) and its rectified copy (2).
  expect(peak(graph)).toBe(5);
});

test('a reshape is another view of the same memory, and elements have the width of their type', () => {
  const flat = network((g, x) => g.output(relu(flatten(relu(x)))));
  expect(peak(flat)).toBe(2);
  const half = network((g, x) => g.output(cast(x, 'float16')));
  expect(peak(half)).toBe(1.5);
});
