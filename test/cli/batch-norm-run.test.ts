import { join } from 'node:path';
import { expect, test } from 'vitest';
import { onnxruntime } from '../../src/backend/onnxruntime.ts';
import { openSource } from '../../src/data/index.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { loadOnnx } from '../../src/ops/import-onnx.ts';
import { givenBatch } from '../../src/pipeline/given.ts';
import { searchIndices } from '../../src/pipeline/search/split.ts';
import { loadRecipe } from '../../src/recipe/load.ts';
import { recalibrate, statisticNames } from '../../src/train/recalibrate.ts';
import { ganletHere } from './here.ts';
import { tinyFolders, tinyRecipe } from './tiny-run.ts';

/** Few steps, so that the statistics kept while training are still far from those of the weights. */
const steps = 'steps: 2, batch: 2, tick: 2, samples: 0';
const withSearch = `${tinyRecipe
  .replace('blocks: 1}', 'blocks: 1, norm: batch}')
  .replace('student: {baseWidth: 2, separable: true}', 'student: {ratio: 1}')
  .replace(/^distill:.*\n/m, '')}supernet: {${steps}, widths: [4, 2], probe: 0}
search: {widths: 2_4_2_2_4_2}
finetune: {steps: 30, batch: 4, tick: 30, samples: 0, lr: 0.003, lambdaGan: 0, reconTarget: teacher}
`;
const plain = tinyRecipe.replace('blocks: 1}', 'blocks: 1, norm: batch}').replace('baselines: [naive]\n', '');
const folders = [withSearch, plain].map((recipe) => tinyFolders({ recipe }));

/** The network's running statistics, and what they are when they are taken of all these training pictures as one batch. */
async function statistics(folder: string, file: string) {
  const { recipe } = loadRecipe(join(folder, 'tiny.yaml'));
  const source = await openSource(recipe.data);
  const network = loadOnnx(join(folder, 'runs/tiny', file));
  const all = [0, 1, 2, 3, 4, 5];
  const indices = recipe.supernet ? searchIndices(recipe, source.counts).train : all;
  const values = (graph: Graph) =>
    statisticNames(graph).flatMap((name) => [...(graph.constants.get(name)!.tensor!.data as Float32Array)]);
  const kept = values(network);
  const batch = await givenBatch(source, network, 'train', indices);
  return { kept, anew: values(await recalibrate(network, [batch], onnxruntime({ threads: 1 }))) };
}

test.each([
  [
    'of a searched and a fine-tuned student and its baseline',
    folders[0]!,
    ['teacher.onnx', 'search/network.onnx', 'finetune/network.onnx', 'naive/network.onnx'],
  ],
  ['of a teacher and a distilled student', folders[1]!, ['teacher.onnx', 'distill/network.onnx']],
])('statistics %s are those of the weights that are kept', async (_, prepared, files) => {
  const folder = await prepared();
  const stages = 'teach,distill,supernet,search,finetune';
  const { status, stderr } = await ganletHere(['run', 'tiny.yaml', '--stages', stages], folder);
  expect({ status, stderr }).toMatchObject({
    status: 0,
    stderr: expect.not.stringContaining('did not help'),
  });
  for (const file of files) {
    const { kept, anew } = await statistics(folder, file);
    expect(kept.length).toBeGreaterThan(20);
    expect(Float32Array.from(kept), file).toBeAllclose(Float32Array.from(anew), { atol: 1e-5, rtol: 1e-4 });
  }
});
