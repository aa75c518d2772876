import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { onnxruntime } from '../../src/backend/onnxruntime.ts';
import { loadOnnx } from '../../src/ops/import-onnx.ts';
import { compileGenerator } from '../../src/pipeline/generate.ts';
import { searchIndices } from '../../src/pipeline/search/split.ts';
import { cutSupernet, loadSupernet } from '../../src/pipeline/supernet/file.ts';
import { loadRecipe } from '../../src/recipe/load.ts';
import { readJsonLines } from '../../src/util/json-lines.ts';
import { rng } from '../../src/util/rng.ts';
import { ganletHere, runHere } from './here.ts';
import { hashOf, tinyFolders, tinyRecipe } from './tiny-run.ts';

/** The tiny run with a supernet as wide as its student; `pictures` has six for training. */
const recipe = `${tinyRecipe
  .replace('student: {baseWidth: 2', 'student: {baseWidth: 4')
  .replace(
    'baselines: [naive]\n',
    '',
  )}supernet: {steps: 4, batch: 2, tick: 2, samples: 2, widths: [4, 3, 2], probe: 1, checkpointSeconds: 0}
`;
const fresh = tinyFolders({ recipe });
const distilled = tinyFolders({ recipe, finished: 'teach,distill' });
const run = async (cwd: string, ...args: string[]) => {
  const { status, stderr } = await ganletHere(args, cwd);
  if (status !== 0) throw new Error(stderr);
  return stderr;
};
const outOf = (cwd: string) => join(cwd, 'runs', 'tiny');

async function pictures(file: string): Promise<Float32Array> {
  const making = await compileGenerator(loadOnnx(file), 16, onnxruntime({ threads: 1 }));
  const noise = rng(1, 'noise').fillUniform(new Float32Array(2 * 3 * 16 * 16), -1, 1);
  return making.generate(noise).finally(() => making.dispose());
}

test('a supernet is trained from the distilled student, measured at each tick, and left with what may be cut from it', async () => {
  const cwd = await distilled();
  expect(await run(cwd, 'supernet', 'tiny.yaml')).toContain(
    'supernet: 729 width vectors, starts from the distilled student',
  );
  const out = outOf(cwd);
  const loaded = loadRecipe(join(cwd, 'tiny.yaml'));
  const supernet = loadSupernet({ out, loaded });
  expect(supernet.space.map(({ name, full, choices }) => [name, full, choices])).toEqual(
    ['stem', 'down1', 'trunk', 'inner1', 'up1', 'up2'].map((name) => [name, 4, [4, 3, 2]]),
  );
  const small = cutSupernet(supernet, [2, 3, 2, 4, 3, 2]);
  expect(small.architecture).toMatchObject({ type: 'resnet', widths: [2, 3, 2, 4, 3, 2] });
  expect(small.graph.constants.get('down2.weight')!.shape).toEqual([8, 6, 3, 3]);

  const lines = readJsonLines(join(out, 'supernet', 'stats.jsonl'));
  expect(lines.map(({ step }) => step)).toEqual([2, 4]);
  for (const line of lines) {
    for (const vector of ['largest', 'smallest', 'random1', 'random2'])
      for (const target of ['Recon', 'Teacher']) expect(line[vector + target]).toBeGreaterThan(0);
  }

  // Done before: nothing changes. Interrupted at the end: the same files again.
  const before = hashOf(out, 'supernet', 'network.onnx');
  expect(await run(cwd, 'supernet', 'tiny.yaml')).toContain('supernet: done before, nothing changed');
  rmSync(join(out, 'stages', 'supernet.json'));
  rmSync(join(out, 'supernet', 'network.onnx'));
  await run(cwd, 'supernet', 'tiny.yaml');
  expect(hashOf(out, 'supernet', 'network.onnx')).toBe(before);

  // Other widths are another training.
  const other = await ganletHere(['supernet', 'tiny.yaml', '--set', 'supernet.widths=[4, 2]'], cwd);
  expect(other.stderr).toMatch(/since then supernet\.widths changed from \[4,3,2\] to \[4,2\]/);
});

test('a supernet drawn near a budget depends on that budget', async () => {
  const cwd = await distilled();
  const near = (budget: string) =>
    ganletHere(
      ['supernet', 'tiny.yaml', '--set', 'supernet.sampling=budget', '--set', `search.budget=${budget}`],
      cwd,
    );
  expect((await near('0.5x')).status).toBe(0);
  expect((await near('0.5x')).stderr).toContain('supernet: done before, nothing changed');
  expect((await near('0.6x')).stderr).toMatch(
    /since then search\.budget\.ofTeacher changed from 0\.5 to 0\.6/,
  );
});

test('sorting the channels changes what the network computes by less than 1e-5', async () => {
  const cwd = await distilled();
  await run(cwd, 'supernet', 'tiny.yaml', '--set', 'supernet.lr=1e-12', '--set', 'supernet.ema=0');
  const [sorted, before] = ['supernet', 'distill'].map((stage) => join(outOf(cwd), stage, 'network.onnx'));
  const weight = (file: string) => loadOnnx(file).constants.get('down2.weight')!.tensor!.data;
  expect(weight(sorted!)).not.toBeAllclose(weight(before!) as Float32Array, { atol: 1e-3 });
  expect(await pictures(sorted!)).toBeAllclose(await pictures(before!), { atol: 1e-5, rtol: 0 });
});

describe('what a supernet cannot be', () => {
  const without = (...keys: string[]) => recipe.replace(new RegExp(`^(${keys.join('|')}):.*\\n`, 'gm'), '');
  const widths = (text: string) => recipe.replace('widths: [4, 3, 2]', `widths: ${text}`);
  const bad: [string, RegExp, string][] = [
    [
      'widths beyond the student',
      /supernet\.widths\.0 must be at most 4, the student's baseWidth, got 6/,
      widths('[6, 4]'),
    ],
    [
      'a supernet without a student',
      /student must be given where supernet is/,
      without('student', 'distill'),
    ],
    [
      'a start that is not made',
      /supernet\.from must not be "distill"/,
      without('distill').replace('probe: 1', 'probe: 1, from: distill'),
    ],
    [
      'an unknown group',
      /widths must name channel groups of the network, it has no "trunck"/,
      widths('{trunck: [2]}'),
    ],
  ];
  test.each(bad)('%s is an error before work starts', async (_, message, text) => {
    const cwd = await fresh();
    writeFileSync(join(cwd, 'tiny.yaml'), text);
    expect(await runHere(cwd)).toMatch(message);
    expect(existsSync(join(outOf(cwd), 'teach', 'checkpoint.safetensors'))).toBe(false);
  });

  test('before its start is there: the error says what makes it', async () => {
    const cwd = await distilled();
    rmSync(join(outOf(cwd), 'distill'), { recursive: true });
    const { stderr } = await ganletHere(['supernet', 'tiny.yaml'], cwd);
    expect(stderr).toMatch(/the supernet starts from .*distill\/network\.onnx, there is none/);
    expect(stderr).toContain('ganlet distill tiny.yaml');
  });
});

test('the dry run says how many vectors there are and what they cost', async () => {
  const cwd = await fresh();
  expect((await ganletHere(['supernet', 'tiny.yaml', '--dry-run'], cwd)).stdout).toMatch(
    /supernet 729 width vectors from \d+k MACs, .* to \d+k MACs/,
  );
});

test('held-out pictures are apart from each other and from what is trained on', async () => {
  const parts = (seed: number, holdout: number, train: number) =>
    searchIndices({ seed, supernet: { holdout } as never }, { train });
  const { train, search, finalists } = parts(1, 0.1, 1000);
  expect([train.length, search.length, finalists.length]).toEqual([900, 50, 50]);
  expect(new Set([...train, ...search, ...finalists]).size).toBe(1000);
  expect(parts(1, 0.1, 1000)).toEqual({ train, search, finalists });
  expect(parts(2, 0.1, 1000).search).not.toEqual(search);
  expect(parts(1, 0.01, 6)).toMatchObject({ search: { length: 1 }, finalists: { length: 1 } });
  expect(parts(1, 0.5, 3).train).toEqual([0, 1, 2]);
});
