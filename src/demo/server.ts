import { createReadStream, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { GanletError } from '../util/errors.ts';
import type { Site, SiteFile } from './site.ts';

export interface ServeOptions {
  /** Address to listen on. Default 127.0.0.1: this machine only. */
  host?: string;
  /** 0 takes any free one. Left out: 8765, or a free one when it is taken. */
  port?: number | undefined;
}

export interface Serving {
  /** Where a browser on this machine finds the page, with a final slash. */
  url: string;
  close(): Promise<void>;
}

const usualPort = 8765;

/** An idle connection, and a whole request that does not arrive, are given up after so long (milliseconds). */
const patience = 20_000;

/** Nothing but the site's own files; cross-origin isolation makes threads possible. */
const headers = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; " +
    "img-src 'self' data: blob:; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-cache',
} as const;

/**
 * Serves a site until it is closed. A request must spell the path of one of its files exactly; anything else is 404, so no
 * path leads out of it. Only GET and HEAD; a body is not read. Listening on this machine, it answers only requests made to
 * it by such a name, so that a page of another site cannot read it under its own. Throws PORT_TAKEN, ADDRESS_UNKNOWN.
 */
export async function serve(site: Site, { host = '127.0.0.1', port }: ServeOptions = {}): Promise<Serving> {
  const server = createServer({
    requestTimeout: patience,
    headersTimeout: patience,
    keepAliveTimeout: 5_000,
  });
  server.setTimeout(patience);
  server.on('request', (request, response) => {
    answer(site, host, request, response).catch(() => response.destroy());
  });
  server.on('clientError', (_error, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
    else socket.destroy();
  });
  await listen(server, host, port).catch((error: NodeJS.ErrnoException) => {
    if (port !== undefined || error.code !== 'EADDRINUSE') throw listenError(error, host, port ?? usualPort);
    return listen(server, host, 0);
  });
  const address = server.address();
  const taken = typeof address === 'object' && address ? address.port : 0;
  const shown = isAnywhere(host) ? '127.0.0.1' : isIP(host) === 6 ? `[${host}]` : host;
  return {
    url: `http://${shown}:${taken}/`,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  site: Site,
  host: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  const refuse = (status: number, text: string) => {
    // What is still coming is not wanted, and must not be read as the next request.
    response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', Connection: 'close' });
    response.end(`${text}\n`);
  };
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD');
    return refuse(405, 'only GET and HEAD are answered');
  }
  if (!isForUs(request.headers.host, host)) return refuse(421, 'this server has another name');
  const [path] = (request.url ?? '').split('?');
  const file = site.get(path === '/' ? 'index.html' : (path ?? '').slice(1));
  if (!file || !path?.startsWith('/')) return refuse(404, 'there is no such file');
  const found = stateOf(file);
  if (!found) return refuse(410, 'the file is gone');
  response.setHeader('Content-Type', file.type);
  response.setHeader('ETag', found.tag);
  if (request.headers['if-none-match'] === found.tag) {
    response.writeHead(304).end();
    return;
  }
  response.setHeader('Content-Length', found.length);
  if (request.method === 'HEAD') response.end();
  else if ('bytes' in file) response.end(file.bytes);
  else await pipeline(createReadStream(file.path, { end: found.length - 1 }), response);
}

/** Length and a mark that changes with the content; undefined for a file that is no longer there. */
function stateOf(file: SiteFile): { length: number; tag: string } | undefined {
  if ('bytes' in file) return { length: file.bytes.length, tag: `"${startedAt}-${file.bytes.length}"` };
  const found = statSync(file.path, { throwIfNoEntry: false });
  return found && { length: found.size, tag: `"${found.mtimeMs}-${found.size}"` };
}

/** What is held in memory is as old as the process. */
const startedAt = Date.now();

/** Whether a request names this server as one can that reaches it. Open to other machines, any name may be ours. */
function isForUs(name: string | undefined, host: string): boolean {
  if (!isLocal(host)) return true;
  const asked = (name ?? '').replace(/:\d*$/, '').toLowerCase();
  return isLocal(asked.replace(/^\[|\]$/g, ''));
}

function isLocal(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

function isAnywhere(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

function listen(server: Server, host: string, port = usualPort): Promise<void> {
  return new Promise((done, fail) => {
    server.once('error', fail);
    server.listen({ host, port }, () => {
      server.off('error', fail);
      done();
    });
  });
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): GanletError {
  const known: Record<string, [code: string, found: string, hint: string]> = {
    EADDRINUSE: ['PORT_TAKEN', 'another program has it', '--port 0 takes a free one'],
    EACCES: ['PORT_TAKEN', 'the system does not allow it', 'choose a port above 1023'],
    EADDRNOTAVAIL: ['ADDRESS_UNKNOWN', 'it is no address of this machine', 'leave --host out'],
    ENOTFOUND: ['ADDRESS_UNKNOWN', 'there is no such name', 'leave --host out'],
    EAI_AGAIN: ['ADDRESS_UNKNOWN', 'the name cannot be looked up', 'leave --host out'],
  };
  const [code, found, hint] = known[error.code ?? ''] ?? [
    'ADDRESS_UNKNOWN',
    error.message,
    'leave --host out',
  ];
  return new GanletError(code, `cannot listen on ${host}:${port}: ${found}`, { hint, cause: error });
}
