import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it, onTestFinished } from 'vitest';
import { drawLatents } from '../../src/data/latents.ts';
import { type Condition, conditionChannels, type Label, type Source } from '../../src/data/source.ts';
import { latentDirections } from '../../src/demo/directions.ts';
import { examplesOf } from '../../src/demo/examples.ts';
import { demoModels, sharedCondition } from '../../src/demo/models.ts';
import { demoSite } from '../../src/demo/site.ts';
import { float32, Graph } from '../../src/graph/graph.ts';
import { snganGenerator } from '../../src/models/sngan.ts';
import { gather } from '../../src/ops/gather.ts';
import { saveOnnx } from '../../src/ops/import-onnx.ts';
import { reshape } from '../../src/ops/layout.ts';
import { matMul } from '../../src/ops/matmul.ts';
import { rng } from '../../src/util/rng.ts';
import { classedTeacher } from '../support/classed-teacher.ts';
import { noiseSource } from '../support/shapes-source.ts';
import { cardOf, writeGenerator, writeSampler } from './tiny-models.ts';

const size = 16;

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ganlet-inputs-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const labels = (...names: string[]): Condition => ({
  kind: 'labels',
  labels: names.map((name, i): Label => ({ name, colour: [i, 2 * i, 3 * i] })),
  edges: true,
});

function catalogueOf(models: Awaited<ReturnType<typeof demoModels>>) {
  const { bytes } = demoSite('x', models, []).get('catalogue.json') as { bytes: Uint8Array };
  return JSON.parse(Buffer.from(bytes).toString());
}

describe('a network is fed', () => {
  it('labels that its card names, or that are numbered', async () => {
    const folder = newFolder();
    const condition = labels('sky', 'sea', 'land', 'tree');
    const student = await writeGenerator(folder, { name: 'student', baseWidth: 3, size, inputChannels: 5 });
    const [bare] = await demoModels([student]);
    expect(bare!.network.condition).toMatchObject({ kind: 'labels', edges: false });
    expect(sharedCondition([bare!])).toMatchObject({ labels: { length: 5, 0: { name: 'label 0' } } });

    const card = cardOf('teacher', size, condition);
    await writeGenerator(folder, { name: 'teacher', baseWidth: 4, size, inputChannels: 5, card });
    const models = await demoModels([folder]);
    expect(models).toHaveLength(2);
    expect(sharedCondition(models)).toEqual(condition);
    expect(catalogueOf(models)).toMatchObject({ size, latent: 0, condition });
  });

  it('labels even where they are as many as colours, since the card says so', async () => {
    const folder = newFolder();
    const card = cardOf('teacher', size, labels('sky', 'sea'));
    await writeGenerator(folder, { name: 'teacher', baseWidth: 4, size, card });
    expect((await demoModels([folder]))[0]!.network.condition.kind).toBe('labels');
  });

  it('a class and a latent, or a latent alone', async () => {
    const folder = newFolder();
    const condition: Condition = { kind: 'class', classes: ['cat', 'dog'] };
    const card = cardOf('student', size, condition);
    const path = await writeSampler(folder, { name: 'student', size, latent: 6, classes: 2, seed: 0, card });
    const [model] = await demoModels([path]);
    expect(model!.network).toMatchObject({ condition, latent: 6, size });
    expect(catalogueOf([model!]).models[0].inputs).toEqual({
      condition: { name: 'class', type: 'float32', shape: [1, 2] },
      latent: { name: 'latent', type: 'float32', shape: [1, 6] },
    });
    expect(catalogueOf([model!]).directions).toHaveLength(6);
    const alone = await writeSampler(folder, { name: 'alone', size, latent: 6, seed: 0 });
    expect((await demoModels([alone]))[0]!.network).toMatchObject({ condition: { kind: 'none' }, latent: 6 });
  });

  it('the number of a class where it looks that up in a table, or where its card names the classes', async () => {
    const graph = new Graph('embedding');
    const number = graph.input('number', 'int64', ['batch']);
    const table = graph.constant(float32([7, 3 * size * size], new Float32Array(21 * size * size)), 'table');
    graph.output(reshape(gather(table, number, 0), [-1, 3, size, size]), 'image');
    const path = join(newFolder(), 'foreign.onnx');
    await saveOnnx(graph, path);
    const [model] = await demoModels([path]);
    expect(model!.network.condition).toMatchObject({ kind: 'class', classes: { length: 7, 6: 'class 6' } });
    expect(model!.network.inputs.condition).toEqual({ name: 'number', type: 'int64', shape: [1] });
  });

  it('a picture and a class, in two inputs or in one', async () => {
    const folder = newFolder();
    const condition: Condition = { kind: 'image', channels: 3, classes: ['cat', 'dog', 'cow'] };
    const paths = await Promise.all(
      (['one-hot', 'number'] as const).map(async (given) => {
        const path = join(folder, `${given}.onnx`);
        await saveOnnx(classedTeacher(3, given), path);
        return path;
      }),
    );
    const card = cardOf('student', size, condition);
    paths.push(
      await writeGenerator(folder, { name: 'own', baseWidth: 3, size, inputChannels: 6, classes: 3, card }),
    );
    const models = await demoModels(paths, size);
    expect(sharedCondition(models)).toEqual(condition);
    const inputsOf = (name: string) => models.find((model) => model.name === name)!.network.inputs;
    const picture = { type: 'float32', shape: [1, 3, size, size] };
    expect(inputsOf('one-hot')).toMatchObject({
      condition: picture,
      class: { type: 'float32', shape: [1, 3] },
    });
    expect(inputsOf('number')).toMatchObject({ condition: picture, class: { type: 'int64', shape: [1] } });
    expect(inputsOf('own')).toEqual({
      condition: { ...picture, name: expect.any(String), shape: [1, 6, size, size] },
    });

    const [bare] = await demoModels([paths[0]!], size);
    expect(bare!.network.condition).toEqual({
      kind: 'image',
      channels: 3,
      classes: ['class 0', 'class 1', 'class 2'],
    });
    const two = join(folder, 'two.onnx');
    await saveOnnx(classedTeacher(2, 'one-hot'), two);
    await expect(demoModels([paths[0]!, two], size)).rejects.toThrow(
      /equal pictures: .*one of 3 classes, .* and one of 2 classes/,
    );
  });

  it('a vector that its card calls the latent', async () => {
    const graph = new Graph('foreign');
    const noise = graph.input('input', 'float32', ['batch', 4]);
    const weight = graph.constant(float32([4, 3 * size * size], new Float32Array(12 * size * size)), 'w');
    graph.output(reshape(matMul(noise, weight), [-1, 3, size, size]), 'image');
    const path = join(newFolder(), 'foreign.onnx');
    await saveOnnx(graph, path);
    expect((await demoModels([path]))[0]!.network.condition.kind).toBe('class');
    writeFileSync(path.replace('.onnx', '.card.json'), '{"inputs":{"input":"latent"}}');
    expect((await demoModels([path]))[0]!.network).toMatchObject({ condition: { kind: 'none' }, latent: 4 });
  });
});

describe('networks shown together', () => {
  it('must take the same labels and latents', async () => {
    const folder = newFolder();
    const write = (name: string, condition: Condition) =>
      writeGenerator(folder, {
        name,
        baseWidth: name.length,
        size,
        inputChannels: 3,
        card: cardOf('student', size, condition),
      });
    const beach = await write('beach', labels('sky', 'sea'));
    const street = await write('street', labels('sky', 'road'));
    await expect(demoModels([beach, street])).rejects.toMatchObject({ code: 'DEMO_MIXED' });
    const sampler = await writeSampler(folder, { name: 'sampler', size, latent: 6, seed: 0 });
    const other = await writeSampler(folder, { name: 'other', size, latent: 8, seed: 0 });
    await expect(demoModels([sampler, other])).rejects.toThrow(
      /latent of 6 numbers, .* a latent of 8 numbers/,
    );
  });
});

describe('test inputs', () => {
  /** The conditions of all pairs are these bytes and the number of the pair. */
  const sourceOf = (condition: Condition, bytes: (index: number) => number[]): Source => ({
    ...noiseSource(2, { train: 1, val: 1, test: 20 }),
    condition,
    channels: { condition: conditionChannels(condition), image: 3 },
    pair: (_split, index) => ({ condition: Uint8Array.from(bytes(index)), image: new Uint8Array(12) }),
  });

  it('are maps of labels with their edges', async () => {
    const source = sourceOf(labels('sky', 'sea', 'land'), (index) => [0, 1, 2, index % 3, 0, 1, 1, 0]);
    const examples = await examplesOf(source, 0);
    expect(examples).toHaveLength(8);
    for (const { name, png, latent } of examples) {
      const index = Number(name.replace('test-', ''));
      const pixels = await sharp(png).raw().toBuffer();
      expect([...pixels]).toEqual([0, 0, 0, 1, 255, 0, 2, 255, 0, index % 3, 0, 0]);
      expect(latent).toBeUndefined();
    }
  });

  it('are pictures with the classes that come with them', async () => {
    const condition: Condition = { kind: 'image', channels: 1, classes: ['cat', 'dog', 'cow'] };
    const source = sourceOf(condition, (index) => [10, 20, 30, 40, index % 3]);
    for (const { name, png, class: own } of await examplesOf(source, 0)) {
      expect([...(await sharp(png).extractChannel(0).raw().toBuffer())]).toEqual([10, 20, 30, 40]);
      expect(own).toBe(Number(name.replace('test-', '')) % 3);
    }
  });

  it('are classes, with the latents of a comparison', async () => {
    const source = sourceOf({ kind: 'class', classes: ['cat', 'dog'] }, (index) => [index % 2]);
    for (const example of await examplesOf(source, 6)) {
      const index = Number(example.name.replace('test-', ''));
      expect(example.class).toBe(index % 2);
      expect(example.latent).toBeAllclose(drawLatents(0, 'pictures of test', index, 6), { atol: 1e-5 });
    }
  });
});

describe('directions of a latent', () => {
  it('are those that the first layer lengthens most', () => {
    const graph = new Graph('plain');
    const z = graph.input('latent', 'float32', ['batch', 4]);
    const lengths = [0.5, 3, 1, 2];
    const weight = float32(
      [4, 4],
      lengths.flatMap((x, i) => lengths.map((_, j) => (i === j ? x : 0))),
    );
    graph.output(matMul(z, graph.constant(weight, 'w')), 'y');
    const found = latentDirections(graph, 'latent', 3)!;
    expect(found.flat()).toBeAllclose(Float32Array.from([0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0]), {
      atol: 1e-4,
    });
  });

  it('are perpendicular unit vectors for an SNGAN', () => {
    const graph = snganGenerator({ baseWidth: 2, size: 16, latent: 12, classes: 3 });
    for (const { tensor } of graph.constants.values()) {
      if (tensor?.dtype === 'float32') rng(1, 'fill').fillNormal(tensor.data as Float32Array);
    }
    const found = latentDirections(graph, 'latent', 8)!;
    expect(found).toHaveLength(8);
    for (const [i, a] of found.entries()) {
      for (const [j, b] of found.entries()) {
        const product = a.reduce((sum, x, k) => sum + x * b[k]!, 0);
        expect(product).toBeCloseTo(i === j ? 1 : 0, 3);
      }
    }
  });
});
