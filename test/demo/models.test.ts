import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { defaultModels } from '../../src/demo/default-models.ts';
import { openDemo } from '../../src/demo/demo.ts';
import { exportSite } from '../../src/demo/export-site.ts';
import { demoModels } from '../../src/demo/models.ts';
import { patchDiscriminator } from '../../src/models/discriminator.ts';
import { initialise } from '../../src/models/init.ts';
import { saveOnnx } from '../../src/ops/import-onnx.ts';
import { writeGenerator } from './tiny-models.ts';

function folderFor(name = 'run'): string {
  const root = mkdtempSync(join(tmpdir(), 'ganlet-demo-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const folder = join(root, name);
  mkdirSync(folder);
  return folder;
}

async function writeRun(folder = folderFor()): Promise<string> {
  await writeGenerator(folder, { name: 'teacher', baseWidth: 8, size: 16, card: { role: 'teacher' } });
  await writeGenerator(folder, { name: 'student', baseWidth: 4, size: 16, card: { role: 'student' } });
  await writeGenerator(folder, { name: 'uniform', baseWidth: 3, size: 16 });
  return folder;
}

describe('the networks of a run', () => {
  it('are all its generators, the cheapest first, the teacher known as such', async () => {
    const run = await writeRun();
    const discriminator = initialise(patchDiscriminator({ baseWidth: 4, layers: 1, norm: 'instance' }), {
      init: 'normal',
      gain: 0.02,
      seed: 0,
    });
    await saveOnnx(discriminator, join(run, 'discriminator.onnx'));
    await saveOnnx(discriminator, join(run, 'supernet.onnx'));
    const models = await demoModels([run]);
    expect(models.map(({ name, role }) => [name, role])).toEqual([
      ['uniform', 'student'],
      ['student', 'student'],
      ['teacher', 'teacher'],
    ]);
    expect(models[0]!.macs).toBeLessThan(models[1]!.macs);
    expect(models[2]).toMatchObject({
      network: { condition: { kind: 'image', channels: 3 }, size: 16, image: 3 },
    });
  });

  it('are shown once where runs share them, and named after their runs where names clash', async () => {
    const [first, second] = [await writeRun(folderFor('first')), await writeRun(folderFor('second'))];
    await writeGenerator(second, { name: 'student', baseWidth: 5, size: 16 });
    const models = await demoModels([first, second]);
    expect(models.map(({ name }) => name)).toEqual(['uniform', 'first student', 'second student', 'teacher']);
  });

  it('take the size from their card, the recipe or the caller where the network leaves it open', async () => {
    const folder = folderFor();
    await writeGenerator(folder, { name: 'open', baseWidth: 3 });
    const path = join(folder, 'open.onnx');
    await expect(demoModels([path])).rejects.toMatchObject({ code: 'DEMO_SIZE' });
    expect((await demoModels([path], 24))[0]!.network.size).toBe(24);
    await writeGenerator(folder, { name: 'open', baseWidth: 3, card: { role: 'student', size: 32 } });
    expect((await demoModels([path]))[0]!.network.size).toBe(32);
    writeFileSync(join(folder, 'open.card.json'), '{"size": "big"}');
    await expect(demoModels([path])).rejects.toMatchObject({ code: 'DEMO_SIZE' });
  });

  it('must take equal pictures', async () => {
    const run = await writeRun();
    const grey = await writeGenerator(folderFor(), { name: 'grey', baseWidth: 3, size: 16, channels: 1 });
    await expect(demoModels([run, grey])).rejects.toThrow(
      /equal pictures: .*16×16 pixels in 3 channels, .*grey\.onnx 16×16 pixels in 1 channel/,
    );
  });
});

describe('what is no network to draw for is refused with its name', () => {
  it.each([
    ['nothing', (folder: string) => join(folder, 'missing.onnx'), 'DEMO_MISSING'],
    ['an empty folder', (folder: string) => folder, 'DEMO_MISSING'],
    [
      'another kind of file',
      (folder: string) => {
        writeFileSync(join(folder, 'notes.txt'), 'hello');
        return join(folder, 'notes.txt');
      },
      'DEMO_MISSING',
    ],
  ] as const)('%s', async (_what, make, code) => {
    const path = make(folderFor());
    await expect(demoModels([path])).rejects.toMatchObject({ code, message: expect.stringContaining(path) });
  });

  it('a file that is no ONNX', async () => {
    const path = join(folderFor(), 'broken.onnx');
    writeFileSync(path, 'not a model');
    await expect(demoModels([path])).rejects.toThrow(path);
  });

  it('a discriminator, where it was named', async () => {
    const path = join(folderFor(), 'critic.onnx');
    const graph = patchDiscriminator({ baseWidth: 4, layers: 1, norm: 'instance', size: 16 });
    await saveOnnx(initialise(graph, { init: 'normal', gain: 0.02, seed: 0 }), path);
    await expect(demoModels([path])).rejects.toMatchObject({ code: 'DEMO_UNFIT' });
  });
});

describe('without a name', () => {
  it('the run with the newest student is shown, else the networks that ship', async () => {
    const root = dirname(folderFor());
    const shipped = join(root, 'package');
    mkdirSync(join(shipped, 'teachers/emoji'), { recursive: true });
    await writeGenerator(join(shipped, 'teachers/emoji'), { name: 'teacher', baseWidth: 3, size: 16 });
    const runs = join(root, 'runs');
    expect(defaultModels(runs, shipped)).toEqual([join(shipped, 'teachers/emoji')]);
    for (const [name, time] of [
      ['old', 1000],
      ['new', 3000],
      ['older', 500],
    ] as const) {
      mkdirSync(join(runs, name), { recursive: true });
      await writeGenerator(join(runs, name), { name: 'student', baseWidth: 3, size: 16 });
      utimesSync(join(runs, name, 'student.onnx'), time, time);
    }
    mkdirSync(join(runs, 'unfinished'));
    expect(defaultModels(runs, shipped)).toEqual([join(runs, 'new')]);
    expect(defaultModels(join(root, 'none'), join(root, 'nowhere'))).toEqual([]);
  });
});

describe('an export', () => {
  it('is files alone: the page, the engine, the networks, and a README for a static Space', async () => {
    const run = await writeRun();
    const { site } = await openDemo({ paths: [run] });
    const folder = join(dirname(run), 'site');
    await exportSite(site, folder);
    await exportSite(site, folder);
    const catalogue = JSON.parse(readFileSync(join(folder, 'catalogue.json'), 'utf8'));
    expect(catalogue.models.map(({ file }: { file: string }) => file)).toEqual([
      'models/0.onnx',
      'models/1.onnx',
      'models/2.onnx',
    ]);
    expect(readFileSync(join(folder, 'models/1.onnx'))).toEqual(readFileSync(join(run, 'student.onnx')));
    expect(readFileSync(join(folder, 'README.md'), 'utf8')).toMatch(/^---\ntitle: "run"\nsdk: static\n/);
    expect(JSON.stringify(catalogue)).not.toContain(tmpdir());
  });

  it('is not written over the files of somebody else', async () => {
    const run = await writeRun();
    const { site } = await openDemo({ paths: [run] });
    await expect(exportSite(site, run)).rejects.toMatchObject({ code: 'DEMO_FOLDER' });
  });
});
