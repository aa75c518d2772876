import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { onnxruntime } from '../../src/backend/onnxruntime.ts';
import type { Source } from '../../src/data/source.ts';
import { encodeOnnx } from '../../src/graph/onnx.ts';
import { loadOnnx } from '../../src/ops/import-onnx.ts';
import type { Card } from '../../src/pipeline/card.ts';
import { checkTask } from '../../src/pipeline/check/task.ts';
import type { RunContext } from '../../src/pipeline/context.ts';
import { distill } from '../../src/pipeline/distill/distill.ts';
import { finetune } from '../../src/pipeline/distill/finetune.ts';
import { evaluate } from '../../src/pipeline/evaluate.ts';
import { exportStudents } from '../../src/pipeline/export.ts';
import { readMetrics } from '../../src/pipeline/measure/metrics-file.ts';
import { search } from '../../src/pipeline/search/search.ts';
import { supernet } from '../../src/pipeline/supernet/supernet.ts';
import { teach } from '../../src/pipeline/teach/teach.ts';
import { loadRecipe } from '../../src/recipe/load.ts';
import { readPictures } from '../../src/report/html/pictures.ts';
import { readJsonLines } from '../../src/util/json-lines.ts';
import { labelSource, labels } from '../support/label-source.ts';
import { latentGenerator } from '../support/latent-generator.ts';

const size = 16;
const backend = onnxruntime({ threads: 1 });
const recipe = `name: labels
seed: 3
threads: 1
data: {source: aligned, path: data, size: ${size}}
teacher:
  generator: {type: unet, baseWidth: 4, levels: 2, norm: batch}
  train: {steps: 2, batch: 2, tick: 2, samples: 2, initGain: 0.2}
discriminator: {type: pixel, baseWidth: 4, norm: instance}
student: {baseWidth: 4}
distill: {steps: 2, batch: 2, tick: 2, samples: 1}
supernet: {steps: 2, batch: 2, tick: 2, samples: 1, probe: 1, widths: [4, 2]}
search: {widths: 2_4_2, quality: teacher-l1}
finetune: {steps: 2, batch: 2, tick: 2, samples: 0}
evaluate: {metrics: [l1]}
`;
const short = recipe.replace(/^(supernet|search|finetune):.*\n/gm, '');
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ganlet-labels-'));
  mkdirSync(join(folder, 'data'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function makeContext(
  run: string,
  { text = recipe, set = [] as string[], source = labelSource(size) as Source } = {},
) {
  const out = join(folder, run);
  mkdirSync(out, { recursive: true });
  writeFileSync(join(folder, `${run}.yaml`), text);
  const loaded = loadRecipe(join(folder, `${run}.yaml`), { set });
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
  return { context, out, lines };
}

const card = (out: string, name: string) =>
  JSON.parse(readFileSync(join(out, `${name}.card.json`), 'utf8')) as Card;
const stages = { teach, distill, supernet, search, finetune, exportStudents, evaluate };
const shapesOf = (out: string, name: string) =>
  loadOnnx(join(out, `${name}.onnx`)).inputs.map(({ name, shape }) => [name, ...shape]);

describe('a run on label maps', () => {
  it('goes through every stage with a network of as many channels as labels', async () => {
    const { context, out } = makeContext('whole');
    await checkTask(context, ['teach', 'distill']);
    for (const stage of Object.values(stages)) await stage(context);
    expect(shapesOf(out, 'teacher')).toEqual([['condition', 'batch', labels.length + 1, size, size]]);
    expect(shapesOf(out, 'student')).toEqual(shapesOf(out, 'teacher'));
    for (const name of ['teacher', 'student'])
      expect(card(out, name).inputs).toEqual({ condition: 'labels' });
    expect(existsSync(join(out, 'teach/samples/step-0000002.png'))).toBe(true);
    const metrics = readMetrics(out);
    expect(metrics.sheet).toEqual(['condition', 'truth', 'teacher', 'student']);
    const [teacher, student] = metrics.models;
    expect(student!.macs.true).toBeLessThan(teacher!.macs.true);
    expect(student!.truth.l1!.mean).toBeGreaterThan(0);
    expect(student!.teacher!.l1!.mean).toBeGreaterThan(0);

    const pictures = await readPictures({ folder: out, metrics, results: [] } as never);
    const map = pictures!.columns[0]!.pictures[0]!;
    const known = [...labels.map(({ colour }) => String(colour)), '24,24,24'];
    for (let p = 0; p < map.length; p += 3) expect(known).toContain(String(map.subarray(p, p + 3)));
  });

  it('feeds a latent vector besides, the same to teacher and student, and keeps nothing of the teacher', async () => {
    writeFileSync(join(folder, 'foreign.onnx'), encodeOnnx(latentGenerator(labels.length + 1)));
    writeFileSync(join(folder, 'foreign.card.json'), JSON.stringify({ inputs: { code: 'latent' } }));
    const text = short.replace(/teacher:\n.*\n.*\n/, 'teacher: {model: foreign.onnx}\n');
    const set = ['student={ratio: 1}', 'distill.taps=[inner]'];
    const { context, out, lines } = makeContext('latent', { text, set });
    await checkTask(context, ['distill']);
    for (const stage of [distill, exportStudents, evaluate]) await stage(context);
    expect(shapesOf(out, 'student')).toEqual([
      ['map', 'batch', labels.length + 1, 'h', 'w'],
      ['code', 'batch', 2],
    ]);
    expect(card(out, 'student').inputs).toEqual({ map: 'labels', code: 'latent' });
    expect(lines.join()).not.toContain('teacher activations');
    // The student starts as a copy: whatever it is fed, the teacher is fed it too.
    const [first] = readJsonLines(join(out, 'distill/stats.jsonl'));
    expect(first!.recon).toBeLessThan(0.02);
    expect(readMetrics(out).models[1]!.teacher!.l1!.mean).toBeLessThan(2);
    const again = makeContext('latent', { text, set: [...set, 'distill.cacheTeacher=true'] });
    await expect(checkTask(again.context, ['distill'])).rejects.toThrow(
      'distill.cacheTeacher must be false or "auto" for a teacher with a latent vector: each step draws another',
    );
    const truth = makeContext('latent', { text, set: ['student={ratio: 1}', 'distill.reconTarget=truth'] });
    await expect(checkTask(truth.context, ['distill'])).rejects.toThrow(
      'distill.reconTarget must be "auto" or "teacher" for a teacher with a latent vector: what a vector gives is known of the teacher alone',
    );
  });

  it('is refused a search by labels where pictures do not tell them', async () => {
    const { context } = makeContext('searched', { set: ['search.quality=miou'] });
    await expect(checkTask(context, ['search'])).rejects.toThrow(
      'search.quality must not be "miou": the colours of the pictures of hills do not tell their labels',
    );
  });

  it('is refused, before it begins, with a network for other data', async () => {
    const set = ['teacher.generator={type: sngan, baseWidth: 2, latent: 3}', 'student={baseWidth: 1}'];
    const { context } = makeContext('other', { text: short, set });
    await expect(checkTask(context, ['teach'])).rejects.toThrow(
      'teacher.generator must take 3 label channels and one of edges [1, 4, 16, 16] and make [1, 3, 16, 16]',
    );
    await expect(checkTask(context, ['table'])).resolves.toBeUndefined();
  });
});

describe('data without true pictures', () => {
  const source: Source = { ...labelSource(size, { edges: false }), truth: false };

  it('teaches the student by its teacher, and is measured by distances to the teacher alone', async () => {
    const { context, out } = makeContext('untrue', {
      text: short,
      source,
      set: ['teacher.train.lambdaRecon=0'],
    });
    await checkTask(context, ['teach', 'distill']);
    for (const stage of [teach, distill, exportStudents, evaluate]) await stage(context);
    const { paired, sheet, models } = readMetrics(out);
    expect({ paired, sheet }).toEqual({ paired: false, sheet: ['condition', 'teacher', 'student'] });
    expect(models.map(({ truth }) => truth)).toEqual([{}, {}]);
    expect(models[1]!.teacher!.l1!.mean).toBeGreaterThan(0);
    expect(readJsonLines(join(out, 'distill/stats.jsonl'))[0]!.recon).toBeGreaterThan(0);
    expect(readJsonLines(join(out, 'teach/stats.jsonl'))[0]).not.toHaveProperty('recon');
  });

  it('refuses to compare with them', async () => {
    const set = ['distill.reconTarget=truth', 'evaluate.metrics=[l1, ppl]'];
    const { context } = makeContext('compared', { text: short, source, set });
    await expect(checkTask(context, ['teach'])).rejects.toThrow(
      /teacher\.train\.lambdaRecon must be 0 for the data source hills[\s\S]*distill\.reconTarget must be "auto" or "teacher"/,
    );
    await expect(checkTask(context, ['teach'])).rejects.toThrow(
      'evaluate.metrics must do without ppl: the teacher has no latent vector',
    );
  });
});
