import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { onnxruntime } from '../../../src/backend/onnxruntime.ts';
import { openSource } from '../../../src/data/index.ts';
import type { Source } from '../../../src/data/source.ts';
import { Graph, type Value } from '../../../src/graph/graph.ts';
import { encodeOnnx } from '../../../src/graph/onnx.ts';
import { features } from '../../../src/metrics/features.ts';
import { frechetFromFeatures } from '../../../src/metrics/frechet.ts';
import { planes } from '../../../src/metrics/levels.ts';
import { openFeatures } from '../../../src/metrics/networks/extract.ts';
import { featureNetwork } from '../../../src/metrics/networks/find.ts';
import { add, mul } from '../../../src/ops/elementwise.ts';
import type { RunContext } from '../../../src/pipeline/context.ts';
import { evaluate } from '../../../src/pipeline/evaluate.ts';
import { type MeasuredModel, readMetrics } from '../../../src/pipeline/measure/metrics-file.ts';
import { runRecipe } from '../../../src/pipeline/run.ts';
import { loadRecipe } from '../../../src/recipe/load.ts';
import { modelCard } from '../../../src/report/model-card.ts';
import { resultsTable } from '../../../src/report/table.ts';
import { rng } from '../../../src/util/rng.ts';
import { writeTinyDistance, writeTinyNetwork } from '../../metrics/tiny-network.ts';

const size = 16;
const tests = 30;
const backend = onnxruntime({ threads: 1 });
const cache = process.env.GANLET_CACHE;
let folder: string;
let source: Source;

/** Pairs whose image is the condition, 20 levels brighter. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ganlet-sets-'));
  process.env.GANLET_CACHE = join(folder, 'cache');
  for (const [split, count] of [
    ['train', 2],
    ['val', 1],
    ['test', tests],
  ] as const) {
    mkdirSync(join(folder, 'data', split), { recursive: true });
    for (let i = 0; i < count; i++) {
      const random = rng(i, split);
      const [low, high] = [random.int(0, 100), random.int(101, 220)];
      const pixels = Buffer.alloc(2 * size * size * 3);
      for (let y = 0; y < size; y++) {
        for (let x = 0; x < size * 3; x++) {
          const level = Math.round(low + ((high - low) * (x + y)) / (4 * size)) + random.int(0, 9);
          pixels[y * size * 6 + x] = level;
          pixels[y * size * 6 + size * 3 + x] = level + 20;
        }
      }
      const image = sharp(pixels, { raw: { width: 2 * size, height: size, channels: 3 } });
      await image.png().toFile(join(folder, 'data', split, `${i}.png`));
    }
  }
  writeTinyNetwork(folder, { dimension: 6 });
  writeTinyDistance(folder);
  writeFileSync(
    join(folder, 'recipe.yaml'),
    `name: tiny
data: {source: aligned, path: data, size: ${size}}
teacher:
  generator: {type: resnet, baseWidth: 4, blocks: 1}
  train: {steps: 1, batch: 1}
discriminator: {type: pixel}
student: {baseWidth: 4}
distill: {steps: 1, batch: 1}
baselines: [naive]
evaluate:
  metrics: [l1, lpips, frechet, kid, pr, dc, is]
  features: tiny.onnx
  lpips: difference.onnx
`,
  );
  source = await openSource({ source: 'aligned', path: join(folder, 'data'), size });
}, 120_000);
afterAll(() => {
  if (cache === undefined) delete process.env.GANLET_CACHE;
  else process.env.GANLET_CACHE = cache;
  rmSync(folder, { recursive: true, force: true });
});

function network(build: (condition: Value) => Value): Uint8Array {
  const graph = new Graph('g');
  graph.output(build(graph.input('condition', 'float32', ['batch', 3, 'height', 'width'])), 'image');
  return encodeOnnx(graph);
}

/** A run of three networks: the teacher all but right, naive far too bright, the student a little too bright. */
async function measured(run: string, set: string[] = []) {
  const out = join(folder, run);
  mkdirSync(out, { recursive: true });
  const brighter = (levels: number) => network((condition) => add(condition, levels / 127.5));
  writeFileSync(join(out, 'teacher.onnx'), brighter(22));
  writeFileSync(
    join(out, 'naive.onnx'),
    network((condition) => add(mul(condition, 0.4), 0.3)),
  );
  writeFileSync(join(out, 'student.onnx'), brighter(40));
  const loaded = loadRecipe(join(folder, 'recipe.yaml'), { set });
  const lines: string[] = [];
  const line = (message: string) => void lines.push(message);
  const context: RunContext = {
    out,
    recipe: loaded.recipe,
    loaded,
    backend,
    log: { debug: line, info: line, warn: line },
    progress: () => ({ update() {}, line() {}, end() {} }),
    source: async () => source,
  };
  await evaluate(context);
  return { out, lines, context, metrics: readMetrics(out) };
}

const scoreOf = (model: MeasuredModel | undefined, label: string) =>
  model!.distributions!.find((score) => score.label === label)!;

describe('distances between distributions in a run', () => {
  let run: Awaited<ReturnType<typeof measured>>;
  let teacher: MeasuredModel;
  let naive: MeasuredModel;
  let student: MeasuredModel;
  beforeAll(async () => {
    run = await measured('full');
    [teacher, naive, student] = run.metrics.models as [MeasuredModel, MeasuredModel, MeasuredModel];
  }, 120_000);

  it('are measured of every network, with the network of features, numbers, floor and real against real', () => {
    for (const model of [teacher, naive, student]) {
      expect(model.distributions!.map(({ label }) => label)).toEqual([
        'FD-tiny-6',
        'KD-tiny-6',
        'precision tiny-6',
        'recall tiny-6',
        'density tiny-6',
        'coverage tiny-6',
        'IS-tiny-6',
      ]);
      const frechet = scoreOf(model, 'FD-tiny-6');
      expect(frechet).toMatchObject({ countReal: tests, countMade: tests, dimension: 6 });
      expect(frechet.floor).toBeGreaterThan(0);
      expect(frechet.realVsReal).toEqual({ count: tests / 2, value: expect.any(Number) });
    }
    expect(run.metrics.features).toMatchObject({
      feature: 'tiny-6',
      network: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(run.metrics.features!.preprocessing).toContain('resize pil-bicubic 16; quantise round');
  });

  it('rank the networks, and say how sure that is', () => {
    const values = [teacher, student, naive].map((model) => scoreOf(model, 'FD-tiny-6').value);
    expect([...values].sort((a, b) => a - b)).toEqual(values);
    expect(scoreOf(teacher, 'FD-tiny-6').overTeacher).toBeUndefined();
    const over = scoreOf(naive, 'FD-tiny-6').overTeacher!;
    expect(over.value).toBeCloseTo(values[2]! - values[0]!, 9);
    expect(over.low).toBeGreaterThan(0);
    expect(over.low).toBeLessThan(over.value);
    expect(over.high).toBeGreaterThan(over.value);
    expect(over.level).toBe(0.95);
  });

  it('are those of the pictures that are saved', async () => {
    const extractor = await openFeatures(await featureNetwork(join(folder, 'tiny.onnx')), { threads: 1 });
    const rows = async (levels: number) => {
      const found: number[] = [];
      for (let i = 0; i < tests; i++) {
        const { condition, image } = await source.pair('test', i);
        const pixels = levels < 0 ? image : condition.map((x) => Math.min(255, x + levels));
        found.push(...(await extractor.extract([planes(pixels, size, size)])).features);
      }
      return features(Float32Array.from(found), 6);
    };
    const { value } = await frechetFromFeatures(await rows(-1), await rows(40));
    expect([scoreOf(student, 'FD-tiny-6').value]).toBeAllclose([value], { rtol: 1e-5, atol: 0 });
    await extractor.dispose();
  });

  it('have LPIPS to the truth and to the teacher beside them, with its network', () => {
    const label = 'PD-difference';
    expect(student.truth.lpips).toEqual({
      label,
      mean: expect.closeTo(20 / 127.5, 5),
      sd: expect.any(Number),
      count: tests,
    });
    expect(student.teacher!.lpips!.mean).toBeCloseTo(18 / 127.5, 5);
    expect(teacher.teacher).toBeUndefined();
  });

  it('warn of too few pictures', () => {
    expect(run.lines).toContain(
      'FD-tiny-6: 30 pictures are too few for any distance between distributions; compare pictures in pairs instead',
    );
  });

  it('are not measured again as long as nothing changed, but with another network', async () => {
    const before = readFileSync(join(run.out, 'metrics.json'), 'utf8');
    run.lines.length = 0;
    await evaluate(run.context);
    expect(run.lines).toEqual(['evaluate: done before, nothing changed']);
    expect(readFileSync(join(run.out, 'metrics.json'), 'utf8')).toBe(before);
    writeTinyNetwork(folder, { dimension: 5, name: 'other' });
    const again = await measured('full', ['evaluate.features=other.onnx', 'evaluate.metrics=[frechet]']);
    expect(again.metrics.models[2]!.distributions!.map(({ label }) => label)).toEqual(['FD-other-5']);
  });

  it('take the features of the truth from the cache', async () => {
    const rows = readdirSync(join(folder, 'cache/features')).filter((name) => name.endsWith('.f32'));
    expect(rows.length).toBe(2);
    await measured('again', ['evaluate.metrics=[frechet]']);
    expect(readdirSync(join(folder, 'cache/features')).filter((name) => name.endsWith('.f32'))).toEqual(rows);
  });

  it('are columns of their network in tables, early ones, with what must be known below', async () => {
    const { out } = await measured('table', ['evaluate.metrics=[l1, psnr, ssim, lpips, frechet, kid]']);
    const lines = resultsTable([out], 'md').split('\n');
    expect(lines[0]).toContain('| FD-tiny-6 |');
    const notes = lines.slice(5).join(' ');
    expect(notes).toMatch(
      /FD-tiny-6: Fréchet distance of tiny-6 features, 30 real and 30 made pictures, noise floor [\d.]+ to [\d.]+, real against real [\d.]+ \(15 each\), naive exceeds the teacher's by [\d.]+ \[[\d.]+, [\d.]+\], student exceeds/,
    );
    expect(notes).toContain('(95 % by resampling pictures of both).');
    const [first] = JSON.parse(resultsTable([out], 'json')) as Record<string, number | null>[];
    expect(first!['FD-tiny-6']).toBe(scoreOf(teacher, 'FD-tiny-6').value);
    expect(first!['FD-tiny-6 over teacher']).toBeNull();
    expect(Object.keys(first!).slice(-12)).toEqual(
      [
        'threads',
        'PD-difference',
        'PD-difference sd',
        'PD-difference to teacher',
        'FD-tiny-6',
        'FD-tiny-6 real vs real',
        'FD-tiny-6 floor',
        'FD-tiny-6 over teacher',
        'FD-tiny-6 over teacher low',
        'FD-tiny-6 over teacher high',
        'KD-tiny-6',
        'KD-tiny-6 sd',
      ]
        .concat('KD-tiny-6 real vs real')
        .slice(1),
    );
  });

  it('of two networks never share a column, not even under one name', async () => {
    const metrics = 'evaluate.metrics=[frechet]';
    const one = await measured('one', [metrics]);
    const before = readFileSync(join(folder, 'tiny.onnx'));
    const card = readFileSync(join(folder, 'tiny.card.json'));
    writeTinyNetwork(folder, { dimension: 6, size: 20 });
    const two = await measured('two', [metrics]);
    writeFileSync(join(folder, 'tiny.onnx'), before);
    writeFileSync(join(folder, 'tiny.card.json'), card);
    const rows = JSON.parse(resultsTable([one.out, two.out], 'json')) as Record<string, unknown>[];
    const titles = Object.keys(rows[0]!).filter((title) => /^FD-tiny-6 \([0-9a-f]{6}\)$/.test(title));
    expect(titles.length).toBe(2);
    for (const [i, row] of rows.entries()) {
      expect(titles.map((title) => row[title] === null)).toEqual(i < 3 ? [false, true] : [true, false]);
    }
  });

  it('stand in the card of each network, and in the page of the one that is uploaded', () => {
    const card = JSON.parse(readFileSync(join(folder, 'again/student.card.json'), 'utf8'));
    expect(card.metrics.distributions[0]).toMatchObject({ label: 'FD-tiny-6', countMade: tests });
    const page = modelCard({ repo: 'me/x', card, table: '' });
    expect(page).toMatch(
      /FD-tiny-6 [\d.]+ \(30 real and 30 made pictures; noise floor [\d.]+, real against real [\d.]+\)/,
    );
  });
});

describe('metrics that cannot be had', () => {
  it.each([
    ['a network without classes', ['evaluate.features=plain.onnx'], 'LOGITS_MISSING'],
    ['a network that is not there', ['evaluate.features=none.onnx'], 'FILE_MISSING'],
    ['a network without a card', ['evaluate.features=difference.onnx'], 'FEATURES_CARD_MISSING'],
    ['a name that no network has', ['evaluate.features=inseption'], 'FEATURES_UNKNOWN'],
    ['a split of too few pictures', ['evaluate.split=val'], 'TOO_FEW_PICTURES'],
  ])('%s is told by name', async (_what, set, code) => {
    writeTinyNetwork(folder, { dimension: 6, name: 'plain', card: { logits: undefined } });
    await expect(measured('failing', set)).rejects.toMatchObject({ code });
  });

  it('are told before anything is trained', async () => {
    const loaded = loadRecipe(join(folder, 'recipe.yaml'), { set: ['evaluate.features=none.onnx'] });
    const asked: string[] = [];
    const runners = new Proxy({} as Parameters<typeof runRecipe>[1], {
      get: (_target, stage) => async () => void asked.push(String(stage)),
    });
    const options = { out: join(folder, 'early'), dryRun: false, debug: false, quiet: true };
    await expect(runRecipe(loaded, runners, options)).rejects.toMatchObject({ code: 'FILE_MISSING' });
    expect(asked).toEqual([]);
  });
});
