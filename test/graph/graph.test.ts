import { describe, expect, test } from 'vitest';
import { checkGraph } from '../../src/graph/check.ts';
import { float32, Graph, int64, type Node, sizeOf } from '../../src/graph/graph.ts';
import { printGraph } from '../../src/graph/print.ts';
import { relu } from '../../src/ops/activation.ts';
import { checkTypes } from '../../src/ops/check-types.ts';
import { conv } from '../../src/ops/conv.ts';
import { add, mul } from '../../src/ops/elementwise.ts';

describe('names', () => {
  test('are made unique, of values and of nodes apart', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [1]);
    const node = graph.add('Relu', [x], {}, [{ dtype: 'float32', shape: [1], name: 'x' }], 'x');
    expect([node.name, node.outputs[0]!.name]).toEqual(['x', 'x_1']);
    expect(relu(x).node!.name).toBe('Relu');
    expect(relu(x).node!.name).toBe('Relu_1');
  });

  test('begin with the scopes they are made in', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [1]);
    const y = graph.scoped('student', () => graph.scoped('head', () => relu(x)));
    expect([y.node!.name, y.name]).toEqual(['student/head/Relu', 'student/head/Relu:y']);
    const fails = () => {
      throw new Error('stop');
    };
    expect(() => graph.scoped('broken', fails)).toThrow('stop');
    expect(relu(x).node!.name).toBe('Relu');
  });

  test('of inputs and outputs that are taken are refused', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [1]);
    expect(() => graph.input('x', 'float32', [2])).toThrow('names must be unique, "x" is taken');
    expect(() => graph.output(relu(x), 'x')).toThrow('"x" is taken');
  });

  test('find values of every kind, also renamed ones', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [1]);
    const w = graph.constant(float32([1], [2]), 'w');
    const y = graph.output(mul(x, w), 'picture');
    graph.named(w, 'layer.weight');
    expect(['x', 'layer.weight', 'picture'].map((name) => graph.find(name))).toEqual([x, w, y]);
    expect([...graph.constants.keys()]).toEqual(['layer.weight']);
    expect(graph.find('w')).toBeUndefined();
  });
});

describe('constants', () => {
  test('of one number, list or name are shared', () => {
    const graph = new Graph();
    expect(graph.scalar(2)).toBe(graph.scalar(2));
    expect(graph.scalar(0)).not.toBe(graph.scalar(-0));
    expect(graph.scalar(1, 'int64')).not.toBe(graph.scalar(1));
    expect(graph.vector([1, 2])).toBe(graph.vector([1, 2]));
    expect(graph.sharedConstant('eye', () => float32([1, 1], [1]))).toBe(
      graph.sharedConstant('eye', () => float32([1, 1], [2])),
    );
  });

  test('that were removed are made again', () => {
    const graph = new Graph();
    const two = graph.scalar(2);
    graph.constants.delete(two.name);
    const again = graph.scalar(2);
    expect(again).not.toBe(two);
    expect(graph.constants.get(again.name)).toBe(again);
  });

  test('hold the type asked for', () => {
    const graph = new Graph();
    expect(graph.scalar(3, 'int64').tensor!.data).toEqual(BigInt64Array.of(3n));
    expect(graph.scalar(0.1, 'float64').tensor!.data).toEqual(Float64Array.of(0.1));
    expect(graph.scalar(3, 'int32').tensor!.data).toEqual(Int32Array.of(3));
    expect(graph.scalar(1, 'bool').tensor!.data).toEqual(Uint8Array.of(1));
    expect(() => graph.scalar(1, 'float16')).toThrow('float16');
    expect(int64([2 ** 63, -(2 ** 64)]).data).toEqual(BigInt64Array.of(2n ** 63n - 1n, -(2n ** 63n)));
  });
});

test('the size of a shape with a symbol is refused', () => {
  expect(sizeOf([2, 3, 4])).toBe(24);
  expect(sizeOf([])).toBe(1);
  expect(() => sizeOf([2, 'batch'])).toThrow('the size of [2, batch] must be known, "batch" is not');
});

function small(): Graph {
  const graph = new Graph('small');
  const x = graph.input('x', 'float32', ['batch', 1, 4, 4]);
  const w = graph.constant(float32([2, 1, 3, 3], new Float32Array(18)), 'w');
  graph.output(relu(add(conv(x, w, { pads: [1, 1, 1, 1] }), 0.5)), 'y');
  return graph;
}

test('a listing shows types, constants and attributes', () => {
  expect(printGraph(small())).toMatchInlineSnapshot(`
    "graph small(x: float32[batch, 1, 4, 4])
      %Conv:y float32[batch, 2, 4, 4] = Conv(%x, @w float32[2, 1, 3, 3]) {kernel_shape=[3,3], pads=[1,1,1,1]}
      %Add:y float32[batch, 2, 4, 4] = Add(%Conv:y, 0.5)
      %y float32[batch, 2, 4, 4] = Relu(%Add:y)
    return %y"
  `);
});

describe('a graph that is not well formed is refused by the name of what is wrong', () => {
  test('and one that is passes', () => {
    expect(() => checkGraph(small())).not.toThrow();
    expect(() => checkTypes(small())).not.toThrow();
  });

  test.each<[string, (graph: Graph) => void, string]>([
    ['a value used before it is defined', (g) => g.nodes.reverse(), 'uses "Add:y" before it is defined'],
    [
      'a value of another graph',
      (g) => (g.nodes[0]!.inputs[0] = small().inputs[0]!),
      'uses "x" before it is defined',
    ],
    ['a name used twice', (g) => (g.nodes[0]!.outputs[0]!.name = 'x'), 'the name "x" is used twice'],
    ['a node name used twice', (g) => (g.nodes[1]!.name = 'Conv'), 'the node name "Conv" is used twice'],
    ['an empty name', (g) => (g.inputs[0]!.name = ''), 'must have a name'],
    ['an output that is not computed', (g) => g.nodes.pop(), 'output "y" is not computed'],
    [
      'a constant of the wrong size',
      (g) => {
        g.find('w')!.tensor = float32([2, 1, 3, 3], [1]);
      },
      'constant "w" must hold 18 elements, it holds 1',
    ],
    [
      'a constant filed under another name',
      (g) => {
        g.find('w')!.name = 'v';
      },
      'constant "v" is filed under "w"',
    ],
    [
      'an output that points elsewhere',
      (g) => {
        g.nodes[0]!.outputs[0]!.node = g.nodes[1] as Node;
      },
      'must point back to node "Conv"',
    ],
  ])('%s', (_, damage, message) => {
    const graph = small();
    damage(graph);
    expect(() => checkGraph(graph)).toThrow(message);
  });

  test.each<[string, (graph: Graph) => void, string]>([
    [
      'a shape',
      (g) => (g.nodes[2]!.outputs[0]!.shape = ['batch', 2, 4, 5]),
      'output "y" of Relu "Relu" must be float32 [batch, 2, 4, 4]',
    ],
    ['a rank', (g) => (g.nodes[2]!.outputs[0]!.shape = ['batch', 2]), 'the graph says float32 [batch, 2]'],
    ['a type', (g) => (g.nodes[2]!.outputs[0]!.dtype = 'float64'), 'the graph says float64'],
    [
      'inputs',
      (g) => (g.inputs[0]!.shape = ['batch', 3, 4, 4]),
      'input channels 3 must match weight channels 1',
    ],
    [
      'an operator',
      (g) => ((g.nodes[2] as { op: string }).op = 'Foo'),
      'operator Foo (node "Relu") is not supported',
    ],
  ])('%s that inference contradicts', (_, damage, message) => {
    const graph = small();
    damage(graph);
    expect(() => checkTypes(graph)).toThrow(message);
  });
});
