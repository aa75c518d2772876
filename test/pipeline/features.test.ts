import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { onnxruntime } from '../../src/backend/onnxruntime.ts';
import { emojiStylesSource } from '../../src/data/emoji/styles.ts';
import { readFeatureCard } from '../../src/metrics/networks/card.ts';
import { loadOnnx } from '../../src/ops/import-onnx.ts';
import { trainFeatures } from '../../src/pipeline/features.ts';
import { describer, picturesOfStyle, sensitivity } from '../../src/pipeline/features-measured.ts';
import { featuresSchema } from '../../src/recipe/features.ts';
import { sha256 } from '../../src/util/hash.ts';
import { readJsonLines } from '../../src/util/json-lines.ts';
import { emojiPackages } from '../support/emoji-packages.ts';

let folder: string;
beforeAll(() => {
  folder = emojiPackages(mkdtempSync(join(tmpdir(), 'ganlet-features-')), 3);
  process.env.GANLET_CACHE = join(folder, 'cache');
});
afterAll(() => {
  delete process.env.GANLET_CACHE;
  rmSync(folder, { recursive: true, force: true });
});

const json = (path: string) => JSON.parse(readFileSync(path, 'utf8'));

/** Trains a tiny network in `folder`/name. */
async function train(
  name: string,
  changes: { steps?: number; lambdaDamage?: number } = {},
  engine: { backend?: string; provider?: string } = { backend: 'onnxruntime' },
): Promise<string> {
  const out = join(folder, name);
  const recipe = featuresSchema.parse({
    name: 'tiny',
    threads: 1,
    ...engine,
    data: { styles: ['openmoji', 'twemoji'], size: 16, path: folder },
    network: { baseWidth: 2, blocks: 0, dimension: 6 },
    train: { steps: 4, batch: 4, tick: 2, checkpointSeconds: 0, ...changes },
  });
  const loaded = { recipe, file: 'tiny.yaml', locate: () => '' };
  await trainFeatures(loaded, { out, dryRun: false, debug: false, quiet: true });
  return out;
}

describe('training a feature network', () => {
  test('writes the network with a card that says how to feed it and what it was trained on', async () => {
    const out = await train('whole');
    const card = json(join(out, 'card.json'));
    const bytes = readFileSync(join(out, 'network.onnx'));
    expect(card).toMatchObject({
      name: 'tiny',
      kind: 'features',
      file: 'network.onnx',
      sha256: sha256(bytes),
      input: {
        name: 'image',
        size: 16,
        layout: 'NCHW',
        channels: 'RGB',
        mean: [0.5, 0.5, 0.5],
        std: [0.5, 0.5, 0.5],
        resize: 'pil-bicubic',
      },
      output: { name: 'features', dimension: 6 },
      training: { steps: 4, heads: { style: ['openmoji', 'twemoji'] } },
      data: {
        sets: [
          { style: 'openmoji', licence: 'CC BY-SA 4.0' },
          { style: 'twemoji', licence: 'CC BY 4.0' },
        ],
      },
    });
    const network = loadOnnx(join(out, 'network.onnx'));
    expect(network.inputs.map(({ name, shape }) => [name, shape])).toEqual([['image', ['batch', 3, 16, 16]]]);
    expect(network.outputs.map(({ name, shape }) => [name, shape])).toEqual([['features', ['batch', 6]]]);
    const heads = loadOnnx(join(out, 'classifier.onnx')).outputs.map(({ name }) => name);
    expect(heads).toEqual(['features', 'subgroup', 'style', 'damage']);
    for (const share of Object.values(card.measured.accuracy.test)) {
      expect(share).toBeGreaterThanOrEqual(0);
      expect(share).toBeLessThanOrEqual(1);
    }
    expect(card.measured.frechet.count).toBeGreaterThan(5);
  });

  test('is not done twice, and done again when a file is gone', async () => {
    const out = await train('whole');
    const before = statSync(join(out, 'network.onnx')).mtimeMs;
    await train('whole');
    expect(statSync(join(out, 'network.onnx')).mtimeMs).toBe(before);
    rmSync(join(out, 'network.onnx'));
    await train('whole');
    expect(existsSync(join(out, 'network.onnx'))).toBe(true);
  });

  test('of the same recipe gives the same bytes', async () => {
    const [a, b] = [await train('whole'), await train('again')];
    expect(readFileSync(join(a, 'network.onnx')).equals(readFileSync(join(b, 'network.onnx')))).toBe(true);
  });

  test('refuses to go on from the state of another recipe', async () => {
    await train('changed');
    await expect(train('changed', { steps: 6 })).rejects.toMatchObject({
      code: 'RUN_MISMATCH',
      message: expect.stringContaining('train.steps changed from 4 to 6'),
    });
  });

  test('computes with the engine that the recipe names, to the same losses, and says so in the card', async () => {
    const [ours, theirs] = [await train('whole'), await train('tfjs', {}, { backend: 'tfjs' })];
    expect(json(join(ours, 'card.json')).training.backend).toMatchObject({ engine: 'onnxruntime-node' });
    expect(json(join(theirs, 'card.json')).training.backend).toMatchObject({ engine: '@tensorflow/tfjs' });
    const [expected, found] = [ours, theirs].map((out) =>
      readJsonLines<Record<string, number>>(join(out, 'train', 'stats.jsonl')),
    ) as [Record<string, number>[], Record<string, number>[]];
    for (const [i, line] of expected.entries())
      for (const head of ['subgroup', 'style', 'damage'])
        expect(found[i]![head], `${head} of line ${i}`).toBeCloseTo(line[head]!, 3);
    // An engine that is named and not there is an error, whatever the recipe.
    await expect(train('cuda', {}, { provider: 'cuda' })).rejects.toMatchObject({ code: 'PROVIDER_MISSING' });
    expect(existsSync(join(folder, 'cuda'))).toBe(false);
  });

  test('without a weight for damage has no head for it', async () => {
    const out = await train('plain', { lambdaDamage: 0 });
    const heads = loadOnnx(join(out, 'classifier.onnx')).outputs.map(({ name }) => name);
    expect(heads).toEqual(['features', 'subgroup', 'style']);
    expect(json(join(out, 'card.json')).training.heads.damage).toBeUndefined();
  });
});

describe('the network that ships', () => {
  const shipped = join(import.meta.dirname, '../../teachers/features-emoji-64');
  const file = join(shipped, 'network.onnx');

  test('is the one its card speaks of, in less than 4 MB', () => {
    const card = readFeatureCard(file);
    expect(card).toMatchObject({ name: 'emoji-64', sha256: sha256(readFileSync(file)) });
    expect(card).toMatchObject({ output: { dimension: 64 }, input: { size: 64 } });
    expect(statSync(file).size).toBeLessThan(4_000_000);
    expect(
      json(join(shipped, 'card.json')).data.sets.map(({ licence }: { licence: string }) => licence),
    ).toEqual(['CC BY-SA 4.0', 'Apache-2.0', 'CC BY 4.0', 'MIT']);
  });

  test('puts damaged pictures farther away than other true ones, the farther the more they are damaged', async () => {
    const source = await emojiStylesSource({ styles: ['openmoji'], size: 64, path: folder });
    const pictures = picturesOfStyle(source, 'train', 0);
    const { describe, dispose } = await describer(loadOnnx(file), onnxruntime({ threads: 1 }));
    const features = async (images: Float32Array) => (await describe(images)).features!;
    const { above, count } = await sensitivity(pictures, 64, features, 64, 4);
    await dispose();
    expect(count).toBeGreaterThan(64);
    for (const [harm, levels] of Object.entries(above)) {
      // It does not see smooth patches of colour; docs/features.md says so.
      if (harm.startsWith('patchy')) continue;
      const { mean: most, deviation } = levels.at(-1)!;
      expect(most, harm).toBeGreaterThan(5 * deviation);
      // Half a turn of hues need not be worse than a quarter.
      for (const [i, { level, mean }] of levels.slice(1, harm.startsWith('hue') ? 3 : 4).entries())
        expect(mean, `${harm} ${level}`).toBeGreaterThan(levels[i]!.mean);
    }
  });
});
