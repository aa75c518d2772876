import fc from 'fast-check';
import { float32, Graph, type Value } from '../../src/graph/graph.ts';
import { convolution, normalise, upConvolution } from '../../src/models/layers.ts';
import { leakyRelu, sigmoid } from '../../src/ops/activation.ts';
import { depthToSpace } from '../../src/ops/depth-space.ts';
import { add, mul } from '../../src/ops/elementwise.ts';
import { reshape } from '../../src/ops/layout.ts';
import { instanceNorm } from '../../src/ops/norm.ts';
import { averagePool, globalAveragePool } from '../../src/ops/pool.ts';
import { concat, split } from '../../src/ops/segments.ts';

/** A value and, kept apart from the code under test, which channels it has: equal ids live and die together. */
interface Traced {
  value: Value;
  ids: number[];
}

export interface Traces {
  graph: Graph;
  /** Weights that read channels: the input axis and the ids along it. */
  readers: { name: string; axis: number; ids: number[] }[];
  /** Ids along the output axis of each layer's weights. */
  made: Map<string, number[]>;
  find(id: number): number;
}

/** One layer of a random network. */
export const step = fc.record({
  kind: fc.constantFrom(
    'conv',
    'up',
    'depthwise',
    'instance',
    'affine',
    'batch',
    'leaky',
    'add',
    'concat',
    'split',
    'filters',
    'shuffle',
    'gate',
    'heads',
  ),
  from: fc.nat(100),
  other: fc.nat(100),
  channels: fc.integer({ min: 1, max: 5 }),
});
export type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** A network of these layers on 5×5 pictures of two channels, to two channels. */
export function build(steps: readonly Step[]): Traces {
  const graph = new Graph('random');
  const parents: number[] = [];
  const find = (id: number): number => (parents[id] === id ? id : find(parents[id]!));
  const fresh = (n: number) => Array.from({ length: n }, () => parents.push(parents.length) - 1);
  const readers: Traces['readers'] = [];
  const made: Traces['made'] = new Map();
  const unite = (ids: readonly number[]) => {
    for (const id of ids) parents[find(id)] = find(ids[0]!);
  };
  const layer = (x: Traced, name: string, channels: number, transposed = false): Traced => {
    const ids = fresh(channels);
    readers.push({ name: `${name}.weight`, axis: transposed ? 0 : 1, ids: x.ids });
    made.set(`${name}.weight`, ids);
    const value = transposed
      ? upConvolution(x.value, name, channels, { kernel: 3, stride: 1, pad: 1 })
      : convolution(x.value, name, channels, { kernel: 3, pad: 1 });
    return { value, ids };
  };
  const input = graph.input('x', 'float32', [1, 2, 5, 5]);
  const pool: Traced[] = [layer({ value: input, ids: fresh(2) }, 'first', 4)];
  for (const [i, { kind, from, other, channels }] of steps.entries()) {
    const x = pool[from % pool.length]!;
    const name = `${kind}${i}`;
    const same = (value: Value) => pool.push({ value, ids: x.ids });
    switch (kind) {
      case 'conv':
      case 'up':
        pool.push(layer(x, name, channels, kind === 'up'));
        break;
      case 'depthwise':
        same(convolution(x.value, name, x.ids.length, { kernel: 3, pad: 1, group: x.ids.length }));
        if (x.ids.length === 1) {
          // A depthwise convolution of one channel is a dense one: it makes a channel of its own.
          pool.at(-1)!.ids = fresh(1);
          readers.push({ name: `${name}.weight`, axis: 1, ids: x.ids });
        }
        break;
      case 'instance':
        same(normalise(x.value, name, 'instance'));
        break;
      case 'affine': {
        const vector = (part: string) =>
          graph.constant(float32([x.ids.length], new Float32Array(x.ids.length)), `${name}.${part}`);
        same(instanceNorm(x.value, vector('gamma'), vector('beta')));
        break;
      }
      case 'batch':
        same(normalise(x.value, name, 'batch'));
        break;
      case 'leaky':
        same(leakyRelu(x.value, 0.2));
        break;
      case 'add': {
        const equal = pool.filter(({ ids }) => ids.length === x.ids.length);
        const y = equal[other % equal.length]!;
        for (const [k, id] of x.ids.entries()) parents[find(id)] = find(y.ids[k]!);
        same(add(x.value, y.value));
        break;
      }
      case 'concat': {
        const y = pool[other % pool.length]!;
        if (x.ids.length + y.ids.length > 12) break;
        pool.push({ value: concat([x.value, y.value], 1), ids: [...x.ids, ...y.ids] });
        break;
      }
      case 'split': {
        if (x.ids.length < 2) break;
        const first = 1 + (other % (x.ids.length - 1));
        const [a, b] = split(x.value, 1, [first, x.ids.length - first]);
        pool.push({ value: a!, ids: x.ids.slice(0, first) }, { value: b!, ids: x.ids.slice(first) });
        break;
      }
      case 'filters': {
        if (x.ids.length < 2 || x.ids.length > 6) break;
        const options = { kernel: 3, pad: 1, group: x.ids.length };
        const value = convolution(x.value, name, 2 * x.ids.length, options);
        pool.push({ value, ids: x.ids.flatMap((id) => [id, id]) });
        break;
      }
      case 'shuffle': {
        const wide = layer(x, name, 4 * Math.min(channels, 3));
        const ids = wide.ids.filter((_, k) => k % 4 === 0);
        for (const [k] of ids.entries()) unite(wide.ids.slice(4 * k, 4 * k + 4));
        pool.push({ value: averagePool(depthToSpace(wide.value, 2, 'CRD'), { kernel: [2, 2] }), ids });
        break;
      }
      case 'gate': {
        const gate = layer({ value: globalAveragePool(x.value), ids: x.ids }, name, x.ids.length);
        for (const [k, id] of gate.ids.entries()) unite([id, x.ids[k]!]);
        same(mul(x.value, sigmoid(gate.value)));
        break;
      }
      case 'heads': {
        if (x.ids.length % 2 === 1 || x.ids.length === 2) break;
        for (const [k] of x.ids.entries()) if (k % 2 === 1) unite([x.ids[k - 1]!, x.ids[k]!]);
        const heads = reshape(x.value, [1, x.ids.length / 2, 2, 25]);
        same(reshape(leakyRelu(heads, 0.5), x.value.shape));
      }
    }
  }
  const last = pool.reduce((a, b) => ({ value: concat([a.value, b.value], 1), ids: [...a.ids, ...b.ids] }));
  graph.output(layer(last, 'last', 2).value, 'y');
  return { graph, readers, made, find };
}
