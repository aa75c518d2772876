import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeReportRun } from '../report/report-run.ts';
import { folderWith, program } from './ganlet.ts';
import { ganletHere } from './here.ts';

describe('ganlet report', () => {
  it('writes the page into the folder of the run, its tables beside it, and says so', async () => {
    const folder = folderWith();
    await writeReportRun(join(folder, 'run'));
    const { status, stdout } = await ganletHere(['report', 'run'], folder);
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /^run\/report\.html {2}[\d.]+ KiB\nrun\/report\.md {2}.+\nrun\/report\.csv {2}.+\n$/,
    );
    expect(readFileSync(join(folder, 'run/report.html'), 'utf8')).toMatch(/^<!doctype html>/);
    expect(readFileSync(join(folder, 'run/report.md'), 'utf8')).toMatch(/^\| model +\| /);
    const listed = JSON.parse(
      (await ganletHere(['report', 'run', '--out', 'all.html', '--json'], folder)).stdout,
    );
    expect(listed.map(({ file }: { file: string }) => file)).toEqual(['all.html', 'all.md', 'all.csv']);
  });

  it('writes nothing when a run cannot be read', async () => {
    const folder = folderWith();
    await writeReportRun(join(folder, 'run'));
    const { status, stderr } = await ganletHere(['report', 'run', 'missing', '--out', 'all.html'], folder);
    expect(status).toBe(1);
    expect(stderr).toBe(
      'error: missing must be the folder of a run, there is none\n  help: ganlet run <recipe> makes one\n',
    );
    expect(readdirSync(folder)).toEqual(['run']);
  });
});

describe('ganlet demo', () => {
  it('serves until Ctrl-C, and gives nothing but the page', async () => {
    const folder = folderWith();
    await writeReportRun(join(folder, 'run'));
    const child = spawn(process.execPath, [program, 'demo', 'run', '--port', '0', '--json', '--quiet'], {
      cwd: folder,
    });
    const [said] = (await once(child.stdout, 'data')) as [Buffer];
    const { url, models } = JSON.parse(said.toString()) as { url: string; models: string[] };
    expect(models).toEqual(['naive', 'student', 'teacher']);
    const network = await fetch(`${url}models/1.onnx`);
    expect(Buffer.from(await network.arrayBuffer())).toEqual(readFileSync(join(folder, 'run/student.onnx')));
    for (const path of ['recipe.yaml', 'run/recipe.yaml', 'models/3.onnx', 'models/', 'metrics.json'])
      expect((await fetch(url + path)).status).toBe(404);
    child.kill('SIGINT');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it.each([
    [['demo', 'missing'], 1, /^error: missing must be a run's folder or an \.onnx generator, found nothing/],
    [['demo', '--port', '70000'], 2, /^error: --port must be a whole number from 0 to 65535, got "70000"/],
    [['demo', '--host', ''], 2, /^error: --host must be some text/],
  ] as const)('%j is refused', async (args, status, message) => {
    const outcome = await ganletHere(args);
    expect(outcome.status).toBe(status);
    expect(outcome.stderr).toMatch(message);
  });

  it('writes no page into a folder with something else in it', async () => {
    const folder = folderWith({ 'notes.txt': 'mine' });
    await writeReportRun(join(folder, 'run'));
    const { status, stderr } = await ganletHere(['demo', 'run', '--export', '.'], folder);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^error: \. must be empty or an earlier export, it holds notes\.txt\n/);
    expect(readdirSync(folder).sort()).toEqual(['notes.txt', 'run']);
  });
});
