import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { profileGraph, profileModel } from '../../../src/metrics/profile/profile.ts';
import { resnetGenerator } from '../../../src/models/resnet.ts';
import { writeModel } from '../../../src/models/write.ts';
import { generatorSchema, resolveGenerator } from '../../../src/recipe/networks.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'profile-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

test('a model file has the profile of its graph, its size too, and the layers keep their names', async () => {
  const out = join(folder, 'small.onnx');
  const network = generatorSchema.parse({ type: 'resnet', baseWidth: 4, blocks: 2, separable: true });
  await writeModel({ network: resolveGenerator(network, 32), out }, { write: () => {} });
  const fromFile = await profileModel(out, { size: 32, runs: 0 });
  const fromGraph = await profileGraph(resnetGenerator({ baseWidth: 4, blocks: 2, separable: true }), {
    size: 32,
    runs: 0,
  });
  expect(fromFile).toEqual({ ...fromGraph, name: out, fileBytes: statSync(out).size });
  expect(fromFile.layers.map(({ name }) => name)).toContain('block1.conv1.depthwise/Conv');
});

test('a file that is not there is refused by name', async () => {
  await expect(profileModel(join(folder, 'none.onnx'))).rejects.toThrow(/none\.onnx/);
});
