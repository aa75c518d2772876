import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { downloadUrl, type PlainOptions } from '../../../src/data/hub/https.ts';
import { type Fault, folder, hasty, listen, noise, quick, serve, sha256 } from './server.ts';

const bytes = noise(200_000, 3);
const pin = sha256(bytes);

async function start(...faults: Fault[]) {
  const headers: NodeJS.Dict<string | string[]>[] = [];
  const server = createServer((request, response) => {
    headers.push(request.headers);
    serve(request, response, bytes, faults.shift() ?? 'fine');
  });
  const url = `${await listen(server)}/net-0123abcd.pth`;
  const cache = folder();
  const options: PlainOptions = { cache, patience: quick, offline: false };
  return { url, cache, options, headers };
}

const within = (cache: string) =>
  readdirSync(cache, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.(pth|incomplete)$/.test(name),
  );

test('a pinned file is fetched once', async () => {
  const { url, cache, options, headers } = await start();
  const path = join(cache, 'downloads', pin, 'net-0123abcd.pth');
  expect(await downloadUrl({ url, sha256: pin }, options)).toEqual({
    path,
    sha256: pin,
    size: bytes.length,
    fresh: true,
  });
  expect((await downloadUrl({ url, sha256: pin }, { ...options, offline: true })).fresh).toBe(false);
  expect(headers.length).toBe(1);
});

test('the first digits of a hash are enough, and are checked', async () => {
  const { url, options } = await start();
  expect((await downloadUrl({ url, sha256: pin.slice(0, 8) }, options)).sha256).toBe(pin);
  await expect(downloadUrl({ url, sha256: '01234567' }, options)).rejects.toMatchObject({
    code: 'DOWNLOAD_HASH',
  });
});

test('breaks, trickles and overload are overcome by going on', async () => {
  const { url, options, headers } = await start({ reset: 90_000 }, { trickle: 2 }, { status: 503 });
  const { path } = await downloadUrl({ url, sha256: pin }, { ...options, patience: hasty });
  expect(sha256(readFileSync(path))).toBe(pin);
  expect(headers.at(-1)?.range).toMatch(/^bytes=\d+-$/);
});

test('no token goes to a plain server, nor to where it redirects', async () => {
  const second = await start();
  const { url, options, headers } = await start({ redirect: second.url });
  process.env.HF_TOKEN = 'hf_for_tests_only';
  try {
    await downloadUrl({ url, sha256: pin }, options);
  } finally {
    delete process.env.HF_TOKEN;
  }
  expect([...headers, ...second.headers].map(({ authorization }) => authorization)).toEqual([
    undefined,
    undefined,
  ]);
});

test('a bad file is thrown away and never cached', async () => {
  const { url, cache, options } = await start({ corrupt: true });
  await expect(downloadUrl({ url, sha256: pin }, options)).rejects.toMatchObject({
    code: 'DOWNLOAD_HASH',
    message: expect.stringContaining(`${url} must have the SHA-256 ${pin}, the server sent `),
  });
  expect(within(cache)).toEqual([]);
});

test('a file damaged in the cache is fetched again', async () => {
  const { url, cache, options } = await start();
  mkdirSync(join(cache, 'downloads', pin), { recursive: true });
  writeFileSync(join(cache, 'downloads', pin, 'net-0123abcd.pth'), 'damaged');
  const got = await downloadUrl({ url, sha256: pin }, options);
  expect({ fresh: got.fresh, hash: sha256(readFileSync(got.path)) }).toEqual({ fresh: true, hash: pin });
});

test.each<[what: string, fault: Fault, error: object]>([
  [
    'missing',
    { status: 404 },
    { code: 'DOWNLOAD_NOT_FOUND', hint: expect.stringContaining(`${pin}/net-0123abcd.pth`) },
  ],
  ['forbidden', { status: 403 }, { code: 'DOWNLOAD_REFUSED' }],
  ['redirected to a sign-in page of another kind', { redirect: 'ftp://x/y' }, { code: 'DOWNLOAD_REDIRECT' }],
])('%s: one error that names the address', async (_what, fault, error) => {
  const { url, cache, options } = await start(fault);
  await expect(downloadUrl({ url, sha256: pin }, options)).rejects.toMatchObject(error);
  expect(within(cache)).toEqual([]);
});

test('a file that announces too much is not begun', async () => {
  const { url, cache, options } = await start();
  await expect(downloadUrl({ url, sha256: pin }, { ...options, maxBytes: 1e5 })).rejects.toMatchObject({
    code: 'DOWNLOAD_TOO_LARGE',
  });
  expect(within(cache)).toEqual([]);
});

test('one that does not announce it is stopped, and offline nothing is asked', async () => {
  const { url, cache, options, headers } = await start({ more: 10 });
  await expect(
    downloadUrl({ url, sha256: pin }, { ...options, maxBytes: bytes.length }),
  ).rejects.toMatchObject({ code: 'DOWNLOAD_TOO_LARGE' });
  await expect(downloadUrl({ url, sha256: pin }, { ...options, offline: true })).rejects.toMatchObject({
    code: 'DOWNLOAD_OFFLINE',
    message: `${url} is not in ${join(cache, 'downloads')}, and offline nothing is fetched`,
  });
  expect(headers.length).toBe(1);
});

test.each([
  ['http://example.com/a.pth', 'DOWNLOAD_ADDRESS'],
  ['ftp://example.com/a.pth', 'DOWNLOAD_ADDRESS'],
  ['https://example.com/', 'DOWNLOAD_ADDRESS'],
  ['https://example.com/..', 'DOWNLOAD_ADDRESS'],
  ['nonsense', 'DOWNLOAD_ADDRESS'],
])('%j is no address to fetch from', async (url, code) => {
  await expect(downloadUrl({ url, sha256: pin }, { cache: folder() })).rejects.toMatchObject({ code });
});

test.each(['', 'abc', 'xyz01234', `${pin}0`])('%j is no pin', async (sha) => {
  await expect(downloadUrl({ url: 'https://example.com/a.pth', sha256: sha }, {})).rejects.toMatchObject({
    code: 'DOWNLOAD_PIN',
  });
});
