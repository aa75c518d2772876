import fc from 'fast-check';
import { expect, test } from 'vitest';
import { channelGroups } from '../../src/compress/groups.ts';
import { narrow } from '../../src/compress/narrow.ts';
import { float32, Graph, type Value } from '../../src/graph/graph.ts';
import { convolution, normalise, upConvolution } from '../../src/models/layers.ts';
import { leakyRelu } from '../../src/ops/activation.ts';
import { add } from '../../src/ops/elementwise.ts';
import { instanceNorm } from '../../src/ops/norm.ts';
import { concat, split } from '../../src/ops/segments.ts';
import { rng } from '../../src/util/rng.ts';
import { outputOf, randomise } from './networks.ts';

/** A value and, kept apart from the code under test, which channels it has: equal ids live and die together. */
interface Traced {
  value: Value;
  ids: number[];
}

interface Traces {
  graph: Graph;
  /** Weights that read channels: the input axis and the ids along it. */
  readers: { name: string; axis: number; ids: number[] }[];
  /** Ids along the output axis of each layer's weights. */
  made: Map<string, number[]>;
  find(id: number): number;
}

const step = fc.record({
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
  ),
  from: fc.nat(100),
  other: fc.nat(100),
  channels: fc.integer({ min: 1, max: 5 }),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function build(steps: readonly Step[]): Traces {
  const graph = new Graph('random');
  const parents: number[] = [];
  const find = (id: number): number => (parents[id] === id ? id : find(parents[id]!));
  const fresh = (n: number) => Array.from({ length: n }, () => parents.push(parents.length) - 1);
  const readers: Traces['readers'] = [];
  const made: Traces['made'] = new Map();
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
      }
    }
  }
  const last = pool.reduce((a, b) => ({ value: concat([a.value, b.value], 1), ids: [...a.ids, ...b.ids] }));
  graph.output(layer(last, 'last', 2).value, 'y');
  return { graph, readers, made, find };
}

test('a narrowed random network gives what the full one gives when the dropped channels are not read', async () => {
  let narrowed = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 10 }), fc.nat(1000), async (steps, seed) => {
      const { graph, readers, made, find } = build(steps);
      randomise(graph, seed);
      const random = rng(seed, 'keep');
      const groups = channelGroups(graph);
      const keep = new Map<string, number[]>();
      const dropped = new Set<number>();
      for (const group of groups.list) {
        if (!group.narrowable) continue;
        const order = random.shuffle(Array.from({ length: group.width }, (_, i) => i));
        const kept = order.slice(0, random.int(1, group.width));
        keep.set(group.name, kept);
        const { value, axis } = group.producers[0]!;
        const segment = groups.segments(value, axis)!.find((s) => s.group === group.name)!;
        const ids = made.get(value.name)!.slice(segment.offset, segment.offset + group.width);
        for (const c of order) if (!kept.includes(c)) dropped.add(find(ids[c]!));
      }
      if (dropped.size > 0) narrowed++;
      const small = narrow(graph, keep);
      for (const [name, ids] of made) {
        const axis = name.startsWith('up') ? 1 : 0;
        const left = new Set(ids.map((_, i) => i).filter((i) => !dropped.has(find(ids[i]!)))).size;
        expect(small.constants.get(name)!.tensor!.shape[axis], name).toBe(left);
      }
      const small0 = await outputOf(small);
      for (const { name, axis, ids } of readers) {
        const { shape, data } = graph.constants.get(name)!.tensor!;
        const after = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
        const zeroed = (data as Float32Array).map((w, i) =>
          dropped.has(find(ids[Math.floor(i / after) % shape[axis]!]!)) ? 0 : w,
        );
        graph.constants.get(name)!.tensor = float32(shape, zeroed);
      }
      const full = await outputOf(graph);
      const scale = full.reduce((a, x) => Math.max(a, Math.abs(x)), 1);
      expect(small0).toBeAllclose(full, { atol: 1e-4 * scale });
    }),
    { numRuns: 40 },
  );
  expect(narrowed).toBeGreaterThan(20);
});
