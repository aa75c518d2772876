import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Patience } from '../../../src/data/hub/request.ts';
import type { HubSettings } from '../../../src/data/hub/settings.ts';

/** What goes wrong with one request. */
export interface Trouble {
  /** Refused, with the hub's own code for it. */
  status?: number;
  code?: string;
  headers?: Record<string, string>;
  /** Sends that many bytes, then breaks the connection. */
  reset?: number;
  /** Sends that many bytes, then ends as if that were all. */
  short?: number;
  /** Other bytes of the same length. */
  corrupt?: true;
  /** So many more bytes than were announced anywhere. */
  more?: number;
  /** So few bytes now and then, without end. */
  trickle?: number;
  /** The whole file where a part was asked for. */
  whole?: true;
  /** A part, but another one. */
  shifted?: true;
  redirect?: string;
  /** No answer at all. */
  silent?: true;
}

export type Fault = Trouble | 'fine';

export interface RepoContent {
  type?: 'model' | 'dataset';
  commit: string;
  files: Record<string, Uint8Array>;
  /** Files below this many bytes lie in git, the others in the storage. */
  smallest?: number;
  gated?: boolean;
}

export interface Seen {
  method: string;
  url: string;
  authorization: string | undefined;
  range: string | undefined;
  body: string;
}

export const commit = 'c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00';
export const token = 'hf_for_tests_only';
export const quick: Patience = { attempts: 4, delay: 1, stall: 20_000 };

/** For servers that go quiet. A busy machine may look so too, hence the many tries. */
export const hasty: Patience = { attempts: 8, delay: 1, stall: 400 };

export const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex');
export const gitOid = (bytes: Uint8Array) =>
  createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');

/** Bytes that look like nothing else. */
export function noise(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** A folder that is gone when the test ends. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'ganlet-hub-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/**
 * A hub on this machine, and beside it, at another origin, the storage that large files are redirected to. The
 * faults are taken from the front, one for each request of that kind; then all is fine.
 */
export async function startHub(repos: Record<string, RepoContent>) {
  const hub = { seen: [] as Seen[], faults: [] as Fault[] };
  const storage = { seen: [] as Seen[], faults: [] as Fault[] };
  const uploads = { objects: new Map<string, Buffer>(), commits: [] as Record<string, unknown>[][] };
  const created: Record<string, unknown>[] = [];

  const storageServer = createServer(async (request, response) => {
    const body = await note(request, storage.seen);
    const name = request.url!.split('/').at(-1)!;
    if (request.method === 'PUT') {
      uploads.objects.set(name, body);
      response.end();
      return;
    }
    const all = Object.values(repos).flatMap(({ files }) => Object.values(files));
    const bytes = all.find((file) => sha256(file) === name);
    serve(request, response, bytes, storage.faults.shift() ?? 'fine', { etag: '"an-md5-of-parts"' });
  });
  const storageUrl = await listen(storageServer);

  const hubServer = createServer(async (request, response) => {
    const body = await note(request, hub.seen);
    const url = new URL(request.url!, 'http://hub');
    const path = decodeURIComponent(url.pathname);
    const fault = hub.faults.shift() ?? 'fine';
    const trouble: Trouble = fault === 'fine' ? {} : fault;
    if (trouble.status !== undefined) {
      return refuse(response, trouble.status, trouble.code, trouble.headers);
    }
    if (trouble.silent) return;
    if (trouble.redirect !== undefined) {
      response.writeHead(302, { location: trouble.redirect }).end();
      return;
    }
    if (path === '/api/repos/create') {
      const asked = JSON.parse(body.toString());
      created.push({ ...asked, authorization: request.headers.authorization });
      const id = `${asked.organization}/${asked.name}`;
      if (repos[id]) return refuse(response, 409);
      repos[id] = { commit, files: {} };
      return json(response, { url: `${hubUrl}/${id}`, id });
    }
    const name = Object.keys(repos).find((id) => path.includes(`/${id}/`) || path.includes(`/${id}.git/`));
    const repo = name === undefined ? undefined : repos[name];
    const authorised = request.headers.authorization === `Bearer ${token}`;
    if (!name || !repo) {
      return authorised ? refuse(response, 404, 'RepoNotFound') : refuse(response, 401, 'RepoNotFound');
    }
    const rest = path.slice(path.indexOf(name) + name.length);
    const known = [repo.commit, 'main', 'refs/pr/1'];

    if (path.startsWith('/api/') && rest.startsWith('/revision/')) {
      if (!known.includes(rest.slice('/revision/'.length))) return refuse(response, 404, 'RevisionNotFound');
      return json(response, {
        _id: '1',
        id: name,
        sha: repo.commit,
        lastModified: '2026-01-01T00:00:00.000Z',
      });
    }
    if (path.startsWith('/api/') && rest.startsWith('/tree/')) {
      const entries = Object.entries(repo.files).map(([file, bytes]) => ({
        type: 'file',
        path: file,
        size: bytes.length,
        oid: gitOid(bytes),
        ...(isLarge(repo, bytes) && { lfs: { oid: sha256(bytes), size: bytes.length, pointerSize: 130 } }),
      }));
      // Two to a page, as the real one has a thousand.
      const from = Number(url.searchParams.get('cursor') ?? 0);
      const next =
        from + 2 < entries.length ? `<${hubUrl}${url.pathname}?cursor=${from + 2}>; rel="next"` : '';
      return json(response, entries.slice(from, from + 2), next ? { link: next } : {});
    }
    if (rest.startsWith('/preupload/')) {
      const { files } = JSON.parse(body.toString()) as { files: { path: string; size: number }[] };
      return json(response, {
        files: files.map(({ path }) => ({ path, uploadMode: path.endsWith('.onnx') ? 'lfs' : 'regular' })),
      });
    }
    if (rest === '.git/info/lfs/objects/batch') {
      const { objects } = JSON.parse(body.toString()) as { objects: { oid: string; size: number }[] };
      return json(response, {
        transfer: 'basic',
        objects: objects.map((object) => ({
          ...object,
          actions: { upload: { href: `${storageUrl}/upload/${object.oid}` } },
        })),
      });
    }
    if (rest.startsWith('/commit/')) {
      uploads.commits.push(
        body
          .toString()
          .split('\n')
          .map((line) => JSON.parse(line)),
      );
      return json(response, {
        success: true,
        commitOid: commit,
        commitUrl: `${hubUrl}/${name}/commit/${commit}`,
      });
    }
    const [, revision, file] = /^\/resolve\/(main|refs\/pr\/1|[^/]+)\/(.+)$/.exec(rest) ?? [];
    const cached = /^\/api\/resolve-cache\/(.+)$/.exec(url.pathname) ? file : undefined;
    if (!revision || !known.includes(revision)) return refuse(response, 404, 'RevisionNotFound');
    const bytes = repo.files[file!];
    if (!bytes) return refuse(response, 404, 'EntryNotFound');
    if (repo.gated && !authorised) return refuse(response, 401, 'GatedRepo');
    if (repo.gated) return refuse(response, 403, 'GatedRepo');
    const headers = { 'x-repo-commit': repo.commit };
    if (isLarge(repo, bytes)) {
      const linked = { 'x-linked-etag': `"${sha256(bytes)}"`, 'x-linked-size': String(bytes.length) };
      response.writeHead(302, { ...headers, ...linked, location: `${storageUrl}/${sha256(bytes)}` }).end();
      return;
    }
    if (cached === undefined) {
      const location = `/api/resolve-cache${request.url}`;
      response.writeHead(307, { ...headers, etag: `"${gitOid(bytes)}"`, location }).end();
      return;
    }
    serve(request, response, bytes, fault, { ...headers, etag: `W/"${gitOid(bytes)}"` });
  });
  const hubUrl = await listen(hubServer);

  const cache = folder();
  const settings: HubSettings = { cache, endpoint: hubUrl, offline: false };
  return { url: hubUrl, storageUrl, hub, storage, repos, uploads, created, settings, cache };
}

function isLarge({ smallest = 100 }: RepoContent, bytes: Uint8Array): boolean {
  return bytes.length >= smallest;
}

/** Sends bytes, or the part of them that was asked for, with a fault. */
export function serve(
  request: IncomingMessage,
  response: ServerResponse,
  bytes: Uint8Array | undefined,
  fault: Fault,
  headers: Record<string, string> = {},
): void {
  if (!bytes) {
    refuse(response, 404);
    return;
  }
  const kind: Trouble = fault === 'fine' ? {} : fault;
  if (kind.status !== undefined) {
    refuse(response, kind.status, kind.code, kind.headers);
    return;
  }
  if (kind.redirect !== undefined) {
    response.writeHead(302, { location: kind.redirect }).end();
    return;
  }
  if (kind.silent) return;
  const content = kind.corrupt ? bytes.map((byte) => byte ^ 1) : bytes;
  const range = kind.whole ? undefined : /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
  let start = range ? Number(range[1]) : 0;
  if (range && start >= bytes.length) {
    response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end();
    return;
  }
  if (kind.shifted) start += 1;
  const end = range?.[2] ? Number(range[2]) + 1 : bytes.length;
  const part = content.subarray(start, end);
  const chunked = [kind.short, kind.more, kind.trickle].some((bytes) => bytes !== undefined);
  response.writeHead(range ? 206 : 200, {
    ...headers,
    ...(!chunked && { 'content-length': part.length }),
    ...(range && { 'content-range': `bytes ${start}-${end - 1}/${bytes.length}` }),
  });
  if (request.method === 'HEAD') response.end();
  else if (kind.reset !== undefined)
    response.write(part.subarray(0, kind.reset), () => setTimeout(() => response.destroy(), 100));
  else if (kind.short !== undefined) response.end(part.subarray(0, kind.short));
  else if (kind.more !== undefined) response.end(Buffer.concat([part, noise(kind.more)]));
  else if (kind.trickle !== undefined) {
    const step = kind.trickle;
    let sent = 0;
    const timer = setInterval(() => {
      response.write(part.subarray(sent, sent + step));
      sent += step;
    }, 20);
    response.on('close', () => clearInterval(timer));
  } else response.end(part);
}

async function note(request: IncomingMessage, seen: Seen[]): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part);
  const { authorization, range } = request.headers;
  const body = Buffer.concat(parts);
  seen.push({ method: request.method!, url: request.url!, authorization, range, body: body.toString() });
  return body;
}

function refuse(
  response: ServerResponse,
  status: number,
  code?: string,
  headers: Record<string, string> = {},
): void {
  response
    .writeHead(status, {
      'content-type': 'application/json',
      ...(code && { 'x-error-code': code }),
      ...headers,
    })
    .end(JSON.stringify({ error: `refused: ${code ?? status}` }));
}

function json(response: ServerResponse, value: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));
}

/** Starts a server on a free port of this machine, until the test ends. */
export async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
