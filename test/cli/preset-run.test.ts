import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { encodeOnnx } from '../../src/graph/onnx.ts';
import { unetGenerator } from '../../src/models/unet.ts';
import { loadOnnx } from '../../src/ops/import-onnx.ts';
import { randomise } from '../compress/networks.ts';
import { ganletHere } from './here.ts';
import { tinyFolders } from './tiny-run.ts';

/** What a user writes, and what keeps it short. */
const common = `name: tiny
threads: 1
data: {source: aligned, path: pictures, size: 16}
discriminator: {type: patch, baseWidth: 4, layers: 1}
search: {budget: 0.5x, workers: 1, finalists: 1, evolution: {population: 4, generations: 1}}
evaluate: {metrics: [l1]}
`;
const short = 'samples: 0, tick: 2';
const own = `${common}teacher:
  generator: {type: resnet, baseWidth: 4, blocks: 1}
  train: {steps: 2, batch: 2, ${short}}
`;
const full = `${own.replace('0.5x', '0.25x')}preset: full
student: {baseWidth: 2}
distill: {steps: 2, batch: 2, ${short}}
supernet: {widths: [2, 1], probe: 0, ${short}}
finetune: {${short}}
`;
const fast = `${own}preset: fast
supernet: {steps: 2, batch: 2, widths: [4, 2], probe: 0, ${short}}
finetune: {${short}}
`;
const foreign = `${common}teacher: {model: teacher.onnx}\n`;

const folder = tinyFolders({ recipe: common });
const weightsOf = (path: string) => [...loadOnnx(path).constants.keys()];

describe('a preset goes from a teacher to a table', () => {
  test.each([
    ['full', full, { searcher: 'exhaustive' }, ['teach', 'distill', 'supernet', 'finetune']],
    ['fast', fast, { searcher: 'evolution' }, ['teach', 'supernet', 'finetune']],
  ])('%s', async (_, recipe, result, trained) => {
    const cwd = await folder();
    writeFileSync(join(cwd, 'tiny.yaml'), recipe);
    const { status, stdout, stderr } = await ganletHere(['run', 'tiny.yaml'], cwd);
    expect(stderr).not.toMatch(/error/);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^\| student/m);
    const out = join(cwd, 'runs', 'tiny');
    const read = (file: string) => JSON.parse(readFileSync(join(out, file), 'utf8'));
    expect(read('search/result.json')).toMatchObject(result);
    const stages = ['teach', 'distill', 'supernet', 'finetune'];
    expect(stages.filter((stage) => existsSync(join(out, stage, 'stats.jsonl')))).toEqual(trained);
    expect(weightsOf(join(out, 'student.onnx'))).toContain('block1.conv1.pointwise.weight');
  });
});

describe('a U-Net from elsewhere', () => {
  const model = () => encodeOnnx(randomise(unetGenerator({ baseWidth: 16, levels: 3, size: 16 })));

  test.each(['full', 'fast'])('has no separable blocks, which preset %s does not ask for', async (preset) => {
    const cwd = await folder();
    writeFileSync(join(cwd, 'teacher.onnx'), model());
    writeFileSync(join(cwd, 'tiny.yaml'), `${foreign}preset: ${preset}\n`);
    const plan = await ganletHere(['run', 'tiny.yaml', '--dry-run'], cwd);
    expect(plan).toMatchObject({ status: 0, stderr: '' });
    expect(plan.stdout).toMatch(/^search +(auto|evolution), ofTeacher at most 0\.5x/m);
  });

  test('has layers that can be separated by their names', async () => {
    const cwd = await folder();
    writeFileSync(join(cwd, 'teacher.onnx'), model());
    const plain = foreign.replace(/^search.*\n/m, '');
    writeFileSync(
      join(cwd, 'tiny.yaml'),
      `${plain}student: {ratio: 1, separable: [down2]}
distill: {steps: 2, batch: 2, ${short}}
`,
    );
    const stages = ['run', 'tiny.yaml', '--quiet', '--stages', 'distill'];
    expect(await ganletHere(stages, cwd)).toMatchObject({ status: 0, stderr: '' });
    const weights = weightsOf(join(cwd, 'runs/tiny/distill/network.onnx'));
    expect(weights).toContain('down2.pointwise.weight');
    expect(weights).toContain('down1.weight');

    const unknown = [...stages, '--out', 'other', '--set', 'student.separable=[donw2]'];
    expect((await ganletHere(unknown, cwd)).stderr).toMatch(
      /^error: student\.separable must name dense convolutions .* it has no "donw2"\n {2}help: did you mean "down2"\?\n$/,
    );
  });
});

test('an exhaustive search of more vectors than anybody waits for is told before the training', async () => {
  const cwd = await folder();
  writeFileSync(join(cwd, 'tiny.yaml'), full);
  const wide = ['teacher.generator.baseWidth=8', 'student.baseWidth=8', 'search.budget=0.9x'];
  const sets = [...wide, 'supernet.widths=[8, 7, 6, 5, 4, 3, 2, 1]'].flatMap((set) => ['--set', set]);
  const { stderr } = await ganletHere(['run', 'tiny.yaml', ...sets, '--dry-run'], cwd);
  expect(stderr).toMatch(/^warning: search\.searcher exhaustive tries all of more than 20000 vectors/);
});
