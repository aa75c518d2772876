import fc from 'fast-check';
import { expect, test } from 'vitest';
import { channelGroups } from '../../src/compress/groups.ts';
import { narrow } from '../../src/compress/narrow.ts';
import { float32 } from '../../src/graph/graph.ts';
import { rng } from '../../src/util/rng.ts';
import { outputOf, randomise } from './networks.ts';
import { build, step } from './random-network.ts';

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
        const ids = order.map((_, c) => made.get(value.name)![segment.offset + c * segment.factor]!);
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
    { numRuns: 60 },
  );
  expect(narrowed).toBeGreaterThan(30);
});
