import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { countMacs, inputSymbols } from '../../src/ops/cost.ts';
import { loadOnnx } from '../../src/ops/import-onnx.ts';
import { readMetrics } from '../../src/pipeline/measure/metrics-file.ts';
import { readJsonLines } from '../../src/util/json-lines.ts';
import { flatPicture, writeAt } from '../support/data-folder.ts';
import { pngOf } from '../support/png.ts';
import { ganletHere } from './here.ts';

const size = 16;
const train = (more: string) =>
  `{steps: 2, batch: 2, lrDiscriminator: 0.0004, beta1: 0, tick: 2, samples: 0, lambdaRecon: 0, lambdaFeature: 10${more}}`;

/** A GauGAN and its student on a folder of label maps, instance maps and pictures. */
const recipe = `name: tiny
seed: 3
threads: 1
data: {source: labelmap, path: maps, size: ${size}, labels: [sky, sea, sand], edges: true}
teacher:
  generator: {type: spade, baseWidth: 2}
  train: ${train(', initGain: 0.2')}
discriminator: {type: multiscale, baseWidth: 2, layers: 1}
student: {baseWidth: 1}
distill: ${train(', lambdaDistill: 10')}
evaluate: {metrics: [l1]}
`;

const folder = mkdtempSync(join(tmpdir(), 'ganlet-label-'));
const out = join(folder, 'runs/tiny');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

beforeAll(async () => {
  for (const [split, count] of Object.entries({ train: 4, test: 2 })) {
    for (let i = 0; i < count; i++) {
      // Of other labels at each size that the map is shrunk to: where pictures are all alike, rounding is all that a norm leaves.
      const bands = Array.from({ length: size * size }, (_, p) => (i + Math.floor(p / 24)) % 3);
      writeAt(folder, `maps/${split}/labels/${i}.png`, pngOf(size, size, bands));
      const objects = bands.map((label, p) => 10 * label + Number(p % size > 7));
      writeAt(folder, `maps/${split}/instances/${i}.png`, pngOf(size, size, objects));
      await flatPicture(folder, `maps/${split}/images/${i}.png`, [60 * i, 120, 200], [size, size]);
    }
  }
  writeFileSync(join(folder, 'tiny.yaml'), recipe);
});

describe('a recipe for label maps', () => {
  test('goes from a teacher with spectral norms to table', async () => {
    const { status, stdout, stderr } = await ganletHere(['run', 'tiny.yaml'], folder);
    expect({ status, stderr }).toMatchObject({ status: 0, stderr: expect.not.stringContaining('error') });
    for (const role of ['teacher', 'student']) expect(stdout).toContain(`| ${role}`);

    const [teacher, student] = ['teacher', 'student'].map((name) => loadOnnx(join(out, `${name}.onnx`)));
    for (const network of [teacher!, student!]) {
      expect(network.inputs.map(({ name, shape }) => [name, shape.slice(1)])).toEqual([
        ['labels', [4, size, size]],
      ]);
      expect([...network.constants.keys()].filter((name) => name.includes('spectral'))).toEqual([]);
    }
    const macs = (network: typeof student) => countMacs(network!, inputSymbols(network!, { size })).true;
    expect(macs(student)).toBeLessThan(macs(teacher));
    const card = JSON.parse(readFileSync(join(out, 'student.card.json'), 'utf8'));
    expect(card).toMatchObject({
      architecture: { type: 'spade' },
      condition: {
        kind: 'labels',
        labels: [{ name: 'sky' }, { name: 'sea' }, { name: 'sand' }],
        edges: true,
      },
      inputs: { labels: 'labels' },
    });

    const [first] = readJsonLines(join(out, 'teach/stats.jsonl'));
    expect(first!.feature).toBeGreaterThan(0);
    for (const { role, truth, teacher: toTeacher } of readMetrics(out).models) {
      expect(truth!.l1!.mean).toBeGreaterThan(0);
      if (role !== 'teacher') expect(toTeacher!.l1!.mean).toBeGreaterThan(0);
    }
  });
});
