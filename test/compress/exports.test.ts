import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { channelGroups } from '../../src/compress/groups.ts';
import { narrow } from '../../src/compress/narrow.ts';
import { makeStudent } from '../../src/compress/student.ts';
import { encodeOnnx } from '../../src/graph/onnx.ts';
import { resnetGenerator } from '../../src/models/resnet.ts';
import { loadOnnx } from '../../src/ops/import-onnx.ts';
import { rng } from '../../src/util/rng.ts';
import { noise, outputOf, parameterShapes, randomise } from './networks.ts';

const folder = join(import.meta.dirname, '../fixtures/exports');

test.each([
  ['resnet-17', ['1', '4', '7.body.1', '8']],
  ['resnet-11', ['1', '4', '7.body.1', '8']],
  ['unet-13', ['down1', 'down2.1', 'up2.1']],
  ['decoder-11', ['squeeze', 'query']],
])('%s.onnx as PyTorch exports it: its groups are found and narrowed', async (file, names) => {
  const graph = await loadOnnx(join(folder, `${file}.onnx`));
  const open = channelGroups(graph).list.filter((group) => group.narrowable);
  expect(open.map((group) => group.name)).toEqual(names);
  const orders = open.map(({ name, width }) => {
    const channels = Array.from({ length: width }, (_, i) => i);
    return [name, rng(1, name).shuffle(channels)] as const;
  });
  const feeds = noise(graph, 32);
  const reordered = narrow(graph, new Map(orders));
  expect(await outputOf(reordered, feeds)).toBeAllclose(await outputOf(graph, feeds), { atol: 1e-4 });
  const halved = narrow(
    graph,
    new Map(orders.map(([name, order]) => [name, order.slice(order.length >> 1)])),
  );
  const widths = channelGroups(halved).list.map(({ name, width }) => [name, width] as const);
  for (const { name, width } of open) expect(new Map(widths).get(name), name).toBe(width - (width >> 1));
  expect((await outputOf(halved, feeds)).every(Number.isFinite)).toBe(true);
});

test('a teacher read back from its file gives the same student', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'ganlet-student-'));
  try {
    const file = join(directory, 'teacher.onnx');
    const teacher = randomise(resnetGenerator({ baseWidth: 4, blocks: 1 }));
    writeFileSync(file, encodeOnnx(teacher));
    const student = (graph: typeof teacher) =>
      makeStudent({
        teacher: graph,
        architecture: {
          type: 'resnet',
          baseWidth: 4,
          blocks: 1,
          norm: 'instance',
          padding: 'reflect',
          separable: false,
          dropout: 0,
        },
        student: { baseWidth: 2, separable: true, initFrom: 'teacher' },
        size: 16,
        seed: 0,
        init: 'normal',
        initGain: 0.02,
      }).graph;
    const [before, after] = [student(teacher), student(await loadOnnx(file))];
    expect(parameterShapes(after)).toEqual(parameterShapes(before));
    expect(await outputOf(after)).toEqual(await outputOf(before));
  } finally {
    rmSync(directory, { recursive: true });
  }
});
