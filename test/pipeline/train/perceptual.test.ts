import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { onnxruntime } from '../../../src/backend/onnxruntime.ts';
import { Graph } from '../../../src/graph/graph.ts';
import { encodeOnnx } from '../../../src/graph/onnx.ts';
import { initialise } from '../../../src/models/init.ts';
import { convolution } from '../../../src/models/layers.ts';
import { vgg19Features } from '../../../src/models/vgg.ts';
import { relu } from '../../../src/ops/activation.ts';
import { loadOnnx } from '../../../src/ops/import-onnx.ts';
import { distill } from '../../../src/pipeline/distill/distill.ts';
import { teach } from '../../../src/pipeline/teach/teach.ts';
import { loadPerceptual, needPerceptual } from '../../../src/pipeline/train/perceptual.ts';
import { loadRecipe } from '../../../src/recipe/load.ts';
import { perceptualLoss } from '../../../src/train/perceptual.ts';
import { sha256 } from '../../../src/util/hash.ts';
import { readJsonLines } from '../../../src/util/json-lines.ts';
import { writePictures } from '../../support/pair-pictures.ts';
import { contextOf } from '../context.ts';

const recipe = `name: gaugan
seed: 3
threads: 1
data: {source: aligned, path: pictures, size: 16}
teacher:
  generator: {type: resnet, baseWidth: 4, blocks: 1}
  train: {steps: 2, batch: 2, tick: 2, samples: 0, initGain: 0.2}
discriminator: {type: patch, baseWidth: 4, layers: 1}
student: {baseWidth: 2}
distill: {steps: 2, batch: 2, tick: 2, samples: 0, initGain: 0.2, lambdaRecon: 0}
`;

let folder: string;
const here = (...path: string[]) => join(folder, ...path);
const progress = () => ({ update() {}, line() {}, end() {} });
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ganlet-perceptual-'));
  writeFileSync(here('recipe.yaml'), recipe);
  await writePictures(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A network in the folder, with a card that says how pixels reach it. */
function writeNetwork(name: string, card: object): string {
  const graph = new Graph('own');
  let x = graph.input('x', 'float32', ['batch', 3, 16, 16]);
  for (const stride of [1, 2, 2])
    x = relu(convolution(x, `layer${stride}`, 4, { kernel: 3, pad: 1, stride }));
  graph.output(x, 'y');
  writeFileSync(here(`${name}.onnx`), encodeOnnx(initialise(graph, { seed: 1, gain: 0.2 })));
  writeFileSync(here(`${name}.card.json`), JSON.stringify(card));
  return here(`${name}.onnx`);
}

const card = {
  name: 'own',
  kind: 'features',
  input: {
    name: 'x',
    size: 16,
    layout: 'NCHW',
    channels: 'BGR',
    resize: 'torch',
    mean: [0.5, 0.25, 0],
    std: [0.5, 0.25, 1],
  },
  output: { name: 'y', dimension: 64 },
};

describe('the network of a perceptual loss', () => {
  test('is by default the shipped one: four stages, images as they are, of any size', async () => {
    const emoji = (await loadPerceptual({ progress }, { lambdaPerceptual: 1 }))!;
    expect(emoji.taps.map(({ weight }) => weight)).toEqual([0.25, 0.25, 0.25, 0.25]);
    expect([emoji.mean, emoji.std, emoji.layout]).toEqual([[0, 0, 0], [1, 1, 1], 'NCHW']);
    expect(emoji.network.nodes.map(({ op }) => op)).not.toContain('BatchNormalization');
    for (const size of [16, 64, 96]) {
      const graph = new Graph('loss');
      const image = (name: string) => graph.input(name, 'float32', [1, 3, size, size]);
      expect(perceptualLoss(graph, emoji, [image('a')], image('b')).shape).toEqual([]);
    }
    expect(await loadPerceptual({ progress }, {})).toBeUndefined();
  });

  test('may be a file, whose card says how images reach it and whose outputs are compared', async () => {
    const found = (await loadPerceptual(
      { progress },
      { lambdaPerceptual: 1, perceptual: writeNetwork('own', card) },
    ))!;
    expect(found.taps).toEqual([{ name: 'y', weight: 1 }]);
    expect(found.channels).toBe('BGR');
    expect(found.mean).toEqual([0, -0.5, -1]);
    expect(found.std).toEqual([1, 0.5, 2]);
  });

  test('may be an imported VGG-19, which takes images in [−1, 1]', async () => {
    const bytes = encodeOnnx(initialise(vgg19Features(4), { seed: 1 }));
    writeFileSync(here('vgg.onnx'), bytes);
    writeFileSync(
      here('vgg.card.json'),
      JSON.stringify({ sha256: 'x', imported: { kind: 'vgg19', sha256: 'y' } }),
    );
    const options = { lambdaPerceptual: 1, perceptual: here('vgg.onnx') };
    await expect(loadPerceptual({ progress }, options)).rejects.toMatchObject({ code: 'FEATURES_CHANGED' });
    writeFileSync(
      here('vgg.card.json'),
      JSON.stringify({ imported: { kind: 'vgg19', sha256: 'y' }, sha256: sha256(bytes) }),
    );
    const { taps, mean, std } = (await loadPerceptual({ progress }, options))!;
    expect([taps.length, mean, std]).toEqual([5, [0, 0, 0], [1, 1, 1]]);
  });

  test('is missed before anything is trained, where a stage that runs wants it', async () => {
    const set = ['distill.lambdaPerceptual=1', 'distill.perceptual=nowhere.onnx'];
    const loaded = loadRecipe(here('recipe.yaml'), { set });
    const context = contextOf(loaded, here('run'), onnxruntime({ threads: 1 }));
    expect(loaded.recipe.distill!.perceptual).toBe(here('nowhere.onnx'));
    await expect(needPerceptual(context, ['teach', 'distill'])).rejects.toMatchObject({
      code: 'FILE_MISSING',
    });
    await expect(needPerceptual(context, ['teach', 'export'])).resolves.toBeUndefined();

    writeNetwork('own', { ...card, input: { ...card.input, layout: 'NHWC' } });
    const turned = loadRecipe(here('recipe.yaml'), { set: [set[0]!, 'distill.perceptual=own.onnx'] });
    await expect(needPerceptual({ ...context, recipe: turned.recipe }, ['distill'])).rejects.toMatchObject({
      code: 'PERCEPTUAL_UNFIT',
      message: expect.stringContaining(
        'the network "own" of the perceptual loss must take images [1, 16, 16, 3]',
      ),
    });
  });
});

test('teacher and student are trained by feature matching and perceptual losses of their own', async () => {
  const train = (out: string, set: string[]) => {
    const loaded = loadRecipe(here('recipe.yaml'), { set });
    return contextOf(loaded, here(out), onnxruntime({ threads: 1 }));
  };
  await teach(train('run', []));
  const plain = loadOnnx(here('run', 'discriminator.onnx'));
  expect(plain.outputs.map(({ name }) => name)).toEqual(['score']);

  // The teacher's discriminator has no features to match yet; they are read off its layers.
  const keys = ['lambdaFeature=10', 'lambdaPerceptual=10', 'perceptual=own.onnx', 'lrDiscriminator=0.0008'];
  writeNetwork('own', card);
  const context = train('run', [...keys.map((key) => `distill.${key}`), 'distill.recon=l2']);
  await distill(context);
  const [line] = readJsonLines<Record<string, number>>(here('run', 'distill', 'stats.jsonl'));
  expect(line).toMatchObject({ feature: expect.any(Number), perceptual: expect.any(Number) });
  expect(line!.feature).toBeGreaterThan(0);
  expect(line!.perceptual).toBeGreaterThan(0);
  expect(line).not.toHaveProperty('recon');
});
