import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { pictureFolders } from '../metrics/picture-folders.ts';
import { ganletHere } from './here.ts';

const folders = pictureFolders();

/** `ganlet evaluate` offline, with the tiny networks and a cache of its own. */
function evaluate(folder: string, args: string) {
  const networks = args.includes('--features') ? '' : '--features tiny.onnx --lpips difference.onnx';
  const words = `evaluate ${networks} --threads 1 ${args}`.split(' ').filter((word) => word !== '');
  return ganletHere(words, folder, { GANLET_CACHE: join(folder, 'cache'), HF_HUB_OFFLINE: '1' });
}

describe('two folders', () => {
  test('are compared in a table that says network, numbers, floor and real against real', async () => {
    const outcome = await evaluate(folders(), '--metrics fid,kid,pr,dc --quiet real made');
    expect(outcome).toMatchInlineSnapshot(`
      {
        "status": 0,
        "stderr": "warning: FD-tiny-6: 40 pictures are too few for any distance between distributions; compare pictures in pairs instead
      warning: KD-tiny-6: subsets hold 40 pictures instead of 1000: there are no more
      ",
        "stdout": "| measure          |   value | N real | N made | noise floor | real vs real |
      | ---------------- | ------: | -----: | -----: | ----------: | -----------: |
      | FD-tiny-6        | 0.17969 |     40 |     40 |    0.038409 |     0.088456 |
      | KD-tiny-6        | 0.39378 |     40 |     40 |             |     -0.14097 |
      | precision tiny-6 |   0.775 |     40 |     40 |             |            1 |
      | recall tiny-6    |    0.75 |     40 |     40 |             |         0.95 |
      | density tiny-6   |    0.49 |     40 |     40 |             |         0.87 |
      | coverage tiny-6  |   0.725 |     40 |     40 |             |            1 |

      Made: made; real: real. Features: tiny-6 (07aaeccad614), pictures resized by
      pil-bicubic. Noise floor: what two samples of one distribution would give with
      so many pictures. Real vs real: two random halves of the real pictures, 20 each
      (seed 2020). KD-tiny-6: of all pictures at once. Neighbourhoods: k = 3 for pr, k
      = 5 for dc, 40 pictures of each side.
      ",
      }
    `);
  });

  test('are compared pair by pair, and what is being done is told on stderr', async () => {
    const { status, stdout, stderr } = await evaluate(
      folders(),
      '--metrics lpips,ssim,psnr,l1,diversity real made',
    );
    expect({ status, stdout }).toMatchInlineSnapshot(`
      {
        "status": 0,
        "stdout": "| measure                 |   value |          sd | N real | N made |
      | ----------------------- | ------: | ----------: | -----: | -----: |
      | PD-difference           | 0.19168 | ±0.00095813 |     40 |     40 |
      | SSIM                    | 0.94897 |   ±0.038276 |     40 |     40 |
      | PSNR                    |  20.317 |   ±0.035546 |     40 |     40 |
      | L1                      |  24.439 |    ±0.12216 |     40 |     40 |
      | diversity PD-difference | 0.22792 |             |        |     40 |

      Made: made; real: real. Paired measures: means over pictures of one name, ± is
      the spread over them.
      ",
      }
    `);
    const said = stderr.split('\n').map((line) => line.split('  ').slice(0, 2).join(' '));
    expect(said).toEqual([
      'reading real 40/40',
      'reading made 40/40',
      'pairs 40/40',
      'diversity of made 40/40',
      '',
    ]);
  });

  test('are compared as JSON, in a file too', async () => {
    const folder = folders();
    const { stdout } = await evaluate(
      folder,
      '--metrics fid,psnr --json --out found.json --quiet real real/../made',
    );
    expect(JSON.parse(readFileSync(join(folder, 'found.json'), 'utf8'))).toEqual(JSON.parse(stdout));
    expect(JSON.parse(stdout)).toMatchObject({
      tool: expect.stringMatching(/^ganlet /),
      real: { path: 'real', count: 40, hash: expect.stringMatching(/^[0-9a-f]{64}$/) },
      features: { feature: 'tiny-6', resize: 'pil-bicubic' },
      scores: [
        { metric: 'fid', label: 'FD-tiny-6', countReal: 40, countMade: 40 },
        { metric: 'psnr', label: 'PSNR' },
      ],
    });
  });

  test('are compared with statistics that are written at first', async () => {
    const folder = folders();
    const first = await evaluate(folder, '--stats real.npz --quiet real made');
    expect(first.stdout.replaceAll('\n', ' ')).toContain('Statistics written to real.npz.');
    rmSync(join(folder, 'real'), { recursive: true });
    const second = await evaluate(folder, '--stats real.npz --quiet made');
    expect(second.status).toBe(0);
    expect(second.stdout).toMatchInlineSnapshot(`
      "| measure   |   value | N real | N made | noise floor |
      | --------- | ------: | -----: | -----: | ----------: |
      | FD-tiny-6 | 0.17969 |     40 |     40 |    0.038409 |

      Made: made; real: real.npz. Features: tiny-6 (07aaeccad614), pictures resized by
      pil-bicubic. Noise floor: what two samples of one distribution would give with
      so many pictures. Statistics of real pictures read from real.npz.
      "
    `);
    const value = (text: string) => /FD-tiny-6 \| +([\d.]+)/.exec(text)![1];
    expect(value(second.stdout)).toBe(value(first.stdout));
    const mixed = await evaluate(folder, '--stats real.npz --resize legacy --quiet made');
    expect(mixed).toMatchObject({ status: 1, stdout: '' });
    expect(mixed.stderr).toBe(
      'error: real and fake statistics must have the same resize, got "pil-bicubic" and "tf1"\n  help: measure both again with one feature network and one --resize\n',
    );
  });
});

describe('what cannot be done', () => {
  test('for want of a network names the one that works offline, and how to bring this one', async () => {
    const folder = folders();
    const { status, stdout, stderr } = await evaluate(folder, '--features inception --quiet real made');
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr.replaceAll(folder, '.')).toMatchInlineSnapshot(`
      "error: the network inception is not here: https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth is not in ./cache/downloads, and offline nothing is fetched
        help: run ganlet pull inception with a connection, or use --features emoji, which needs no download; or: put the file at ./cache/downloads/6726825d/pt_inception-2015-12-05-6726825d.pth, or leave out --offline and HF_HUB_OFFLINE
      "
    `);
  });

  test('for want of pictures is one error', async () => {
    const folder = folders();
    mkdirSync(join(folder, 'empty'));
    expect(await evaluate(folder, '--quiet --out found.json real empty')).toEqual({
      status: 1,
      stdout: '',
      stderr:
        'error: empty must hold pictures, it has no PNG, JPEG or WebP files\n  help: name the folder that holds the pictures themselves\n',
    });
    expect(existsSync(join(folder, 'found.json'))).toBe(false);
  });

  test.each<[args: string, error: string]>([
    ['--metrics fid,foo real made', '--metrics must be fid, fid-inf, kid'],
    [
      '--resize nearest real made',
      '--resize must be clean, legacy, tf1, torch, torch-aa or pil-bicubic, got "nearest"',
    ],
    [
      '--metrics kid --stats real.npz real made',
      '--stats is for the metric fid, which is not among --metrics',
    ],
    ['--stats real.txt real made', '--stats must be an .npz file, got "real.txt"'],
    ['--set a=1 real made', '--set is for recipes, not for folders'],
    ['--dry-run real made', '--dry-run is for recipes, not for folders'],
    ['real made more', 'unexpected argument "more"'],
  ])('the command line %j', async (args, error) => {
    const { status, stdout, stderr } = await evaluate(folders(), args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(`error: ${error}`);
  });

  test('options of folders are not for recipes', async () => {
    const folder = folders();
    writeFileSync(join(folder, 'r.yaml'), 'name: r\n');
    const { status, stderr } = await ganletHere(['evaluate', '--metrics', 'fid', 'r.yaml'], folder);
    expect(status).toBe(2);
    expect(stderr).toBe(
      'error: --metrics is for two folders of pictures, r.yaml is neither\n  help: a recipe has evaluate.metrics\n',
    );
    expect(existsSync(join(folder, 'runs'))).toBe(false);
  });
});
