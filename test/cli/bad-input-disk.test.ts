import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, type TestContext, test } from 'vitest';
import { folderWith, program } from './ganlet.ts';
import { ganletHere } from './here.ts';
import { hashOf, tinyFolders } from './tiny-run.ts';

const finishedRun = tinyFolders({ finished: true });

/** Mounts something at a folder for the time of a test, or skips the test where that is not permitted. */
function mount(context: TestContext, folder: string, ...commands: string[][]): void {
  try {
    for (const args of commands) execFileSync('mount', args, { stdio: 'ignore' });
  } catch {
    context.skip('mounting is not permitted here');
  }
  onTestFinished(() => {
    execFileSync('umount', [folder]);
  });
}

const filesIn = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1));

describe('a disk that fills up', () => {
  test('ends the run with one error wherever that happens, and the run goes on when there is space', async (context) => {
    const folder = await finishedRun();
    const disk = join(folder, 'disk');
    mkdirSync(disk);
    mount(context, disk, ['-t', 'tmpfs', '-o', 'size=8k', 'tmpfs', disk]);
    const run = ['run', 'tiny.yaml', '--quiet', '--out', 'disk/r'];
    for (const [kibibytes, where] of [
      [8, /r\/teach\/(stats\.jsonl|samples\/step-0000004\.png)$/],
      [60, /r\/teach\/checkpoint\.safetensors$/],
      [232, /r\/(teacher\.onnx|discriminator\.onnx|teacher\.card\.json|stages\/teach\.json)$/],
      [300, /r\/distill\/(checkpoint\.safetensors|stats\.jsonl|samples\/step-0000004\.png)$/],
      [370, /r\/(distill|naive)\/\S+$/],
      [430, /r\/(naive|student|naive\/\S+|comparison)\.(onnx|card\.json|png)$/],
    ] as const) {
      execFileSync('mount', ['-o', `remount,size=${kibibytes}k`, disk]);
      const { status, stderr } = await ganletHere(run, folder);
      const [error, ...others] = stderr.split('\n');
      expect({ kibibytes, status }).toEqual({ kibibytes, status: 1 });
      expect(error).toMatch(/^error: cannot write \S+: no space is left on the disk$/);
      expect(error!.split(/[ :]+/)[3]).toMatch(where);
      expect(others).toEqual(['  help: free some space, or choose a folder on another disk', '']);
      expect(filesIn(disk).filter((file) => /tmp$|lock$/.test(file))).toEqual([]);
      for (const file of filesIn(disk).filter((name) => name.endsWith('.onnx'))) {
        if (!/^r\/(distill|naive)\//.test(file)) {
          expect(hashOf(disk, file)).toBe(hashOf(folder, 'runs/tiny', file.slice(2)));
        }
      }
    }
    execFileSync('mount', ['-o', 'remount,size=4m', disk]);
    expect(await ganletHere(run, folder)).toMatchObject({ status: 0, stderr: '' });
    for (const file of ['teacher.onnx', 'student.onnx', 'naive.onnx'])
      expect(hashOf(disk, 'r', file)).toBe(hashOf(folder, 'runs/tiny', file));
  });

  test('a full one takes no lock, and leaves none', async (context) => {
    const folder = await finishedRun();
    const disk = join(folder, 'disk');
    mkdirSync(disk);
    mount(context, disk, ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk]);
    spawnSync('dd', ['if=/dev/zero', `of=${join(disk, 'filling')}`, 'bs=4k']);
    for (let time = 0; time < 2; time++) {
      expect((await ganletHere(['run', 'tiny.yaml', '--out', 'disk/r'], folder)).stderr).toMatch(
        /^error: cannot write \S+disk\/r\/lock: no space is left on the disk\n/,
      );
    }
    expect(readdirSync(join(disk, 'r'))).toEqual([]);
  });
});

test.skipIf(process.platform !== 'linux')(
  'a limit on the size of files is told like a full disk',
  async () => {
    const folder = await finishedRun();
    const command = `ulimit -f 40; exec "${process.execPath}" "${program}" run tiny.yaml --quiet --out limited`;
    const { status, stderr } = spawnSync('sh', ['-c', command], { cwd: folder, encoding: 'utf8' });
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr:
        'error: cannot write limited/teach/checkpoint.safetensors: the file would be larger than is allowed\n' +
        '  help: raise the file size limit (ulimit -f)\n',
    });
    expect(existsSync(join(folder, 'limited/teacher.onnx'))).toBe(false);
  },
);

describe('a disk that cannot be written to', () => {
  test('is told before anything is done, and is read as well as before', async (context) => {
    const folder = await finishedRun();
    const disk = join(folder, 'runs');
    mount(context, disk, ['--bind', disk, disk], ['-o', 'remount,ro,bind', disk]);
    const said = (path: string) =>
      `error: cannot write ${path}: the file system is read-only\n  help: choose a folder on a writable disk\n`;
    expect((await ganletHere(['run', 'tiny.yaml'], folder)).stderr).toBe(said(`${folder}/runs/tiny/lock`));
    expect((await ganletHere(['run', 'tiny.yaml', '--out', 'runs/new/deep'], folder)).stderr).toBe(
      said('runs/new/deep'),
    );
    expect((await ganletHere(['table', 'runs/tiny', '--out', 'runs/t.md'], folder)).stderr).toBe(
      said('runs/t.md'),
    );
    expect((await ganletHere(['table', 'runs/tiny'], folder)).status).toBe(0);
    expect((await ganletHere(['run', 'tiny.yaml', '--dry-run'], folder)).status).toBe(0);
  });

  test.skipIf(process.getuid?.() !== 0)('nor read says so, instead of that nothing is there', async () => {
    const folder = await finishedRun();
    execFileSync('chmod', ['755', folder]);
    execFileSync('chmod', ['700', join(folder, 'runs')]);
    const asNobody = (...args: string[]) =>
      spawnSync(process.execPath, [program, ...args], {
        ...{ cwd: folder, encoding: 'utf8', uid: 65534, gid: 65534 },
        env: { ...process.env, HOME: '/nonexistent' },
      }).stderr;
    const help = '  help: check the permissions of the file and its folders\n';
    const runs = 'runs/tiny';
    expect(asNobody('table', runs)).toBe(`error: cannot read ${runs}: permission was denied\n${help}`);
    expect(asNobody('run', 'tiny.yaml')).toBe(`error: cannot write ${runs}: permission was denied\n${help}`);
    expect(asNobody('model', 'pixel', '--base-width', '1', '--out', 'p.onnx')).toBe(
      `error: cannot write p.onnx: permission was denied\n${help}`,
    );
  });
});

test('a path that runs through a file, or where nothing can be made, is refused', async () => {
  const folder = await finishedRun();
  writeFileSync(join(folder, 'file'), 'kept');
  for (const out of ['file', 'file/run']) {
    expect((await ganletHere(['run', 'tiny.yaml', '--out', out], folder)).stderr).toBe(
      `error: cannot write ${out}: a part of the path is a file, not a folder\n  help: choose another path\n`,
    );
  }
  if (process.platform !== 'linux') return;
  for (const args of [
    ['run', 'tiny.yaml', '--out', '/proc/a/b'],
    ['schema', '--out', '/proc/a/b'],
  ]) {
    expect((await ganletHere(args, folder)).stderr).toBe(
      'error: cannot write /proc/a/b: there is no such file\n  help: check the path\n',
    );
  }
});

describe('the cache', () => {
  const recipe = `name: emoji
data: {source: openmoji, size: 16}
teacher: {generator: {type: resnet, baseWidth: 2}, train: {steps: 1, batch: 1}}
discriminator: {type: patch, layers: 1}
`;

  test('that cannot be made is told with the variable that moves it', async () => {
    const folder = folderWith({ 'e.yaml': recipe, file: '' });
    expect((await ganletHere(['teach', 'e.yaml'], folder, { GANLET_CACHE: 'file/cache' })).stderr).toBe(
      `error: cannot write ${folder}/file/cache: a part of the path is a file, not a folder\n` +
        '  help: set GANLET_CACHE to a folder that can be written to\n',
    );
  });

  test('needs the openmoji package, which is asked for where it is missing or damaged', () => {
    const folder = folderWith({ 'e.yaml': recipe });
    const root = join(program, '../../..');
    cpSync(join(root, 'dist'), join(folder, 'app/dist'), { recursive: true });
    cpSync(join(root, 'package.json'), join(folder, 'app/package.json'));
    mkdirSync(join(folder, 'app/node_modules'));
    for (const name of readdirSync(join(root, 'node_modules')))
      if (name !== 'openmoji')
        symlinkSync(join(root, 'node_modules', name), join(folder, 'app/node_modules', name));
    const teach = (...args: string[]) => {
      const main = join(folder, 'app/dist/cli/main.js');
      return spawnSync(process.execPath, [main, 'teach', 'e.yaml', ...args], {
        cwd: folder,
        encoding: 'utf8',
        env: { ...process.env, GANLET_CACHE: join(folder, 'cache') },
      }).stderr;
    };
    expect(teach()).toBe(
      'error: the openmoji data needs the npm package "openmoji", which is not installed\n' +
        '  help: npm install openmoji@17.0.0\n',
    );
    const emoji = join(folder, 'emoji');
    mkdirSync(join(emoji, 'data'), { recursive: true });
    writeFileSync(join(emoji, 'package.json'), '{"name":"openmoji","version":"17.0.0"}');
    writeFileSync(join(emoji, 'data/openmoji.json'), '[{"hexcode":"../../secret"}]');
    expect(teach('--set', 'data.path=emoji')).toBe(
      `error: ${emoji}/data/openmoji.json must list pictures with hexcode and annotation, it does not\n` +
        '  help: the openmoji package is damaged or of another version: npm install openmoji@17.0.0\n',
    );
  });
});
