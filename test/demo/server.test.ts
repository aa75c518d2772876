import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Serving, serve } from '../../src/demo/server.ts';
import type { Site } from '../../src/demo/site.ts';

const secret = 'nobody may read this';
const folder = mkdtempSync(join(tmpdir(), 'ganlet-serve-'));
mkdirSync(join(folder, 'site'));
writeFileSync(join(folder, 'secret.txt'), secret);
writeFileSync(join(folder, 'site/large.bin'), new Uint8Array(300_000).fill(7));
writeFileSync(join(folder, 'site/huge.bin'), new Uint8Array(20_000_000));
writeFileSync(join(folder, 'site/gone.bin'), 'soon gone');

const site: Site = new Map([
  ['index.html', { type: 'text/html', bytes: Buffer.from('<p>hello</p>') }],
  ['sub/large.bin', { type: 'application/octet-stream', path: join(folder, 'site/large.bin') }],
  ['huge.bin', { type: 'application/octet-stream', path: join(folder, 'site/huge.bin') }],
  ['gone.bin', { type: 'application/octet-stream', path: join(folder, 'site/gone.bin') }],
]);

let serving: Serving;
let port: number;
beforeAll(async () => {
  serving = await serve(site, { port: 0 });
  port = Number(new URL(serving.url).port);
});
afterAll(async () => {
  await serving.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Sends exactly these characters and returns all that comes back. */
function raw(text: string | Buffer, wait = 3000): Promise<string> {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    let answer = '';
    const end = () => {
      socket.destroy();
      done(answer);
    };
    socket.on('data', (data) => {
      answer += data.toString('latin1');
    });
    socket.on('close', end).on('error', end);
    setTimeout(end, wait).unref();
  });
}

const get = (target: string, host = `127.0.0.1:${port}`) =>
  raw(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
const status = (answer: string) => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);

describe('a file of the site', () => {
  it('comes with its type, its length, and headers that isolate the page', async () => {
    const response = await fetch(serving.url);
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('<p>hello</p>');
    expect(response.headers.get('content-type')).toBe('text/html');
    expect(response.headers.get('cross-origin-opener-policy')).toBe('same-origin');
    expect(response.headers.get('cross-origin-embedder-policy')).toBe('require-corp');
    expect(response.headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self'/);
    expect(response.headers.get('content-security-policy')).not.toContain('unsafe-inline');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  });

  it('is answered to HEAD without its bytes, and not sent again where it is known', async () => {
    const head = await fetch(`${serving.url}sub/large.bin`, { method: 'HEAD' });
    expect(head.headers.get('content-length')).toBe('300000');
    expect((await head.arrayBuffer()).byteLength).toBe(0);
    const tag = head.headers.get('etag') ?? '';
    const again = await raw(
      `GET /sub/large.bin HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: ${tag}\r\nConnection: close\r\n\r\n`,
    );
    expect(status(again)).toBe(304);
  });

  it('may carry a query', async () => {
    expect(status(await get('/index.html?threads=1'))).toBe(200);
  });

  it('that has been deleted meanwhile is 410, and the server goes on', async () => {
    rmSync(join(folder, 'site/gone.bin'));
    expect(status(await get('/gone.bin'))).toBe(410);
    expect(status(await get('/'))).toBe(200);
  });
});

describe('nothing outside the site is reachable', () => {
  it.each([
    '/../secret.txt',
    '/sub/../../secret.txt',
    '/./index.html',
    '/sub/../index.html',
    '//secret.txt',
    '/..%2fsecret.txt',
    '/%2e%2e/secret.txt',
    '/%2e%2e%2fsecret.txt',
    '/..%5csecret.txt',
    '/..\\secret.txt',
    '/..%c0%afsecret.txt',
    '/%252e%252e/secret.txt',
    '/index.html%00.png',
    '/sub',
    '/sub/',
    '/INDEX.HTML',
    `${folder}/secret.txt`,
    `/${folder}/secret.txt`,
    `file://${folder}/secret.txt`,
    'secret.txt',
    '*',
    '/__proto__',
    '/constructor',
    '/%E0%A4%A',
    `/${'a'.repeat(8000)}`,
  ])('GET %s', async (target) => {
    const answer = await get(target);
    expect([400, 404]).toContain(status(answer));
    expect(answer).not.toContain(secret);
    expect(answer).not.toContain('hello');
  });

  it('under the name of another site, so that a page of it cannot read the answer', async () => {
    expect(status(await get('/', 'evil.example'))).toBe(421);
    expect(status(await get('/', `evil.example:${port}`))).toBe(421);
    expect(status(await get('/', `localhost:${port}`))).toBe(200);
  });
});

describe('what a browser does not send', () => {
  it.each(['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE'])('%s is refused', async (method) => {
    const answer = await raw(
      `${method} / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
    );
    expect(status(answer)).toBe(405);
  });

  it('a huge body is refused before it has arrived', async () => {
    const sent = await new Promise<{ status: number | undefined; bytes: number }>((done) => {
      const upload = request({ port, host: '127.0.0.1', method: 'POST', path: '/' });
      let bytes = 0;
      let answered: number | undefined;
      const block = Buffer.alloc(1 << 20);
      const push = () => {
        while (!upload.destroyed && bytes < 1 << 30) {
          bytes += block.length;
          if (!upload.write(block)) break;
        }
      };
      upload.on('response', (response) => {
        answered = response.statusCode;
        response.resume();
      });
      upload.on('drain', push);
      upload.on('error', () => {});
      upload.on('close', () => done({ status: answered, bytes }));
      push();
      setTimeout(() => upload.destroy(), 5000).unref();
    });
    expect(sent.status ?? 405).toBe(405);
    expect(sent.bytes).toBeLessThan(64 << 20);
    expect(status(await get('/'))).toBe(200);
  });

  it('headers without end, and what is no HTTP, get an error', async () => {
    expect(status(await raw(`GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`))).toBe(
      400,
    );
    expect(status(await raw('\u0016\u0003\u0001 this is TLS\r\n\r\n'))).toBe(400);
    expect(status(await raw(Buffer.from([0, 255, 13, 10, 13, 10])))).toBe(400);
    expect(status(await get('/'))).toBe(200);
  });
});

describe('many clients', () => {
  it('200 at once are all served', async () => {
    const answers = await Promise.all(
      Array.from({ length: 200 }, () => fetch(`${serving.url}sub/large.bin`).then((r) => r.arrayBuffer())),
    );
    expect(answers.every(({ byteLength }) => byteLength === 300_000)).toBe(true);
  });

  it('those that hang, in their request or while reading, hold up nobody', async () => {
    const hanging = Array.from({ length: 50 }, (_, i) => {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => {});
      if (i % 2) socket.write('GET / HTTP/1.1\r\nHost: lo');
      else {
        socket.write('GET /huge.bin HTTP/1.1\r\nHost: localhost\r\n\r\n');
        socket.pause();
      }
      return socket;
    });
    const start = performance.now();
    expect(status(await get('/'))).toBe(200);
    expect(performance.now() - start).toBeLessThan(2000);
    for (const socket of hanging) socket.destroy();
    expect(status(await get('/'))).toBe(200);
  });
});

describe('listening', () => {
  it('is on this machine only', () => {
    expect(serving.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
  });

  it('on a port that is taken is an error where the port was asked for', async () => {
    await expect(serve(site, { port })).rejects.toMatchObject({ code: 'PORT_TAKEN' });
  });

  it('on no address of this machine is an error', async () => {
    await expect(serve(site, { port: 0, host: '203.0.113.7' })).rejects.toMatchObject({
      code: 'ADDRESS_UNKNOWN',
    });
  });

  it('ends with connections open', async () => {
    const other = await serve(site, { port: 0 });
    const socket = connect(Number(new URL(other.url).port), '127.0.0.1');
    await new Promise((done) => socket.once('connect', done));
    socket.on('error', () => {});
    await other.close();
    await expect(fetch(other.url)).rejects.toThrow();
  });
});
