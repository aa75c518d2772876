import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Card } from '../../src/pipeline/card.ts';
import { commit, noise, sha256, startHub, token } from '../data/hub/server.ts';
import { folderWith, type Outcome, program } from './ganlet.ts';

const network = noise(200_000);
const diff = noise(3000, 2);

const start = (more: Parameters<typeof startHub>[0] = {}) =>
  startHub({
    'deepghs/imgutils-models': {
      commit,
      files: { 'lpips/lpips_feature.onnx': network, 'lpips/lpips_diff.onnx': diff },
    },
    'some/net': { commit, files: { 'a/model.onnx': network, 'card.json': noise(50), 'b.bin': diff } },
    ...more,
  });

/** Runs the command line beside the server, which lives in this process. */
async function ganlet(
  args: string[],
  hub: Awaited<ReturnType<typeof start>>,
  env: NodeJS.ProcessEnv = {},
  cwd = folderWith(),
): Promise<Outcome> {
  const child = spawn(process.execPath, [program, ...args], {
    cwd,
    env: {
      PATH: process.env.PATH,
      NO_COLOR: '1',
      HF_ENDPOINT: hub.url,
      HF_HOME: hub.cache,
      GANLET_CACHE: join(hub.cache, 'own'),
      ...env,
    },
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (text) => {
    stdout += text;
  });
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  const [status] = await once(child, 'close');
  return { status, stdout, stderr };
}

const snapshot = (hub: { cache: string }, repo: string, file: string) =>
  join(hub.cache, 'hub', `models--${repo.replace('/', '--')}`, 'snapshots', commit, file);

describe('pull', () => {
  test('a known name fetches its files, prints hash and path, and how to pin them', async () => {
    const hub = await start();
    const { status, stdout, stderr } = await ganlet(['pull', 'lpips-alex-400'], hub);
    const path = (name: string) => snapshot(hub, 'deepghs/imgutils-models', `lpips/${name}`);
    expect(stdout).toBe(
      `${sha256(network)}  ${path('lpips_feature.onnx')}\n${sha256(diff)}  ${path('lpips_diff.onnx')}\n`,
    );
    expect(stderr).toContain('lpips/lpips_feature.onnx, MiB  1/1  100%');
    expect(stderr).toContain(
      `ganlet pull deepghs/imgutils-models/lpips/lpips_diff.onnx --revision ${commit} --sha256 ${sha256(diff)}\n`,
    );
    expect(status).toBe(0);
    expect(readFileSync(path('lpips_diff.onnx')).equals(diff)).toBe(true);

    const asked = hub.hub.seen.length;
    const again = await ganlet(['pull', 'lpips-alex-400', '--offline', '--quiet'], hub);
    expect(again).toEqual({ status: 0, stdout, stderr: '' });
    expect((await ganlet(['pull', 'lpips-alex-400', '--quiet'], hub, { HF_HUB_OFFLINE: '1' })).stdout).toBe(
      stdout,
    );
    expect(hub.hub.seen.length).toBe(asked);
    expect((await ganlet(['pull', '--list'], hub)).stdout).toMatch(
      /\| lpips-alex-400 +\| lpips +\| yes +\| deepghs/,
    );
  });

  test('a pinned file says nothing about pinning', async () => {
    const hub = await start();
    const pin = ['--revision', commit, '--sha256', sha256(network)];
    const { stdout, stderr } = await ganlet(['pull', 'some/net/a/model.onnx', ...pin], hub);
    expect(stdout).toBe(`${sha256(network)}  ${snapshot(hub, 'some/net', 'a/model.onnx')}\n`);
    expect(stderr).not.toContain('pin');
  });

  test('a repository is fetched whole, or listed', async () => {
    const hub = await start();
    const { stdout, stderr } = await ganlet(['pull', 'some/net', '--at-once', '2'], hub);
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.slice(66)),
    ).toEqual(['a/model.onnx', 'b.bin', 'card.json'].map((file) => snapshot(hub, 'some/net', file)));
    expect(stderr).toContain(`some/net at ${commit}: 3 files, 198 KiB\n`);
    expect((await ganlet(['pull', 'some/net', '--list'], hub)).stdout).toBe(
      [
        '| file         |  bytes | SHA-256                                                          |',
        '| ------------ | -----: | ---------------------------------------------------------------- |',
        `| a/model.onnx | 200000 | ${sha256(network)} |`,
        `| b.bin        |   3000 | ${sha256(diff)} |`,
        '| card.json    |     50 |                                                                  |',
        '',
      ].join('\n'),
    );
  });

  test('an address needs a hash, and is fetched with it', async () => {
    const hub = await start();
    const url = `${hub.storageUrl}/${sha256(diff)}`;
    expect(await ganlet(['pull', url], hub)).toMatchObject({
      status: 2,
      stderr: expect.stringContaining(`error: ${url} must come with --sha256`),
    });
    const { stdout } = await ganlet(['pull', url, '--sha256', sha256(diff), '--quiet'], hub, {
      HF_TOKEN: token,
    });
    expect(stdout).toBe(`${sha256(diff)}  ${join(hub.cache, 'own/downloads', sha256(diff), sha256(diff))}\n`);
    expect(hub.storage.seen.map(({ authorization }) => authorization)).toEqual([undefined]);
  });

  test('a wrong file is one error, status 1, and is not kept', async () => {
    const hub = await start();
    hub.storage.faults.push('fine', { corrupt: true });
    const { status, stdout, stderr } = await ganlet(['pull', 'some/net/a/model.onnx', '--quiet'], hub);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(
      /^error: a\/model\.onnx of some\/net must have the SHA-256 .*\n {2}help: it was thrown away.*\n$/,
    );
    expect(readdirSync(join(hub.cache, 'hub/models--some--net/blobs'))).toEqual([]);
  });

  test.each<[args: string[], status: number, error: string]>([
    [[], 2, '<name> is missing: ganlet pull <name>'],
    [
      ['nonsense'],
      1,
      '"nonsense" must be a known name (inception, vgg16, vgg19, lpips-alex, lpips-vgg, lpips-squeeze, lpips-alex-400, vgg16-classifier, squeezenet, dinov2-small), owner/name',
    ],
    [['some/net/a/model.onnx', '--sha256', 'abc'], 2, '--sha256 must be 64 hexadecimal digits, got "abc"'],
    [['some/net', '--sha256', sha256('x')], 2, '--sha256 is for one file, some/net is several'],
    [['lpips-alex-400', '--sha256', sha256('x')], 2, '--sha256 is for one file, lpips-alex-400 is several'],
    [['inception', '--offline'], 1, 'the network inception is not here: https://github.com/'],
    [
      ['inception', '--revision', 'main'],
      2,
      '--revision is not for inception: its weights are pinned by their hash',
    ],
    [['inception', '--list'], 2, '--list is for repositories, inception is one network'],
    [['some/net', '--offline'], 1, 'the files of some/net cannot be listed offline'],
    [['no/where', '--list'], 1, 'cannot find no/where'],
    [
      ['vgg16-classifier', '--offline'],
      1,
      'vgg16_Opset18.onnx of onnxmodelzoo/vgg16_Opset18_torch_hub is not in',
    ],
  ])('%j', async (args, status, error) => {
    const outcome = await ganlet(['pull', ...args], await start());
    expect(outcome).toMatchObject({ status, stdout: '' });
    expect(outcome.stderr).toContain(`error: ${error}`);
    expect(outcome.stderr).toContain('\n  help: ');
  });
});

describe('push', () => {
  const student = noise(5000, 9);
  const card: Card = {
    role: 'student',
    architecture: {
      type: 'resnet',
      baseWidth: 12,
      blocks: 3,
      norm: 'instance',
      padding: 'reflect',
      dropout: 0,
      separable: true,
    },
    size: 64,
    range: [-1, 1],
    params: 123_456,
    macs: { true: 4.2e8, paper: 5e8 },
    bytes: student.length,
    sha256: sha256(student),
    teacher: { sha256: sha256('teacher'), macs: 4.2e9 },
    data: {
      source: 'openmoji',
      hash: sha256('data'),
      attribution: 'Drawn by OpenMoji. License: CC BY-SA 4.0',
    },
    recipe: 'quickstart',
    seed: 1,
    tool: 'ganlet 0.1.0',
    backend: { engine: 'onnxruntime', version: '1', provider: 'cpu', threads: 1 },
  };

  function finishedRun(left: Partial<Record<string, string | Uint8Array>> = {}): string {
    const run = join(folderWith(), 'run');
    mkdirSync(run);
    const files = {
      'student.onnx': student,
      'student.card.json': JSON.stringify(card),
      'table.md': '| model | L1 |\n| :--- | ---: |\n| student | 9.1 |\n',
      'comparison.png': noise(2000, 4),
      ...left,
    };
    for (const [name, content] of Object.entries(files))
      if (content !== undefined) writeFileSync(join(run, name), content);
    return run;
  }

  test('uploads student, card, table and picture with a README, in one commit', async () => {
    const hub = await start();
    const run = finishedRun();
    const args = ['push', run, '--repo', 'me/small-emoji', '--private'];
    const { status, stdout, stderr } = await ganlet(args, hub, { HF_TOKEN: token });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain(`${hub.url}/me/small-emoji (private if it is new)\n  README.md `);
    expect(stdout).toContain(`uploaded to ${hub.url}/me/small-emoji, commit ${commit}\n`);
    expect(hub.created).toMatchObject([
      {
        name: 'small-emoji',
        organization: 'me',
        visibility: 'private',
        type: 'model',
        authorization: `Bearer ${token}`,
      },
    ]);
    const [lines] = hub.uploads.commits as { key: string; value: Record<string, string> }[][];
    expect(lines!.map(({ key, value }) => [key, value.path ?? value.summary])).toEqual([
      ['header', 'Upload quickstart (ganlet 0.1.0)'],
      ['file', 'README.md'],
      ['lfsFile', 'student.onnx'],
      ['file', 'student.card.json'],
      ['file', 'table.md'],
      ['file', 'comparison.png'],
    ]);
    expect(lines![2]!.value).toMatchObject({ oid: sha256(student), size: student.length });
    expect(hub.uploads.objects.get(sha256(student))?.equals(student)).toBe(true);
    expect(hub.storage.seen.map(({ authorization }) => authorization)).toEqual([undefined]);
    const readme = Buffer.from(lines![1]!.value.content!, 'base64').toString();
    expect(readme).toMatchInlineSnapshot(`
      "---
      license: cc-by-sa-4.0
      pipeline_tag: image-to-image
      library_name: onnx
      tags:
        - image-to-image
        - gan
        - knowledge-distillation
        - model-compression
        - onnx
        - ganlet
      datasets:
        - openmoji
      ---

      # small-emoji

      A small image-to-image generator (resnet, base width 12), made by [ganlet](https://www.npmjs.com/package/ganlet) from a larger one by distillation.
      One picture of 64 × 64 pixels takes 420M multiply-adds. Its teacher needs 4.20G.
      The file \`student.onnx\` has 123k parameters (4.88 KiB).

      Input and output are float32, N × channels × height × width, values from -1 to 1.

      ![Held-out pictures: condition, teacher, student, truth](comparison.png)

      ## Cost and quality

      | model | L1 |
      | :--- | ---: |
      | student | 9.1 |

      ## How it was made

      - Recipe: quickstart, seed 1
      - Data: openmoji (hash \`3a6eb0790f39ac87\`)
      - Teacher: SHA-256 \`1057a9604e04b274da5a4de0c8f4b4868d9b230989f8c8c6a28221143cc5a755\`
      - Student: SHA-256 \`be48d03a72bd5be282d2ffb31bf6b4c190d99829c5d0ad2c3938802254d9d4de\`
      - Tool: ganlet 0.1.0; \`student.card.json\` has every figure

      ## Licence and credit

      Licence: cc-by-sa-4.0.

      Drawn by OpenMoji. License: CC BY-SA 4.0
      "
    `);
  });

  test('a second time goes into the repository that is there', async () => {
    const hub = await start({ 'me/small': { commit, files: {} } });
    hub.hub.faults.push({ status: 503 });
    const { status } = await ganlet(['push', finishedRun(), '--repo', 'me/small'], hub, { HF_TOKEN: token });
    expect(status).toBe(0);
    expect(hub.uploads.commits.length).toBe(1);
  });

  test('--dry-run shows everything and asks nobody, without a token', async () => {
    const hub = await start();
    const args = ['push', finishedRun(), '--repo', 'me/x', '--license', 'mit', '--dry-run'];
    const { status, stdout } = await ganlet(args, hub);
    expect(status).toBe(0);
    expect(stdout).toContain('nothing was uploaded; README.md would be\n\n---\nlicense: mit\n');
    expect(stdout).toContain('  student.onnx      4.88 KiB\n');
    expect(hub.hub.seen).toEqual([]);
  });

  test.each<[what: string, left: Parameters<typeof finishedRun>[0], env: NodeJS.ProcessEnv, error: string]>([
    ['no token', {}, {}, 'HF_TOKEN must be set to upload to me/x'],
    [
      'a run without a table',
      { 'table.md': undefined },
      { HF_TOKEN: token },
      'comparison.png; table.md is missing\n  help: finish it first: ganlet run <recipe> --stages table',
    ],
    [
      'a student that changed',
      { 'student.onnx': noise(9) },
      { HF_TOKEN: token },
      'must belong to its student.onnx',
    ],
    ['a damaged card', { 'student.card.json': '{' }, { HF_TOKEN: token }, 'must belong to its student.onnx'],
    ['offline mode', {}, { HF_TOKEN: token, HF_HUB_OFFLINE: '1' }, 'cannot upload to me/x offline'],
  ])('%s is one error, and nothing is uploaded', async (_what, left, env, error) => {
    const hub = await start();
    const { status, stderr } = await ganlet(
      ['push', finishedRun(left), '--repo', 'me/x', '--quiet'],
      hub,
      env,
    );
    expect(status).toBe(1);
    expect(stderr).toContain(error);
    expect(hub.hub.seen).toEqual([]);
  });

  test('a token that may not write is told as such', async () => {
    const hub = await start();
    hub.hub.faults.push({ status: 403 });
    const { stderr } = await ganlet(['push', finishedRun(), '--repo', 'me/x', '--quiet'], hub, {
      HF_TOKEN: token,
    });
    expect(stderr).toBe(
      `error: ${hub.url} refuses me/x (status 403)\n  help: check that HF_TOKEN is valid and may do this\n`,
    );
  });

  test.each([
    [['--repo', 'x'], 1, 'a repository must be written owner/name, got "x"'],
    [[], 2, '--repo is missing'],
  ])('%j', async (args, status, error) => {
    const outcome = await ganlet(['push', finishedRun(), ...args], await start());
    expect(outcome.status).toBe(status);
    expect(outcome.stderr).toContain(error);
  });

  test('a folder that is not there is named', async () => {
    const { stderr } = await ganlet(['push', 'runs/none', '--repo', 'me/x'], await start());
    expect(stderr).toContain('error: runs/none must be the folder of a run, there is none');
    expect(existsSync('runs/none')).toBe(false);
  });
});
