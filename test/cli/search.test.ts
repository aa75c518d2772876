import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { countMacs, countParameters, inputSymbols } from '../../src/ops/cost.ts';
import { loadOnnx } from '../../src/ops/import-onnx.ts';
import { program } from './ganlet.ts';
import { ganletHere, runHere } from './here.ts';
import { hashOf, writePictures } from './tiny-run.ts';

/** A supernet of 64 width vectors, a search, and what follows. */
const recipe = `name: tiny
seed: 3
threads: 1
data: {source: aligned, path: pictures, size: 16}
teacher:
  generator: {type: resnet, baseWidth: 4, blocks: 1}
  train: {steps: 2, batch: 2, tick: 2, samples: 0, initGain: 0.2}
discriminator: {type: patch, baseWidth: 4, layers: 1}
student: {ratio: 1, separable: true}
supernet: {steps: 2, batch: 2, tick: 2, samples: 0, probe: 0, widths: [4, 2]}
search:
  budget: 0.5x
  workers: 1
  finalists: 2
  evolution: {population: 4, generations: 2}
finetune: {steps: 2, batch: 2, tick: 2, samples: 0}
baselines: [naive, uniform]
evaluate: {metrics: [l1]}
`;
const out = 'runs/tiny';
const kept = mkdtempSync(join(tmpdir(), 'ganlet-search-'));
afterAll(() => rmSync(kept, { recursive: true, force: true }));

/** The run with its teacher and supernet, once for all tests. */
let ready: Promise<void> | undefined;
async function prepare(): Promise<void> {
  writeFileSync(join(kept, 'tiny.yaml'), recipe);
  await writePictures(kept);
  const { status, stderr } = await ganletHere(['run', 'tiny.yaml', '--stages', 'teach,supernet'], kept);
  if (status !== 0) throw new Error(stderr);
}

async function trained(): Promise<string> {
  ready ??= prepare();
  await ready;
  const folder = mkdtempSync(join(tmpdir(), 'ganlet-cli-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  cpSync(kept, folder, { recursive: true });
  return folder;
}

const read = (folder: string, file: string) => JSON.parse(readFileSync(join(folder, out, file), 'utf8'));
const lines = (folder: string) => {
  const path = join(folder, out, 'search/search.jsonl');
  return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n').filter(Boolean) : [];
};

describe('a recipe with a search', () => {
  test('goes from supernet to table, and does nothing the second time', async () => {
    const folder = await trained();
    const { status, stderr, stdout } = await ganletHere(['run', 'tiny.yaml'], folder);
    expect(stderr).not.toMatch(/error/);
    expect(status).toBe(0);
    const result = read(folder, 'search/result.json');
    expect(result).toMatchObject({ searcher: 'exhaustive', ended: 'complete', metric: 'L1 to teacher' });
    expect(result.finalists).toHaveLength(2);

    const teacher = loadOnnx(join(folder, out, 'teacher.onnx'));
    const student = loadOnnx(join(folder, out, 'student.onnx'));
    const macs = (network: typeof student) => countMacs(network, inputSymbols(network, { size: 16 })).true;
    expect(macs(student)).toBe(result.macs);
    expect(countParameters(student)).toBe(result.params);
    expect(result.macs).toBeLessThanOrEqual(0.5 * macs(teacher));
    expect(macs(loadOnnx(join(folder, out, 'naive.onnx')))).toBe(result.macs);
    const uniform = macs(loadOnnx(join(folder, out, 'uniform.onnx')));
    expect(uniform).toBeLessThanOrEqual(result.macs);
    expect(uniform).toBeGreaterThan(0.9 * result.macs);

    const scored = lines(folder).map((line) => JSON.parse(line));
    expect(scored.filter(({ part }) => part === 'search')).toHaveLength(result.evaluations);
    for (const { macs: cost } of scored) expect(cost).toBeLessThanOrEqual(0.5 * macs(teacher));
    const best = Math.min(...scored.filter(({ part }) => part === 'search').map(({ quality }) => quality));
    expect(result.finalists.map((f: { quality: { search: number } }) => f.quality.search)).toContain(best);

    const card = read(folder, 'student.card.json');
    expect(card.architecture.widths.join('_')).toBe(result.vector);
    expect(card.search).toMatchObject({ vector: result.vector, finetuned: expect.any(Boolean) });
    const { before, after } = card.search.finetuning;
    expect(card.search.finetuned).toBe(after < before);
    expect(hashOf(folder, out, 'finetune/network.onnx') === hashOf(folder, out, 'search/network.onnx')).toBe(
      !card.search.finetuned,
    );
    expect(stderr.includes('fine-tuning did not help')).toBe(!card.search.finetuned);
    for (const role of ['naive', 'uniform']) expect(read(folder, `${role}.card.json`).training.steps).toBe(4);
    expect(stdout.match(/^\| (\w+)/gm)).toEqual(
      ['model', 'teacher', 'naive', 'uniform', 'student'].map((role) => `| ${role}`),
    );

    const hash = hashOf(folder, out, 'student.onnx');
    const again = await ganletHere(['run', 'tiny.yaml'], folder);
    expect(again.status).toBe(0);
    expect(again.stderr).toContain('search: done before, nothing changed');
    expect(again.stderr).toContain('finetune: done before, nothing changed');
    expect(hashOf(folder, out, 'student.onnx')).toBe(hash);
    expect(lines(folder)).toHaveLength(scored.length);
  });

  test('exports the student as it was cut out where it is not fine-tuned; widths can be given by hand', async () => {
    const folder = await trained();
    writeFileSync(join(folder, 'tiny.yaml'), recipe.replace(/^finetune.*\nbaselines.*\n/m, ''));
    const found = await ganletHere(['search', 'tiny.yaml', '--widths', '2_4_2_2_4_2'], folder);
    expect(found.stderr).not.toMatch(/error|warning/);
    expect(read(folder, 'search/result.json')).toMatchObject({
      vector: '2_4_2_2_4_2',
      searcher: 'given',
      evaluations: 0,
      widths: { stem: 2, down1: 8, down2: 8, 'block1.conv1': 8, up1: 8, up2: 2 },
    });
    expect(lines(folder)).toHaveLength(0);
    expect((await ganletHere(['export', 'tiny.yaml', '--quiet'], folder)).status).toBe(0);
    expect(read(folder, 'student.card.json').architecture.widths).toEqual([2, 4, 2, 2, 4, 2]);
    // Another vector by hand may take its place, and one beyond the budget is told.
    const wide = ['--widths', '4_4_4_4_4_4', '--set', 'search.budget={params: 300, latency: 0.001}'];
    expect((await ganletHere(['search', 'tiny.yaml', ...wide, '--quiet'], folder)).stderr).toMatch(
      /^warning: 4_4_4_4_4_4 costs more than search\.budget \(params\) allows: \S+ instead of 300\n.*4_4_4_4_4_4 costs more than search\.budget \(latency\) allows: \S+ms instead of 0\.001ms\n$/,
    );
    expect(read(folder, 'search/result.json').vector).toBe('4_4_4_4_4_4');
  });
});

test('fine-tuning is kept where it helps, and only there', async () => {
  const folder = await trained();
  expect(
    (await ganletHere(['search', 'tiny.yaml', '--widths', '4_4_4_4_4_4', '--quiet'], folder)).status,
  ).toBe(0);
  const searched = hashOf(folder, out, 'search/network.onnx');
  const tune = async (settings: string) => {
    rmSync(join(folder, out, 'finetune'), { recursive: true, force: true });
    const sets = ['--set', `finetune=${settings}`, '--set', 'baselines=[]'];
    return (await ganletHere(['finetune', 'tiny.yaml', ...sets], folder)).stderr;
  };
  const often = '{steps: 40, batch: 4, tick: 40, samples: 0, ema: 0, lambdaGan: 0, reconTarget: teacher';
  expect(await tune(`${often}, lr: 0.003}`)).toMatch(
    /finetune: L1 to teacher \S+ before, \S+ after, on 2 pictures/,
  );
  expect(read(folder, 'finetune/network.json').search.finetuned).toBe(true);
  expect(hashOf(folder, out, 'finetune/network.onnx')).not.toBe(searched);

  expect(await tune('{steps: 2, batch: 2, tick: 2, samples: 0, ema: 0, lr: 0.9}')).toMatch(
    /warning: fine-tuning did not help, the student stays as it was searched: L1 to teacher/,
  );
  expect(read(folder, 'finetune/network.json').search.finetuned).toBe(false);
  expect(hashOf(folder, out, 'finetune/network.onnx')).toBe(searched);
});

describe('a search that is killed', () => {
  const all = [
    '--quiet',
    ...[
      'budget=0.6x',
      'searcher=evolution',
      'evolution={population: 12, generations: 4, patience: 9}',
    ].flatMap((set) => ['--set', `search.${set}`]),
  ];

  test('goes on where it was and finds what it would have found', async () => {
    const folder = await trained();
    const allowed = ['search', 'tiny.yaml', ...all];
    expect((await ganletHere(allowed, folder)).stderr).toBe('');
    const whole = read(folder, 'search/result.json');
    const scores = lines(folder).map(withoutTime).sort();
    expect(scores.length).toBeGreaterThan(20);
    rmSync(join(folder, out, 'search'), { recursive: true });

    for (const count of [3, 15]) {
      const child = spawn(process.execPath, [program, ...allowed], { cwd: folder, stdio: 'ignore' });
      await waitForLines(folder, count, child);
      child.kill('SIGKILL');
      await once(child, 'exit');
      expect(existsSync(join(folder, out, 'search/result.json'))).toBe(false);
    }
    // A kill can cut a line short.
    writeFileSync(join(folder, out, 'search/search.jsonl'), '{"key":"half', { flag: 'a' });
    const before = lines(folder).length - 1;
    expect((await ganletHere(allowed, folder)).stderr).toBe('');
    expect(before).toBeGreaterThanOrEqual(15);
    expect(read(folder, 'search/result.json')).toEqual(whole);
    expect(lines(folder).map(withoutTime).sort()).toEqual(scores);
  });

  test('is not mixed with a search of another recipe, whose changed key is named', async () => {
    const folder = await trained();
    expect((await ganletHere(['search', 'tiny.yaml', '--quiet'], folder)).stderr).toBe('');
    const before = [hashOf(folder, out, 'search/result.json'), ...lines(folder)];
    const changed = await ganletHere(
      ['search', 'tiny.yaml', '--set', 'search.finalists=1', '--quiet'],
      folder,
    );
    expect(changed.status).toBe(1);
    expect(changed.stderr).toBe(
      `error: the scores in ${out}/search must come from the same settings, since then search.finalists changed from 2 to 1\n  help: change that back, give another --out, or delete ${out}/search to search again\n`,
    );
    expect([hashOf(folder, out, 'search/result.json'), ...lines(folder)]).toEqual(before);
    const given = await ganletHere(['search', 'tiny.yaml', '--widths', '2_2_2_2_2_2'], folder);
    expect(given.status).toBe(1);
    expect(given.stderr).toMatch(
      /error: a vector given by hand must not take the place of one that was searched, \S+search has the result of a search \(exhaustive, .*\)\n {2}help: give another --out/,
    );
    expect([hashOf(folder, out, 'search/result.json'), ...lines(folder)]).toEqual(before);
    const workers = await ganletHere(['search', 'tiny.yaml', '--set', 'search.workers=2'], folder);
    expect(workers.stderr).toContain('search: done before, nothing changed');
  });

  test('goes on where a default was written down, or only what is drawn and kept on the way changed', async () => {
    const folder = await trained();
    const searching = ['run', 'tiny.yaml', '--stages', 'teach,supernet,search'];
    expect((await ganletHere([...searching, '--quiet'], folder)).stderr).toBe('');
    const sets = [
      'search.quality=teacher-l1',
      'teacher.train.samples=3',
      'supernet.samples=3',
      'supernet.snapshot=1',
      'supernet.checkpointSeconds=1',
    ];
    const again = await ganletHere([...searching, ...sets.flatMap((set) => ['--set', set])], folder);
    expect(again.stderr.match(/\w+(?=: done before)/g)).toEqual(['teach', 'supernet', 'search']);
  });
});

test.each([
  ['supernet.holdout=0.4', 'supernet.holdout changed from 0.1 to 0.4'],
  ['supernet.widths=[4, 3, 2]', 'supernet.widths changed from [4,2] to [4,3,2]'],
  ['student.ratio=0.5', 'student.ratio changed from 1 to 0.5'],
  ['seed=4', 'seed changed from 3 to 4'],
])('a supernet of other settings is not searched: %s', async (set, change) => {
  ready ??= prepare();
  await ready;
  expect(await ganletHere(['search', 'tiny.yaml', '--set', set, '--quiet'], kept)).toMatchObject({
    status: 1,
    stderr: `error: the supernet in ${out}/supernet must come from the same settings, since then ${change}\n  help: change that back, or give another --out\n`,
  });
  expect(existsSync(join(kept, out, 'search'))).toBe(false);
});

describe('a search that cannot be done is refused before anything is trained', () => {
  test.each([
    [
      'search.budget=0.01x',
      /^error: search\.budget \(ofTeacher\) must be from 0\.\d+x to 0\.\d+x, which is what supernet\.widths reach, got 0\.01x\n {2}help: raise the budget/,
    ],
    [
      'search.budget=1G',
      /^error: search\.budget \(macs\) must be from \d+k to \d+k, .*, got 1\.00G\n {2}help: lower the budget/,
    ],
    ['search.budget={params: 3}', /^error: search\.budget \(params\) must be from .* got 3\n/],
    ['search.budget=1000s', /^error: search\.budget \(latency\) must be from .*ms, .* got 1000000ms\n/],
    ['supernet.widths=[8, 4]', /^error: the widths of stem must be at most 4, its full width, got 8\n/],
    [
      'supernet.widths={head: [1]}',
      /^error: group "head" must keep its 3 channels: network output "image"\n/,
    ],
    [
      'supernet.widths={trunc: [2]}',
      /^error: widths must name channel groups of the network, it has no "trunc"\n {2}help: did you mean "trunk"\?\n/,
    ],
    [
      'search.widths=4_4',
      /^error: a width vector must have 6 numbers, for stem, down1, trunk, inner1, up1, up2, got 2\n/,
    ],
    ['search.widths=9_4_4_4_4_4', /^error: the width of stem must be above 0 and at most 4, got 9\n/],
  ])('%s', async (set, message) => {
    ready ??= prepare();
    await ready;
    expect(await runHere(kept, { out: 'refused', set: [set] })).toMatch(message);
    expect(existsSync(join(kept, 'refused'))).toBe(false);
  });

  test.each([
    ['lpips', [], 'the network lpips-alex is not here: .* offline nothing is fetched'],
    [
      'frechet',
      ['search.features=inception'],
      'the network inception is not here: .* offline nothing is fetched',
    ],
    [
      'kid',
      ['search.features=missing.onnx'],
      'a feature network must be at .*missing.onnx, there is no such file',
    ],
    [
      'lpips',
      ['search.features=alexx'],
      'the network of LPIPS must be .* got "alexx"\\n {2}help: did you mean alex',
    ],
  ])('as one by a network that cannot be had: %s %j', async (quality, sets, message) => {
    ready ??= prepare();
    await ready;
    const set = [`search.quality=${quality}`, ...sets].flatMap((each) => ['--set', each]);
    const offline = { GANLET_CACHE: join(kept, 'cache'), HF_HUB_OFFLINE: '1' };
    const args = ['run', 'tiny.yaml', '--quiet', '--out', 'networks', ...set];
    expect(await ganletHere(args, kept, offline)).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(new RegExp(`^error: ${message}`)),
    });
    expect(existsSync(join(kept, 'networks', 'teach'))).toBe(false);
  });

  test('or before its supernet is there', async () => {
    ready ??= prepare();
    await ready;
    cpSync(join(kept, out, 'teacher.onnx'), join(kept, 'early/teacher.onnx'));
    const searched = await runHere(kept, { out: 'early', stages: ['search'] });
    expect(searched).toMatch(
      /^error: the supernet must be at .*, there is none\n {2}help: train it first: ganlet supernet/,
    );
    const tuned = await runHere(kept, { out: 'early', stages: ['finetune'] });
    expect(tuned).toMatch(/^error: the widths that were chosen must be in .*result\.json, there is none\n/);
  });
});

const withoutTime = (line: string) => {
  const { seconds: _, ...rest } = JSON.parse(line);
  return JSON.stringify(rest);
};

async function waitForLines(folder: string, count: number, child: ChildProcess): Promise<void> {
  while (lines(folder).length < count) {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode} before it could be killed`);
    await setTimeout(20);
  }
}
