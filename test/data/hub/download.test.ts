import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseAddress } from '../../../src/data/hub/address.ts';
import { type DownloadOptions, downloadFile, downloadFiles } from '../../../src/data/hub/download.ts';
import { remoteListing } from '../../../src/data/hub/remote.ts';
import { nextHop } from '../../../src/data/hub/request.ts';
import { hubSettings } from '../../../src/data/hub/settings.ts';
import {
  commit,
  type Fault,
  folder,
  gitOid,
  hasty,
  listen,
  noise,
  quick,
  sha256,
  startHub,
  token,
} from './server.ts';

const large = noise(300_000);
const small = new TextEncoder().encode('{"range": [-1, 1]}\n');
const repo = { type: 'model', name: 'some/net' } as const;
const file = { repo, file: 'onnx/model.onnx' } as const;

const start = () =>
  startHub({ 'some/net': { commit, files: { 'onnx/model.onnx': large, 'card.json': small } } });

type Hub = Awaited<ReturnType<typeof start>>;

const options = ({ settings }: Hub, more: DownloadOptions = {}): DownloadOptions => ({
  settings,
  patience: quick,
  ...more,
});

const hashOf = (path: string) => sha256(readFileSync(path));

/** What is in the cache, but for locks: nothing bad may be. */
function blobs({ cache }: Hub): string[] {
  const path = join(cache, 'models--some--net', 'blobs');
  return existsSync(path) ? readdirSync(path).sort() : [];
}

describe('a download', () => {
  test('lies in the cache the way the tools of the hub lay it out', async () => {
    const hub = await start();
    const { path, ...rest } = await downloadFile(file, options(hub));
    expect(rest).toEqual({ file, commit, sha256: sha256(large), size: large.length, fresh: true });
    const base = join(hub.cache, 'models--some--net');
    expect(path).toBe(join(base, 'snapshots', commit, 'onnx/model.onnx'));
    expect(lstatSync(path).isSymbolicLink()).toBe(true);
    expect(readlinkSync(path)).toBe(`../../../blobs/${sha256(large)}`);
    expect(readFileSync(join(base, 'refs/main'), 'utf8')).toBe(commit);
    expect(hashOf(path)).toBe(sha256(large));
    expect(blobs(hub)).toEqual([sha256(large)]);
  });

  test('of a small file is held against its Git hash, which names it', async () => {
    const hub = await start();
    const got = await downloadFile({ repo, file: 'card.json' }, options(hub));
    expect(hashOf(got.path)).toBe(sha256(small));
    expect(got.sha256).toBe(sha256(small));
    expect(blobs(hub)).toEqual([gitOid(small)]);
  });

  test('of a data set has a folder of its own kind', async () => {
    const hub = await startHub({ 'some/set': { commit, files: { 'data/a b#1.parquet': large } } });
    const { path } = await downloadFile(
      { repo: { type: 'dataset', name: 'some/set' }, file: 'data/a b#1.parquet' },
      options(hub),
    );
    expect(path).toBe(join(hub.cache, 'datasets--some--set', 'snapshots', commit, 'data/a b#1.parquet'));
    expect(hub.hub.seen[0]?.url).toBe('/datasets/some/set/resolve/main/data/a%20b%231.parquet');
  });

  test('sends the token to the hub only, not to the storage it redirects to', async () => {
    const hub = await start();
    await downloadFile(file, options(hub, { settings: { ...hub.settings, token } }));
    expect(new Set(hub.hub.seen.map(({ authorization }) => authorization))).toEqual(
      new Set([`Bearer ${token}`]),
    );
    expect(hub.storage.seen.length).toBeGreaterThan(0);
    expect(hub.storage.seen.filter(({ authorization }) => authorization !== undefined)).toEqual([]);
  });

  test('tells how far it is, up to the whole', async () => {
    const hub = await start();
    const told: number[][] = [];
    await downloadFile(file, options(hub, { onProgress: (...numbers) => told.push(numbers) }));
    expect(told[0]).toEqual([0, large.length]);
    expect(told.at(-1)).toEqual([large.length, large.length]);
  });
});

describe('the cache', () => {
  test('answers for a commit without a single request', async () => {
    const hub = await start();
    const first = await downloadFile(file, options(hub));
    const asked = hub.hub.seen.length;
    const again = await downloadFile({ ...file, revision: commit }, options(hub));
    expect(again).toEqual({ ...first, file: { ...file, revision: commit }, fresh: false });
    expect(hub.hub.seen.length).toBe(asked);
  });

  test('answers for a pinned hash without a single request', async () => {
    const hub = await start();
    await downloadFile(file, options(hub));
    const asked = hub.hub.seen.length;
    expect((await downloadFile({ ...file, sha256: sha256(large) }, options(hub))).fresh).toBe(false);
    expect(hub.hub.seen.length).toBe(asked);
  });

  test('follows a branch that has moved, and keeps the content both commits share once', async () => {
    const hub = await start();
    await downloadFile(file, options(hub));
    const moved = 'beef'.repeat(10);
    hub.repos['some/net']!.commit = moved;
    const got = await downloadFile(file, options(hub));
    expect(got).toMatchObject({ commit: moved, fresh: false });
    expect(realpathSync(got.path)).toBe(
      realpathSync(join(hub.cache, 'models--some--net/blobs', sha256(large))),
    );
    expect(readFileSync(join(hub.cache, 'models--some--net/refs/main'), 'utf8')).toBe(moved);
    expect(hub.storage.seen.filter(({ range }) => range !== 'bytes=0-0').length).toBe(1);
  });

  test('serves an older copy with a warning while the hub is down', async () => {
    const hub = await start();
    await downloadFile(file, options(hub));
    hub.hub.faults.push(...Array<Fault>(4).fill({ status: 503 }));
    const warnings: string[] = [];
    const got = await downloadFile(file, options(hub, { onWarning: (text) => warnings.push(text) }));
    expect(got.fresh).toBe(false);
    expect(warnings).toEqual([
      expect.stringMatching(
        /model\.onnx of some\/net.*status 503.*copy in the cache is used \(commit c0ffee/,
      ),
    ]);
  });

  test('offline gives what it has and names what it has not', async () => {
    const hub = await start();
    await downloadFile(file, options(hub));
    const asked = hub.hub.seen.length;
    const offline = options(hub, { settings: { ...hub.settings, offline: true } });
    expect((await downloadFile(file, offline)).commit).toBe(commit);
    await expect(downloadFile({ repo, file: 'card.json' }, offline)).rejects.toMatchObject({
      code: 'HUB_OFFLINE',
      message: `card.json of some/net is not in ${hub.cache} at main, and offline nothing is fetched`,
      hint: expect.stringContaining('ganlet pull some/net/card.json'),
    });
    expect(hub.hub.seen.length).toBe(asked);
  });

  test('loses a file that was damaged in it, and fetches it again', async () => {
    const hub = await start();
    const { path } = await downloadFile(file, options(hub));
    writeFileSync(realpathSync(path), large.subarray(1));
    const again = await downloadFile({ ...file, revision: commit }, options(hub));
    expect(again.fresh).toBe(true);
    expect(hashOf(again.path)).toBe(sha256(large));
    writeFileSync(realpathSync(path), large.subarray(1));
    const offline = options(hub, { settings: { ...hub.settings, offline: true } });
    await expect(downloadFile(file, offline)).rejects.toMatchObject({ code: 'HUB_OFFLINE' });
    expect(blobs(hub)).toEqual([]);
  });

  test('of a system without links holds copies, and they count', async () => {
    const hub = await start();
    const { path } = await downloadFile(file, options(hub));
    const bytes = readFileSync(path);
    rmSync(path);
    writeFileSync(path, bytes);
    const offline = options(hub, { settings: { ...hub.settings, offline: true } });
    expect((await downloadFile(file, offline)).sha256).toBe(sha256(large));
  });
});

describe('trouble on the way', () => {
  test.each<[what: string, faults: Fault[]]>([
    ['a connection that breaks in the middle', [{ reset: 100_000 }, { reset: 50_000 }]],
    ['a body that ends too early', [{ short: 120_000 }]],
    [
      'a server that is overloaded',
      [{ status: 503 }, { status: 502 }, { status: 429, headers: { 'retry-after': '0' } }],
    ],
    ['a trickle', [{ trickle: 3 }]],
    ['a server that does not answer', [{ silent: true }]],
    ['a server that ignores where to go on', [{ reset: 100_000 }, { whole: true }]],
    ['a server that sends another part', [{ reset: 100_000 }, { shifted: true }]],
  ])('%s is overcome, and the file is whole', async (_what, faults) => {
    const hub = await start();
    // The first request asks for one byte, to learn what there is.
    hub.storage.faults.push('fine', ...faults);
    const quiet = faults.some((fault) => fault !== 'fine' && (fault.trickle || fault.silent));
    const { path } = await downloadFile(file, options(hub, { patience: quiet ? hasty : quick }));
    expect(hashOf(path)).toBe(sha256(large));
    expect(hub.storage.faults).toEqual([]);
    expect(blobs(hub)).toEqual([sha256(large)]);
  });

  test('after a break only the rest is asked for', async () => {
    const hub = await start();
    hub.storage.faults.push('fine', { reset: 100_000 });
    await downloadFile(file, options(hub));
    expect(hub.storage.seen.map(({ range }) => range)).toEqual([
      'bytes=0-0',
      undefined,
      expect.stringMatching(/^bytes=[1-9]\d*-$/),
    ]);
  });

  test('a download that was given up goes on where it was, in another call', async () => {
    const hub = await start();
    hub.storage.faults.push(
      'fine',
      { reset: 40_000 },
      { reset: 40_000 },
      { reset: 40_000 },
      { reset: 40_000 },
    );
    await expect(downloadFile(file, options(hub))).rejects.toMatchObject({
      code: 'DOWNLOAD_INTERRUPTED',
      message: expect.stringMatching(
        /^cannot download onnx\/model\.onnx of some\/net: the connection to 127\.0\.0\.1:\d+ broke off/,
      ),
      hint: expect.stringContaining('the rest is fetched'),
    });
    expect(blobs(hub)).toEqual([`${sha256(large)}.ganlet.incomplete`]);
    expect(existsSync(join(hub.cache, 'models--some--net/snapshots'))).toBe(false);
    const incomplete = join(hub.cache, 'models--some--net/blobs', `${sha256(large)}.ganlet.incomplete`);
    const held = statSync(incomplete).size;
    expect(held).toBeGreaterThan(0);
    await downloadFile(file, options(hub));
    expect(hub.storage.seen.at(-1)?.range).toBe(`bytes=${held}-`);
    expect(blobs(hub)).toEqual([sha256(large)]);
  });

  test('a damaged beginning from an earlier call is fetched again', async () => {
    const hub = await start();
    const path = join(hub.cache, 'models--some--net/blobs');
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, `${sha256(large)}.ganlet.incomplete`), noise(1000, 7));
    expect(hashOf((await downloadFile(file, options(hub))).path)).toBe(sha256(large));
  });

  test.each([large.length, large.length + 5])('a beginning of %i bytes is no trouble', async (length) => {
    const hub = await start();
    const path = join(hub.cache, 'models--some--net/blobs');
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, `${sha256(large)}.ganlet.incomplete`), noise(length, 7));
    expect(hashOf((await downloadFile(file, options(hub))).path)).toBe(sha256(large));
  });

  test.each<[what: string, storage: Fault[], error: object]>([
    [
      'wrong bytes',
      ['fine', { corrupt: true }],
      {
        code: 'DOWNLOAD_HASH',
        message: expect.stringMatching(/^onnx\/model\.onnx of some\/net must have the SHA-256/),
      },
    ],
    ['more bytes than the hub says', ['fine', { more: 10 }], { code: 'DOWNLOAD_SIZE' }],
    [
      'a server that stays down',
      ['fine', ...Array<Fault>(8).fill({ status: 500 })],
      { code: 'DOWNLOAD_SERVER', message: expect.stringContaining('has a problem (status 500)') },
    ],
    [
      'nothing but trickles',
      ['fine', ...Array<Fault>(8).fill({ trickle: 1 })],
      { code: 'DOWNLOAD_INTERRUPTED', message: expect.stringContaining('went quiet for 400 ms') },
    ],
    ['a forbidden file', ['fine', { status: 403 }], { code: 'HUB_TOKEN' }],
  ])('%s: one clear error, and nothing in the cache', async (_what, faults, error) => {
    const hub = await start();
    hub.storage.faults.push(...faults);
    await expect(downloadFile(file, options(hub, { patience: hasty }))).rejects.toMatchObject({
      name: 'GanletError',
      ...error,
    });
    expect(blobs(hub).filter((name) => !name.endsWith('.incomplete'))).toEqual([]);
    expect(existsSync(join(hub.cache, 'models--some--net/snapshots'))).toBe(false);
  });

  test('a file larger than allowed is not begun', async () => {
    const hub = await start();
    await expect(downloadFile(file, options(hub, { maxBytes: 500 }))).rejects.toMatchObject({
      code: 'DOWNLOAD_TOO_LARGE',
      message: 'onnx/model.onnx of some/net must be at most 500 B, it is 293 KiB',
    });
    expect(blobs(hub)).toEqual([]);
  });

  test('redirects in a circle end', async () => {
    const hub = await start();
    hub.hub.faults.push(...Array<Fault>(11).fill({ redirect: '/some/net/resolve/main/onnx/model.onnx' }));
    await expect(downloadFile(file, options(hub))).rejects.toMatchObject({ code: 'DOWNLOAD_REDIRECT' });
  });

  test('a redirect does not lead from https to http', () => {
    const from = new URL('https://hub.example/a');
    expect(nextHop(from, '/b').href).toBe('https://hub.example/b');
    expect(nextHop(from, 'https://else.example/').href).toBe('https://else.example/');
    for (const location of ['http://hub.example/b', 'file:///etc/passwd', 'https://[', null]) {
      expect(() => nextHop(from, location)).toThrow(expect.objectContaining({ code: 'DOWNLOAD_REDIRECT' }));
    }
  });

  test('no network at all names the file, the host and the ways out', async () => {
    const hub = await start();
    const server = createServer();
    const closed = await listen(server);
    server.close();
    const nobody = { ...hub.settings, endpoint: closed };
    await expect(downloadFile(file, options(hub, { settings: nobody }))).rejects.toMatchObject({
      code: 'DOWNLOAD_NO_NETWORK',
      message: `cannot download onnx/model.onnx of some/net: ${closed.slice(7)} cannot be reached (ECONNREFUSED)`,
      hint: expect.stringContaining(`copy the repository's folder into ${hub.cache}`),
    });
  });

  test('a server that is no hub is told as such', async () => {
    const hub = await start();
    const settings = { ...hub.settings, endpoint: hub.storageUrl };
    await expect(downloadFile(file, options(hub, { settings }))).rejects.toMatchObject({
      code: 'HUB_NOT_FOUND',
    });
    hub.hub.faults.push({ redirect: `${hub.storageUrl}/${sha256(large)}` });
    await expect(downloadFile(file, options(hub))).rejects.toMatchObject({ code: 'HUB_ANSWER' });
  });
});

describe('what is not there, or not for everyone', () => {
  test.each<[what: object, token: string | undefined, error: object]>([
    [
      { file: 'nope.onnx' },
      undefined,
      { code: 'HUB_NOT_FOUND', message: 'some/net must have a file nope.onnx at main, it has none' },
    ],
    [
      { revision: 'v9' },
      undefined,
      { code: 'HUB_NOT_FOUND', message: 'some/net must have the revision v9, it has none of that name' },
    ],
    [
      { repo: { type: 'model', name: 'no/body' } },
      undefined,
      {
        code: 'HUB_NOT_FOUND',
        hint: 'check the name (data sets are datasets/owner/name); for a private one set HF_TOKEN',
      },
    ],
    [
      { repo: { type: 'model', name: 'no/body' } },
      token,
      { code: 'HUB_NOT_FOUND', hint: 'check the name, and that HF_TOKEN may read it' },
    ],
    [
      { repo: { type: 'model', name: 'gated/net' } },
      undefined,
      {
        code: 'HUB_GATED',
        message: 'onnx/model.onnx of gated/net is for those who accepted its terms',
        hint: expect.stringMatching(/^accept them at .*\/gated\/net, then set HF_TOKEN/),
      },
    ],
    [
      { repo: { type: 'model', name: 'gated/net' } },
      token,
      { code: 'HUB_GATED', hint: expect.stringContaining('with the account that HF_TOKEN belongs to') },
    ],
  ])('%j', async (asked, own, error) => {
    const files = { 'onnx/model.onnx': large };
    const hub = await startHub({
      'some/net': { commit, files },
      'gated/net': { commit, files, gated: true },
    });
    const settings = { ...hub.settings, ...(own && { token: own }) };
    await expect(downloadFile({ ...file, ...asked }, options(hub, { settings }))).rejects.toMatchObject(
      error,
    );
    expect(readdirSync(hub.cache)).toEqual([]);
  });

  test('a token that is refused is told as such', async () => {
    const hub = await start();
    hub.hub.faults.push({ status: 401 });
    const settings = { ...hub.settings, token };
    await expect(downloadFile(file, options(hub, { settings }))).rejects.toMatchObject({
      code: 'HUB_TOKEN',
      hint: 'check that HF_TOKEN is valid and may do this',
    });
  });
});

describe('a pinned hash', () => {
  test('other than the hub states is an error before anything is fetched', async () => {
    const hub = await start();
    const pin = sha256('other');
    await expect(downloadFile({ ...file, sha256: pin }, options(hub))).rejects.toMatchObject({
      code: 'DOWNLOAD_HASH',
      message: `onnx/model.onnx of some/net must have the SHA-256 ${pin}, at main the hub has ${sha256(large)}`,
    });
    expect(blobs(hub)).toEqual([]);
  });

  test('of a small file is checked beside its Git hash', async () => {
    const hub = await start();
    const card = { repo, file: 'card.json' };
    await expect(downloadFile({ ...card, sha256: sha256('other') }, options(hub))).rejects.toMatchObject({
      code: 'DOWNLOAD_HASH',
    });
    expect(blobs(hub)).toEqual([]);
    const got = await downloadFile({ ...card, sha256: sha256(small).toUpperCase() }, options(hub));
    expect(got.sha256).toBe(sha256(small));
  });
});

describe('several files', () => {
  const many = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`part-${i}.bin`, noise(5000, i + 1)]));
  const files = Object.keys(many).map((name) => ({ repo, file: name }));

  test('come in order, and at most so many at once', async () => {
    const hub = await startHub({ 'some/net': { commit, files: many } });
    let most = 0;
    const open = new Set<string>();
    const got = await downloadFiles(files, {
      settings: hub.settings,
      patience: quick,
      atOnce: 2,
      onProgress: () => {
        const now = readdirSync(join(hub.cache, '.locks/models--some--net'), {
          recursive: true,
          encoding: 'utf8',
        });
        for (const name of now) open.add(name);
        most = Math.max(most, now.filter((name) => name.endsWith('/lock')).length);
      },
    });
    expect(got.map(({ file }) => file.file)).toEqual(Object.keys(many));
    expect(got.map((each) => each.sha256)).toEqual(Object.values(many).map(sha256));
    expect(most).toBe(2);
    expect(open.size).toBeGreaterThanOrEqual(9);
  });

  test('that are one and the same are fetched once', async () => {
    const hub = await start();
    const got = await downloadFiles([file, file, { ...file, revision: commit }], options(hub));
    expect(got.map(({ fresh }) => fresh).sort()).toEqual([false, false, true]);
    expect(hub.storage.seen.filter(({ range }) => range === undefined).length).toBe(1);
  });

  test('stop at the first that cannot be had, which is named', async () => {
    const hub = await startHub({ 'some/net': { commit, files: many } });
    const wanted = [{ repo, file: 'nope.bin' }, ...files];
    await expect(
      downloadFiles(wanted, { settings: hub.settings, patience: quick, atOnce: 1 }),
    ).rejects.toMatchObject({ message: 'some/net must have a file nope.bin at main, it has none' });
    expect(hub.hub.seen.length).toBe(1);
  });

  test('are listed over all pages', async () => {
    const hub = await startHub({ 'some/net': { commit, files: { ...many, 'card.json': small } } });
    const listed = await remoteListing(repo, commit, { settings: hub.settings, patience: quick });
    expect(listed).toEqual([
      { file: 'card.json', size: small.length },
      ...Object.entries(many).map(([name, bytes]) => ({ file: name, size: 5000, sha256: sha256(bytes) })),
    ]);
  });
});

test.each(['../../etc/passwd', 'a/../../b', '/etc/passwd', 'C:\\x', 'a\\b', 'C:x', 'a//b', 'a\0b'])(
  'the file name %j is refused before anything happens',
  async (name) => {
    const hub = await start();
    await expect(downloadFile({ repo, file: name }, options(hub))).rejects.toMatchObject({
      code: 'HUB_ADDRESS',
    });
    await expect(downloadFile({ ...file, revision: name }, options(hub))).rejects.toMatchObject({
      code: 'HUB_ADDRESS',
    });
    expect(hub.hub.seen).toEqual([]);
  },
);

test.each([
  ['owner/name', { repo: { type: 'model', name: 'owner/name' } }],
  ['owner/name/a/b.onnx', { repo: { type: 'model', name: 'owner/name' }, file: 'a/b.onnx' }],
  ['datasets/o/n', { repo: { type: 'dataset', name: 'o/n' } }],
  ['datasets/o/n/f', { repo: { type: 'dataset', name: 'o/n' }, file: 'f' }],
  ['vgg16-classifier', undefined],
  ['../x', undefined],
  ['a/..', undefined],
  ['a/b/../c', undefined],
  ['a--b/c', undefined],
  ['/a/b', undefined],
  ['a/b/', undefined],
])('the address %j', (text, address) => {
  expect(parseAddress(text)).toEqual(address);
});

describe('the environment', () => {
  test.each<[env: NodeJS.ProcessEnv, cache: string]>([
    [{ HF_HUB_CACHE: '/a', HF_HOME: '/b' }, '/a'],
    [{ HUGGINGFACE_HUB_CACHE: '/a', HF_HOME: '/b' }, '/a'],
    [{ HF_HOME: '/b', XDG_CACHE_HOME: '/c' }, '/b/hub'],
    [{ XDG_CACHE_HOME: '/c' }, '/c/huggingface/hub'],
  ])('%j puts the cache at %s', (env, cache) => {
    expect(hubSettings(env)).toEqual({ cache, endpoint: 'https://huggingface.co', offline: false });
  });

  test('names mirror, token and offline mode', () => {
    const env = {
      HF_HOME: '/h',
      HF_ENDPOINT: 'https://mirror.example/',
      HF_TOKEN: 'hf_x ',
      HF_HUB_OFFLINE: '1',
    };
    expect(hubSettings(env)).toEqual({
      cache: '/h/hub',
      endpoint: 'https://mirror.example',
      token: 'hf_x',
      offline: true,
    });
  });

  test.each([
    [{ HF_TOKEN: 'secret' }, 'HF_TOKEN must be a token of the hub, which begins with hf_'],
    [{ HF_ENDPOINT: 'mirror.example' }, 'HF_ENDPOINT must be an address, got "mirror.example"'],
  ])('%j is refused without being shown where it is secret', (env, message) => {
    expect(() => hubSettings(env)).toThrow(expect.objectContaining({ code: 'HUB_SETTING', message }));
  });
});

test('a folder that cannot be written to is named', async () => {
  const hub = await start();
  const blocked = join(folder(), 'file');
  writeFileSync(blocked, '');
  const settings = { ...hub.settings, cache: join(blocked, 'cache') };
  await expect(downloadFile(file, options(hub, { settings }))).rejects.toMatchObject({
    code: 'NOT_A_FOLDER',
    message: expect.stringContaining(blocked),
  });
});
