import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { folderWith, ganlet, type Outcome, program } from './ganlet.ts';
import { ganletHere } from './here.ts';
import { hashOf, writePictures } from './tiny-run.ts';

/** The smallest run through every stage: a teacher, a separable student and its naive twin on 16 px pictures. */
const recipe = `name: tiny
seed: 3
threads: 1
data: {source: aligned, path: pictures, size: 16, flip: true}
teacher:
  generator: {type: resnet, baseWidth: 4, blocks: 1}
  train: {steps: 8, batch: 2, tick: 4, samples: 2, initGain: 0.2, snapshot: 4}
discriminator: {type: patch, baseWidth: 4, layers: 1}
student: {baseWidth: 2, separable: true}
distill: {steps: 8, batch: 2, tick: 4, samples: 2, checkpointSeconds: 0, diffaugment: [color, translation]}
baselines: [naive]
`;

async function runFolder(text = recipe): Promise<string> {
  const folder = folderWith({ 'tiny.yaml': text });
  await writePictures(folder);
  return folder;
}

/** The whole run, once, and what was said. */
const kept = mkdtempSync(join(tmpdir(), 'ganlet-run-'));
afterAll(() => rmSync(kept, { recursive: true, force: true }));
let ran: Promise<Outcome> | undefined;
function wholeRun(): Promise<Outcome> {
  const start = async () => {
    writeFileSync(join(kept, 'tiny.yaml'), recipe);
    await writePictures(kept);
    return ganlet(['run', 'tiny.yaml'], kept);
  };
  ran ??= start();
  return ran;
}

describe('ganlet run', () => {
  test('goes through every stage, leaves what it promises, and does nothing the second time', async () => {
    const first = await wholeRun();
    expect(first.stderr).not.toMatch(/error/);
    expect(first.status).toBe(0);
    const out = join(kept, 'runs/tiny');
    for (const file of [
      'recipe.yaml',
      'teacher.onnx',
      'teacher.card.json',
      'discriminator.onnx',
      'student.onnx',
      'student.card.json',
      'naive.onnx',
      'metrics.json',
      'comparison.png',
      'table.md',
      'teach/stats.jsonl',
      'teach/samples/step-0000008.png',
      'teach/snapshots/step-0000004.onnx',
      'distill/stats.jsonl',
      'naive/samples/step-0000004.png',
    ]) {
      expect(existsSync(join(out, file)), file).toBe(true);
    }
    expect(existsSync(join(out, 'lock'))).toBe(false);
    expect(first.stdout).toMatch(/^\| *model/im);
    for (const row of ['teacher', 'naive', 'student']) expect(first.stdout).toContain(row);
    const card = JSON.parse(readFileSync(join(out, 'student.card.json'), 'utf8'));
    expect(card).toMatchObject({
      role: 'student',
      architecture: { type: 'resnet', baseWidth: 2, separable: true },
      sha256: hashOf(out, 'student.onnx'),
      backend: { engine: 'onnxruntime-node', provider: 'cpu', threads: 1 },
      teacher: { sha256: hashOf(out, 'teacher.onnx') },
      seed: 3,
    });

    const student = hashOf(out, 'student.onnx');
    const second = await ganletHere(['run', 'tiny.yaml'], kept);
    expect(second.stderr).toBe(
      ['teach', 'distill', 'naive', 'export student', 'export naive', 'evaluate']
        .map((stage) => `${stage}: done before, nothing changed\n`)
        .join(''),
    );
    expect(second.stdout).toBe(first.stdout);
    expect(hashOf(out, 'student.onnx')).toBe(student);
  });

  test('killed without warning and started again it ends with the same student, bit for bit', async () => {
    await wholeRun();
    const folder = await runFolder();
    const args = ['run', 'tiny.yaml', '--quiet', '--stages', 'teach,distill,export'];
    const out = join(folder, 'runs/tiny');
    let kills = 0;
    for (const file of [
      'recipe.yaml',
      'teach/stats.jsonl',
      'teacher.onnx',
      'distill/checkpoint.safetensors',
      'naive/checkpoint.safetensors',
    ]) {
      const child = spawn(process.execPath, [program, ...args], { cwd: folder, stdio: 'ignore' });
      const exited = once(child, 'close');
      while (!existsSync(join(out, file)) && child.exitCode === null) await setTimeout(2);
      child.kill('SIGKILL');
      const [, signal] = await exited;
      if (signal === 'SIGKILL') kills++;
    }
    // On a busy machine one of them may have come to its end before.
    expect(kills).toBeGreaterThan(2);
    expect(await ganletHere(args, folder)).toMatchObject({ status: 0, stderr: '' });
    expect(hashOf(out, 'student.onnx')).toBe(hashOf(kept, 'runs/tiny/student.onnx'));
    expect(readdirSync(out).filter((name) => /tmp|partial/.test(name))).toEqual([]);
  });

  test('one folder takes one run at a time', async () => {
    const folder = await runFolder(recipe.replace('train: {steps: 8', 'train: {steps: 4000'));
    const first = spawn(process.execPath, [program, 'run', 'tiny.yaml', '--quiet'], {
      cwd: folder,
      stdio: 'ignore',
    });
    const lock = join(folder, 'runs/tiny/lock');
    while (!existsSync(lock)) await setTimeout(50);
    const second = await ganletHere(['run', 'tiny.yaml'], folder);
    first.kill('SIGKILL');
    await once(first, 'close');
    expect(second.status).toBe(1);
    expect(second.stderr).toMatch(/^error: runs\/tiny is in use by process \d+ on \S+ since .*\n {2}help: /);
  });

  test('--dry-run says what would be done and writes nothing', async () => {
    const folder = await runFolder();
    const { status, stdout } = await ganletHere(['run', 'tiny.yaml', '--dry-run'], folder);
    expect(status).toBe(0);
    expect(stdout).toMatchInlineSnapshot(`
      "run tiny in runs/tiny
      data     aligned, 16 px
      teacher  449k MACs, 8.74k parameters, to be trained
      student  173k MACs, 1.64k parameters: 2.6× fewer MACs
      teach    8 steps of 2 (0.016 kimg)
      distill  distill: 8 steps of 2 (0.016 kimg); naive: 8 steps of 2 (0.016 kimg)
      supernet nothing to do: no supernet
      search   nothing to do: no search
      finetune nothing to do: no search
      export   student.onnx, naive.onnx
      evaluate l1, psnr, ssim on the test split
      table    table.md
      "
    `);
    expect(existsSync(join(folder, 'runs'))).toBe(false);
  });

  test('a teacher that is no ONNX file, or cut short, is refused by name and nothing is trained', async () => {
    const folder = await runFolder(recipe.replace(/teacher:\n.*\n.*\n/, 'teacher: {model: broken.onnx}\n'));
    expect(
      ganlet(
        ['model', 'resnet', '--base-width', '2', '--blocks', '1', '--size', '16', '--out', 'whole.onnx'],
        folder,
      ).status,
    ).toBe(0);
    const whole = readFileSync(join(folder, 'whole.onnx'));
    for (const bytes of [whole.subarray(0, whole.length / 2), Buffer.from('GIF89a'), Buffer.alloc(0)]) {
      writeFileSync(join(folder, 'broken.onnx'), bytes);
      const { status, stderr } = await ganletHere(['run', 'tiny.yaml'], folder);
      expect(status).toBe(1);
      expect(stderr).toMatch(/^error: .*broken\.onnx.*\n {2}help: /);
      expect(existsSync(join(folder, 'runs/tiny/distill'))).toBe(false);
    }
  });

  test('a data set without test pictures stops the run before anything is trained', async () => {
    const folder = await runFolder();
    rmSync(join(folder, 'pictures/test'), { recursive: true });
    const { status, stderr } = await ganletHere(['run', 'tiny.yaml'], folder);
    expect(status).toBe(1);
    expect(stderr).toMatch(/test/);
    expect(existsSync(join(folder, 'runs/tiny/teach'))).toBe(false);
  });

  test('losses that are not finite stop the run with the step, and the teacher made before stays', async () => {
    await wholeRun();
    const folder = folderWith();
    cpSync(kept, folder, { recursive: true });
    for (const made of ['distill', 'student.onnx', 'stages/distill.json', 'stages/export-student.json'])
      rmSync(join(folder, 'runs/tiny', made), { recursive: true });
    const teacher = hashOf(folder, 'runs/tiny/teacher.onnx');
    const { status, stderr } = await ganletHere(
      ['run', 'tiny.yaml', '--quiet', '--set', 'distill.lr=1', '--set', 'distill.lambdaRecon=1e38'],
      folder,
    );
    expect(stderr).toMatch(/^error: training must stay finite, .* at step \d+; .*\n {2}help: /);
    expect(status).toBe(1);
    expect(hashOf(folder, 'runs/tiny/teacher.onnx')).toBe(teacher);
    expect(existsSync(join(folder, 'runs/tiny/student.onnx'))).toBe(false);
  });
});
