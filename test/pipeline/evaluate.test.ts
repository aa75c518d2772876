import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { onnxruntime, runGraph } from '../../src/backend/onnxruntime.ts';
import { makeBatch } from '../../src/data/batch.ts';
import { openSource } from '../../src/data/index.ts';
import type { Source } from '../../src/data/source.ts';
import { float32, Graph, type Value } from '../../src/graph/graph.ts';
import { encodeOnnx } from '../../src/graph/onnx.ts';
import { measurePairs } from '../../src/metrics/paired.ts';
import { quantise } from '../../src/metrics/quantise.ts';
import { buildGenerator } from '../../src/models/generator.ts';
import { initialise } from '../../src/models/init.ts';
import { countMacs, countParameters, inputSymbols } from '../../src/ops/cost.ts';
import { add, log, sub } from '../../src/ops/elementwise.ts';
import type { Card } from '../../src/pipeline/card.ts';
import type { RunContext } from '../../src/pipeline/context.ts';
import { evaluate } from '../../src/pipeline/evaluate.ts';
import { type MeasuredModel, readMetrics } from '../../src/pipeline/measure/metrics-file.ts';
import { loadRecipe } from '../../src/recipe/load.ts';
import { resultsTable, tableStage } from '../../src/report/table.ts';
import { sha256File } from '../../src/util/hash.ts';
import { rng } from '../../src/util/rng.ts';

const size = 16;
const tests = 10;
const backend = onnxruntime({ threads: 1 });
let folder: string;
let source: Source;

/** Pairs whose image is the condition, 20 levels brighter. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ganlet-evaluate-'));
  for (const [split, count] of [
    ['train', 2],
    ['val', 1],
    ['test', tests],
  ] as const) {
    mkdirSync(join(folder, 'data', split), { recursive: true });
    for (let i = 0; i < count; i++) {
      const pixels = Buffer.alloc(2 * size * size * 3);
      const random = rng(i, split);
      for (let y = 0; y < size; y++) {
        for (let x = 0; x < size * 3; x++) {
          const level = random.int(0, 200);
          pixels[y * size * 6 + x] = level;
          pixels[y * size * 6 + size * 3 + x] = level + 20;
        }
      }
      const image = sharp(pixels, { raw: { width: 2 * size, height: size, channels: 3 } });
      await image.png().toFile(join(folder, 'data', split, `${i}.png`));
    }
  }
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
`,
  );
  source = await openSource({ source: 'aligned', path: join(folder, 'data'), size });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function makeContext(run: string, { set = [] as string[], data = source } = {}) {
  const out = join(folder, run);
  mkdirSync(out, { recursive: true });
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
    source: async () => data,
  };
  return { context, out, lines };
}

function network(build: (condition: Value) => Value, channels = 3): Graph {
  const graph = new Graph('g');
  graph.output(build(graph.input('condition', 'float32', ['batch', channels, 'height', 'width'])), 'image');
  return graph;
}
/** Makes every picture brighter by this many levels. */
const brighter = (levels: number) => network((condition) => add(condition, levels / 127.5));

const save = (out: string, name: string, graph: Graph) => writeFileSync(join(out, name), encodeOnnx(graph));
const readCard = (out: string, role: string): Card =>
  JSON.parse(readFileSync(join(out, `${role}.card.json`), 'utf8'));

describe('a run with a teacher, a student and a naive baseline', () => {
  const teacher = initialise(
    buildGenerator(
      {
        type: 'resnet',
        baseWidth: 4,
        blocks: 1,
        norm: 'instance',
        padding: 'reflect',
        separable: false,
        dropout: 0,
      },
      size,
    ),
    { init: 'kaiming', seed: 3 },
  );
  let models: MeasuredModel[];
  let out: string;
  let lines: string[];
  beforeAll(async () => {
    const made = makeContext('full');
    ({ out, lines } = made);
    save(out, 'teacher.onnx', teacher);
    save(out, 'student.onnx', brighter(0));
    save(out, 'naive.onnx', brighter(20));
    await evaluate(made.context);
    models = readMetrics(out).models;
  });

  it('is measured in the order of tables, on the whole test split, with data and engine on record', () => {
    expect(models.map(({ role, file, samples }) => [role, file, samples])).toEqual([
      ['teacher', 'teacher.onnx', tests],
      ['naive', 'naive.onnx', tests],
      ['student', 'student.onnx', tests],
    ]);
    expect(readMetrics(out)).toMatchObject({
      split: 'test',
      count: tests,
      size,
      data: { source: 'aligned', hash: source.hash },
      backend: { ...backend.description, cpu: expect.any(String) },
    });
    expect(lines.filter((text) => text.startsWith('evaluate: '))).toHaveLength(3);
    expect(lines.join('\n')).toMatch(/naive +L1 0\.00 +PSNR ∞ dB +SSIM 1\.0000/);
  });

  it('has the distances of networks that are known by construction', () => {
    const [, naive, student] = models;
    expect(naive!.truth).toEqual({
      l1: { mean: 0, sd: 0, count: tests },
      psnr: { mean: null, sd: null, count: 0, identical: tests },
      ssim: { mean: expect.closeTo(1, 12), sd: expect.closeTo(0, 12), count: tests },
    });
    expect(student!.truth.l1).toEqual({ mean: 20, sd: 0, count: tests });
    expect(student!.truth.psnr!.mean).toBeCloseTo(20 * Math.log10(255 / 20), 10);
  });

  it('has the distances of a real network that its pictures give, taken all at once', async () => {
    const all = Array.from({ length: tests }, (_, i) => i);
    const { condition, image } = await makeBatch(source, 'test', all, {}, rng(0, 'unused'));
    const fed = { condition: float32([tests, 3, size, size], condition) };
    const made = quantise((await runGraph(teacher, fed, backend)).image!.data as Float32Array);
    const distances = (a: Uint8Array, b: Uint8Array) => {
      const measuring = measurePairs(['l1', 'psnr', 'ssim'], { channels: 3, height: size, width: size });
      const each = 3 * size * size;
      for (const i of all)
        measuring.add(a.subarray(i * each, (i + 1) * each), b.subarray(i * each, (i + 1) * each));
      return measuring.distances();
    };
    const [first, naive, student] = models;
    const truth = distances(made, quantise(image));
    expect(truth.l1!.mean).toBeGreaterThan(5);
    // A value on the edge between two levels may fall on the other side when pictures are made in one batch.
    expect(first!.truth.l1!.mean).toBeCloseTo(truth.l1!.mean!, 2);
    expect(first!.truth.ssim!.mean).toBeCloseTo(truth.ssim!.mean!, 3);
    expect(first!.teacher).toBeUndefined();
    expect(naive!.teacher!.psnr!.mean).toBeCloseTo(truth.psnr!.mean!, 2);
    expect(student!.teacher!.l1!.mean).toBeCloseTo(distances(quantise(condition), made).l1!.mean!, 2);
  });

  it('has the costs of its files', async () => {
    const macs = countMacs(teacher, inputSymbols(teacher, { size }));
    expect(models[0]).toMatchObject({
      params: countParameters(teacher),
      macs: { true: macs.true, paper: macs.paper },
      bytes: statSync(join(out, 'teacher.onnx')).size,
      sha256: await sha256File(join(out, 'teacher.onnx')),
    });
    for (const { latencyMs, latencySpreadMs } of models) {
      expect(latencySpreadMs[0]).toBeGreaterThan(0);
      expect(latencyMs).toBeGreaterThanOrEqual(latencySpreadMs[0]);
      expect(latencyMs).toBeLessThanOrEqual(latencySpreadMs[1]);
    }
    expect(models[0]!.latencyMs).toBeGreaterThan(models[2]!.latencyMs);
  });

  it('has the measurements in its cards', () => {
    const { role, sha256, truth, latencyMs, teacher: agreement } = models[2]!;
    expect(readCard(out, role)).toMatchObject({
      role,
      sha256,
      size,
      metrics: { split: 'test', count: tests, truth, latencyMs, teacher: agreement },
    });
  });

  it('has a sheet of the same eight pictures from every network', async () => {
    const { data, info } = await sharp(join(out, 'comparison.png'))
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect([info.width, info.height, info.channels]).toEqual([5 * 100 + 4, 24 + 8 * 100, 3]);
    const column = (c: number) => {
      const rows = Array.from({ length: 800 }, (_, y) => ((24 + y) * info.width + 4 + c * 100) * 3);
      return Buffer.concat(rows.map((start) => data.subarray(start, start + 96 * 3)));
    };
    const [condition, truth, made, naive, student] = [0, 1, 2, 3, 4].map(column);
    expect(student!.equals(condition!)).toBe(true);
    expect(naive!.equals(truth!)).toBe(true);
    expect(condition!.equals(truth!)).toBe(false);
    expect(made!.equals(truth!)).toBe(false);
    const cell = (row: number) =>
      truth!.subarray(row * 100 * 96 * 3, (row * 100 + 96) * 96 * 3).toString('hex');
    expect(new Set(Array.from({ length: 8 }, (_, row) => cell(row))).size).toBe(8);
  });

  it('is not measured again while nothing changed, and a card written anew gets its measurements back', async () => {
    const { context, lines: said } = makeContext('full');
    const before = statSync(join(out, 'metrics.json')).mtimeMs;
    const { metrics, ...bare } = readCard(out, 'student');
    writeFileSync(join(out, 'student.card.json'), JSON.stringify({ ...bare, recipe: 'kept' }));
    await evaluate(context);
    expect(said).toEqual(['evaluate: done before, nothing changed']);
    expect(statSync(join(out, 'metrics.json')).mtimeMs).toBe(before);
    expect(readCard(out, 'student')).toEqual({ ...bare, recipe: 'kept', metrics });
  });

  it('has a table in its folder', async () => {
    await tableStage(makeContext('full').context);
    const text = readFileSync(join(out, 'table.md'), 'utf8');
    expect(text).toBe(resultsTable([out], 'md'));
    expect(text).toMatch(/^\| naive .*∞/m);
    expect(JSON.parse(resultsTable([out], 'json'))[2]).toMatchObject({ model: 'student', l1: 20 });
  });
});

it('measures what is there, warns of what is not, and measures again when a file or a setting changes', async () => {
  const { context, out, lines } = makeContext('part');
  save(out, 'student.onnx', brighter(10));
  await evaluate(context);
  expect(lines.slice(0, 2)).toEqual([
    `there is no ${join(out, 'teacher.onnx')} yet, so it is not measured`,
    `there is no ${join(out, 'naive.onnx')} yet, so it is not measured`,
  ]);
  const [first] = readMetrics(out).models;
  expect(first!.truth.l1!.mean).toBe(10);
  expect(first!.teacher).toBeUndefined();

  save(out, 'student.onnx', brighter(25));
  const changed = makeContext('part', { set: ['evaluate.metrics=[l1]', 'evaluate.split=val'] });
  await evaluate(changed.context);
  const again = readMetrics(out);
  expect(again).toMatchObject({ split: 'val', count: 1 });
  expect(again.models[0]!.truth).toEqual({ l1: { mean: 5, sd: null, count: 1 } });
  expect(again.models[0]!.sha256).not.toBe(first!.sha256);
});

it('measures a teacher that the recipe names where it is, and leaves the files beside it alone', async () => {
  const { out } = makeContext('elsewhere');
  save(folder, 'given.onnx', brighter(20));
  const yaml = `name: given\ndata: {source: aligned, path: data, size: ${size}}\nteacher: {model: given.onnx}\ndiscriminator: {type: pixel}\n`;
  writeFileSync(join(folder, 'given.yaml'), yaml);
  const loaded = loadRecipe(join(folder, 'given.yaml'));
  await evaluate({ ...makeContext('elsewhere').context, loaded, recipe: loaded.recipe });
  expect(readMetrics(out).models).toMatchObject([{ role: 'teacher', file: join('..', 'given.onnx') }]);
  expect(existsSync(join(folder, 'given.card.json'))).toBe(false);
});

describe('what cannot be measured is one clear error, and nothing is written', () => {
  it('a run without networks', async () => {
    const { context, out } = makeContext('empty');
    await expect(evaluate(context)).rejects.toMatchObject({
      code: 'MODEL_MISSING',
      message: expect.stringContaining(join(out, 'student.onnx')),
      hint: `train it first: ganlet run ${join(folder, 'recipe.yaml')} --out ${out}`,
    });
  });

  it('a split without pictures', async () => {
    const data = { ...source, counts: { ...source.counts, test: 0 } };
    const { context, out } = makeContext('split', { data });
    save(out, 'student.onnx', brighter(0));
    await expect(evaluate(context)).rejects.toMatchObject({
      code: 'DATA_SPLIT_EMPTY',
      message: 'the test split must hold pictures to measure on, found train (2), val (1)',
    });
  });

  it.each([
    [
      'for grey pictures',
      network((condition) => add(condition, 0.1), 1),
      'MODEL_MISMATCH',
      '[batch, 1, height, width]',
    ],
    [
      'that diverged',
      network((condition) => log(sub(condition, 2))),
      'PICTURE_INVALID',
      'must make finite pictures',
    ],
  ])('a network %s', async (name, graph, code, message) => {
    const { context, out } = makeContext(name.replaceAll(' ', '-'));
    save(out, 'student.onnx', graph);
    await expect(evaluate(context)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(new RegExp(`student\\.onnx .*${message.replace(/[[\]]/g, '\\$&')}`)),
    });
    expect(existsSync(join(out, 'metrics.json'))).toBe(false);
    expect(existsSync(join(out, 'student.card.json'))).toBe(false);
  });
});
