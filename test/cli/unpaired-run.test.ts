import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { countMacs, inputSymbols } from '../../src/ops/cost.ts';
import { loadOnnx } from '../../src/ops/import-onnx.ts';
import { readMetrics } from '../../src/pipeline/measure/metrics-file.ts';
import { readJsonLines } from '../../src/util/json-lines.ts';
import { flatPicture } from '../support/data-folder.ts';
import { ganletHere } from './here.ts';

const size = 16;
const train = (more: string) => `{steps: 2, batch: 2, tick: 2, samples: 1, ganMode: lsgan${more}}`;

/** Every stage of a CycleGAN on two folders of pictures, searched by two processes. */
const recipe = `name: tiny
seed: 3
threads: 1
data: {source: unpaired, path: domains, size: ${size}}
teacher:
  generator: {type: unet, baseWidth: 4, levels: 2}
  train: ${train(', initGain: 0.2, cycle: {pool: 4}')}
discriminator: {type: patch, baseWidth: 2, layers: 1}
student: {ratio: 1}
supernet: ${train(', lambdaRecon: 10, probe: 0, sampling: uniform, widths: [4, 3, 2]')}
search: {budget: 0.5x, workers: 2, finalists: 2}
finetune: ${train(', lambdaRecon: 10')}
baselines: [naive]
evaluate: {metrics: [l1]}
`;

const folder = mkdtempSync(join(tmpdir(), 'ganlet-unpaired-'));
const out = join(folder, 'runs/tiny');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

beforeAll(async () => {
  const counts = { trainA: 5, trainB: 4, testA: 2, testB: 3 };
  for (const [domain, count] of Object.entries(counts)) {
    mkdirSync(join(folder, 'domains', domain), { recursive: true });
    for (let i = 0; i < count; i++) {
      const colour = domain.endsWith('A') ? [40 * i, 90, 200] : [250, 160, 50 * i];
      await flatPicture(folder, `domains/${domain}/${i}.png`, colour as [number, number, number]);
    }
  }
  writeFileSync(join(folder, 'tiny.yaml'), recipe);
});

describe('a recipe for unpaired pictures', () => {
  test('goes from teachers of both directions to table, its search in processes', async () => {
    const { status, stdout, stderr } = await ganletHere(['run', 'tiny.yaml'], folder);
    expect({ status, stderr }).toMatchObject({ status: 0, stderr: expect.not.stringContaining('error') });
    for (const role of ['teacher', 'naive', 'student']) expect(stdout).toContain(`| ${role}`);

    const result = JSON.parse(readFileSync(join(out, 'search/result.json'), 'utf8'));
    expect(result).toMatchObject({ searcher: 'exhaustive', ended: 'complete', metric: 'L1 to teacher' });
    expect(result.evaluations).toBe(4);
    const macs = (name: string) => {
      const network = loadOnnx(join(out, `${name}.onnx`));
      return countMacs(network, inputSymbols(network, { size })).true;
    };
    expect(macs('student')).toBe(result.macs);
    expect(macs('student')).toBeLessThanOrEqual(0.5 * macs('teacher'));
    expect(macs('naive')).toBe(macs('student'));

    const [first] = readJsonLines(join(out, 'teach/stats.jsonl'));
    for (const loss of ['cycle', 'cycleReverse', 'identity']) expect(first![loss]).toBeGreaterThan(0);
    for (const { role, truth, teacher } of readMetrics(out).models) {
      expect(truth).toEqual({});
      if (role !== 'teacher') expect(teacher!.l1!.mean).toBeGreaterThan(0);
    }
  });

  test('finds with one process what two found', async () => {
    const found = readFileSync(join(out, 'search/result.json'), 'utf8');
    rmSync(join(out, 'search'), { recursive: true });
    const search = ['search', 'tiny.yaml', '--set', 'search.workers=1', '--quiet'];
    expect(await ganletHere(search, folder)).toMatchObject({ status: 0, stderr: '' });
    expect(JSON.parse(readFileSync(join(out, 'search/result.json'), 'utf8'))).toEqual(JSON.parse(found));
  });
});
