import { turnBranches } from './branches.ts';

/**
 * The program that a bundle starts with, as text: it needs nothing but Node. `payload` holds all other files, one after the other,
 * packed by Brotli, behind a list of them. They are unpacked at the first start, beside the bundle or, where that cannot be
 * written to, in the cache folder.
 */
export const startProgram = `import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { brotliDecompressSync } from 'node:zlib';

const here = dirname(fileURLToPath(import.meta.url));
const { id } = JSON.parse(readFileSync(join(here, 'bundle.json'), 'utf8'));
// What came with a recipe is used where nothing else is said.
if (existsSync(join(here, 'cache'))) process.env.GANLET_CACHE ||= join(here, 'cache');
if (existsSync(join(here, 'hub')) && !process.env.HF_HUB_CACHE) Object.assign(process.env, { HF_HUB_CACHE: join(here, 'hub'), HF_HUB_OFFLINE: '1' });
const { GANLET_CACHE, XDG_CACHE_HOME } = process.env;
const cache = GANLET_CACHE || (XDG_CACHE_HOME ? join(XDG_CACHE_HOME, 'ganlet') : join(homedir() || tmpdir(), '.cache', 'ganlet'));
${turnBranches}
const places = [join(here, 'app-' + id), join(cache, 'bundle-' + id)];

function unpack(place) {
  const temporary = place + '.' + process.pid;
  mkdirSync(temporary, { recursive: true });
  try {
    const bytes = brotliDecompressSync(readFileSync(join(here, 'payload')));
    const length = bytes.readUInt32LE(0);
    let at = 4 + length;
    for (const { path, size, turned } of JSON.parse(bytes.subarray(4, at).toString())) {
      const file = join(temporary, path);
      mkdirSync(dirname(file), { recursive: true });
      const data = bytes.subarray(at, at + size);
      if (turned) turnBranches(data, -1);
      writeFileSync(file, data);
      at += size;
    }
    renameSync(temporary, place);
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    // Another start was quicker.
    if (!existsSync(place)) throw error;
  }
}

let app = places.find((place) => existsSync(place));
const reasons = [];
for (const place of app ? [] : places) {
  try {
    unpack(place);
    app = place;
    break;
  } catch (error) {
    reasons.push(place + ': ' + error.message);
  }
}
if (app) await import(pathToFileURL(join(app, 'dist', 'cli', 'main.js')).href);
else {
  process.stderr.write('error: ganlet must be unpacked somewhere, it was not: ' + reasons.join('; ') + '\\n  help: set GANLET_CACHE to a folder that can be written to\\n');
  process.exitCode = 1;
}
`;

/** Starts the bundle's own Node, wherever the bundle lies and whatever leads to it. */
export const startScript = `#!/bin/sh
here=$(dirname -- "$(readlink -f -- "$0")")
exec "$here/node" "$here/start.mjs" "$@"
`;
