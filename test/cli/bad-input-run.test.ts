import { existsSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { folderWith } from './ganlet.ts';
import { ganletHere } from './here.ts';
import { hashOf, tinyFolders } from './tiny-run.ts';

const finishedRun = tinyFolders({ finished: true });
const out = 'runs/tiny';

/** Changes a file of JSON. */
function edit(path: string, change: (content: Record<string, unknown>) => unknown): void {
  const content = JSON.parse(readFileSync(path, 'utf8'));
  writeFileSync(path, JSON.stringify(change(content) ?? content));
}

/** The run as it was before the stage, but for its training state. */
async function beforeStage(stage: string): Promise<string> {
  const folder = await finishedRun();
  rmSync(join(folder, out, 'stages', `${stage}.json`));
  return folder;
}

describe('a training state that is damaged', () => {
  test.each([
    ['cut short', (file: string) => truncateSync(file, 20_000), /does not fit its place/],
    ['empty', (file: string) => truncateSync(file, 0), /it has 0 bytes/],
    ['of another kind', (file: string) => writeFileSync(file, 'no tensors'), /its header is cut off/],
    ['changed in one bit', (file: string) => flip(file, -1000), /its contents have changed/],
    ['moved to another step', (file: string) => replace(file, 'step\\":4', 'step\\":3'), /have changed/],
    ['without its notes', (file: string) => replace(file, '"ganlet"', '"genlet"'), /is not valid JSON/],
  ])('%s is refused, with the file to delete', async (_, harm, why) => {
    const folder = await beforeStage('distill');
    const student = hashOf(folder, out, 'student.onnx');
    const state = join(out, 'distill/checkpoint.safetensors');
    harm(join(folder, state));
    const { status, stderr } = await ganletHere(['run', 'tiny.yaml', '--quiet'], folder);
    const [error, help] = stderr.split('\n');
    expect(status).toBe(1);
    expect(error).toMatch(new RegExp(`^error: the training state ${state} is damaged: `));
    expect(error).toMatch(why);
    expect(help).toBe(
      '  help: delete that file to train again from the start; an older copy of it does as well',
    );
    expect(hashOf(folder, out, 'student.onnx')).toBe(student);
  });

  test('deleted, lets the training give the same', async () => {
    const folder = await beforeStage('distill');
    const student = hashOf(folder, out, 'student.onnx');
    rmSync(join(folder, out, 'distill/checkpoint.safetensors'));
    rmSync(join(folder, out, 'student.onnx'));
    expect((await ganletHere(['run', 'tiny.yaml', '--quiet'], folder)).status).toBe(0);
    expect(hashOf(folder, out, 'student.onnx')).toBe(student);
  });

  test('that is a folder', async () => {
    const folder = await beforeStage('distill');
    const state = join(out, 'distill/checkpoint.safetensors');
    rmSync(join(folder, state));
    mkdirSync(join(folder, state));
    expect((await ganletHere(['distill', 'tiny.yaml', '--quiet'], folder)).stderr).toBe(
      `error: cannot read ${state}: there is a folder of that name\n  help: name a file\n`,
    );
  });
});

describe('a recipe that has changed since', () => {
  const refusal = (stage: string, changes: string) =>
    `error: the training state in ${out}/${stage} must come from the same settings, since then ${changes}\n` +
    `  help: change that back, give another --out, or delete ${out}/${stage} to train again from the start\n`;

  test.each([
    [['--set', 'distill.lr=0.1'], 'distill', 'distill.lr changed from 0.0002 to 0.1'],
    [['--set', 'data.flip=false'], 'teach', 'data.flip changed from true to false'],
    [['--set', 'data.jitter=0.2'], 'teach', 'data.jitter changed from 0 to 0.2'],
    [
      ['--set', 'student.baseWidth=1', '--set', 'discriminator.baseWidth=2', '--stages', 'distill'],
      'distill',
      'discriminator.baseWidth changed from 4 to 2, student.baseWidth changed from 2 to 1',
    ],
    [['--seed', '4'], 'teach', 'seed changed from 3 to 4'],
  ])('%j is refused by the names of the keys, and the run stays as it was', async (args, stage, changes) => {
    const folder = await finishedRun();
    const files = ['recipe.yaml', 'teacher.onnx', 'student.onnx', 'metrics.json'];
    const before = files.map((file) => hashOf(folder, out, file));
    const outcome = await ganletHere(['run', 'tiny.yaml', '--quiet', ...args], folder);
    expect(outcome).toEqual({ status: 1, stdout: '', stderr: refusal(stage, changes) });
    expect(files.map((file) => hashOf(folder, out, file))).toEqual(before);
  });

  test('other pictures are named as such', async () => {
    const folder = await finishedRun();
    rmSync(join(folder, 'pictures/train/5.png'));
    expect((await ganletHere(['run', 'tiny.yaml', '--quiet'], folder)).stderr).toBe(
      refusal('teach', 'the set of pictures changed'),
    );
  });

  test('what changes no training is no reason to refuse', async () => {
    const folder = await finishedRun();
    const args = ['--set', 'distill.checkpointSeconds=9', '--set', 'evaluate.split=val'];
    expect(await ganletHere(['run', 'tiny.yaml', '--quiet', ...args], folder)).toMatchObject({
      status: 0,
      stderr: '',
    });
    expect(readFileSync(join(folder, out, 'recipe.yaml'), 'utf8')).toContain('split: val');
  });
});

describe('notes that were edited or lost', () => {
  test.each([[''], ['null'], ['{"inputs":5}'], ['{"files":5}'], ['{"files":null}']])(
    'a stage record %j makes the stage look again',
    async (content) => {
      const folder = await finishedRun();
      const record = join(folder, out, 'stages/teach.json');
      if (content.startsWith('{')) edit(record, (old) => ({ ...old, ...JSON.parse(content) }));
      else writeFileSync(record, content);
      const teacher = hashOf(folder, out, 'teacher.onnx');
      expect(await ganletHere(['teach', 'tiny.yaml'], folder)).toEqual({ status: 0, stdout: '', stderr: '' });
      expect(hashOf(folder, out, 'teacher.onnx')).toBe(teacher);
      expect((await ganletHere(['teach', 'tiny.yaml'], folder)).stderr).toBe(
        'teach: done before, nothing changed\n',
      );
    },
  );

  const help =
    '  help: bring back the card that was written with the network, or delete it: the network is then taken as a foreign one\n';

  test.each([
    ['no JSON', '{', 'it is not JSON'],
    [
      'an impossible architecture',
      '{"architecture":{"type":"resnet","baseWidth":-3}}',
      'its architecture.baseWidth is not right: must be a whole number from 1 to 1024',
    ],
    ['another file', `{"sha256":"${'0'.repeat(64)}"}`, 'it describes another file'],
  ])("a teacher's card of %s is refused, and written again with the teacher", async (_, content, why) => {
    const folder = await beforeStage('distill');
    const card = join(folder, out, 'teacher.card.json');
    writeFileSync(card, content);
    expect((await ganletHere(['distill', 'tiny.yaml', '--quiet'], folder)).stderr).toBe(
      `error: ${out}/teacher.card.json must describe teacher.onnx, ${why}\n${help}`,
    );
    expect(await ganletHere(['run', 'tiny.yaml', '--quiet'], folder)).toMatchObject({
      status: 0,
      stderr: '',
    });
    expect(JSON.parse(readFileSync(card, 'utf8'))).toMatchObject({
      role: 'teacher',
      architecture: { type: 'resnet', baseWidth: 4 },
      sha256: hashOf(folder, out, 'teacher.onnx'),
      metrics: { split: 'test' },
    });
  });

  test("a student's lost card is written again, with its measurements", async () => {
    const folder = await finishedRun();
    const card = join(folder, out, 'student.card.json');
    const before = JSON.parse(readFileSync(card, 'utf8'));
    rmSync(card);
    expect(await ganletHere(['run', 'tiny.yaml', '--quiet'], folder)).toMatchObject({
      status: 0,
      stderr: '',
    });
    expect(JSON.parse(readFileSync(card, 'utf8'))).toEqual(before);
  });

  test('notes of the training that are damaged stop the export alone, not the whole run', async () => {
    const folder = await beforeStage('export-student');
    writeFileSync(join(folder, out, 'distill/network.json'), '{"architecture":5}');
    expect(await ganletHere(['export', 'tiny.yaml', '--quiet'], folder)).toEqual({
      status: 1,
      stdout: '',
      stderr:
        `error: ${out}/distill/network.json must be what the training wrote, it is missing or damaged\n` +
        `  help: write it again from the last training state: ganlet distill tiny.yaml --out ${out}\n`,
    });
    expect((await ganletHere(['run', 'tiny.yaml', '--quiet'], folder)).status).toBe(0);
  });

  test('measurements edited by hand are refused by the table, and taken again by the run', async () => {
    const folder = await finishedRun();
    edit(join(folder, out, 'metrics.json'), (content) => ({ ...content, count: 0 }));
    expect(await ganletHere(['table', out], folder)).toEqual({
      status: 1,
      stdout: '',
      stderr:
        `error: ${out}/metrics.json must be a file that ganlet evaluate wrote (at count)\n` +
        `  help: delete it, then measure it: ganlet evaluate ${out}/recipe.yaml --out ${out}\n`,
    });
    expect((await ganletHere(['run', 'tiny.yaml', '--quiet'], folder)).status).toBe(0);
    expect((await ganletHere(['table', out], folder)).status).toBe(0);
  });

  test('statistics that are no lines of JSON are named by file and line', async () => {
    const folder = await beforeStage('distill');
    rmSync(join(folder, out, 'distill/checkpoint.safetensors'));
    writeFileSync(join(folder, out, 'distill/stats.jsonl'), 'hello\n{"step":4}\n');
    expect((await ganletHere(['distill', 'tiny.yaml', '--quiet'], folder)).stderr).toBe(
      `error: ${out}/distill/stats.jsonl:1 must be one JSON object, got "hello"\n` +
        '  help: delete the line, or the file if it was not written by ganlet\n',
    );
  });

  test('a discriminator that is none, or one for other pictures, is refused before training', async () => {
    const folder = await beforeStage('distill');
    rmSync(join(folder, out, 'distill'), { recursive: true });
    const file = join(out, 'discriminator.onnx');
    writeFileSync(join(folder, file), readFileSync(join(folder, out, 'teacher.onnx')));
    const wanted = `error: ${file} must judge pictures [1, 6, 16, 16], it turns`;
    expect((await ganletHere(['distill', 'tiny.yaml', '--quiet'], folder)).stderr).toBe(
      `${wanted} [batch, 3, 16, 16] into [batch, 3, 16, 16]\n` +
        '  help: set distill.initDiscriminator to random, or take the discriminator trained with this teacher\n',
    );
    await ganletHere(
      ['model', 'patch', '--base-width', '2', '--layers', '1', '--size', '64', '--out', file],
      folder,
    );
    expect((await ganletHere(['distill', 'tiny.yaml', '--quiet'], folder)).stderr).toContain(
      `${wanted} [batch, 6, 64, 64] into [batch, 1, 30, 30]\n`,
    );
    expect(existsSync(join(folder, out, 'distill'))).toBe(false);
  });
});

describe('table', () => {
  test.each([
    ['nowhere', 'nowhere must be the folder of a run, there is none', 'ganlet run <recipe> makes one'],
    [
      '/',
      '/ must hold metrics.json, it has not been measured yet',
      'measure it: ganlet evaluate <recipe> --out /',
    ],
    ['file', 'file must be the folder of a run, it is a file', 'ganlet run <recipe> makes one'],
  ])('of %s says what is missing', async (run, error, help) => {
    expect(await ganletHere(['table', run], folderWith({ file: '' }))).toEqual({
      status: 1,
      stdout: '',
      stderr: `error: ${error}\n  help: ${help}\n`,
    });
  });
});

function flip(file: string, at: number): void {
  const bytes = readFileSync(file);
  bytes[bytes.length + at]! ^= 1;
  writeFileSync(file, bytes);
}

function replace(file: string, from: string, to: string): void {
  const bytes = readFileSync(file);
  const at = bytes.indexOf(from);
  if (at < 0) throw new Error(`${file} does not hold ${from}`);
  bytes.write(to, at);
  writeFileSync(file, bytes);
}
