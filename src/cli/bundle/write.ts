import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { writeFileAtomic } from '../../util/atomic.ts';
import { GanletError } from '../../util/errors.ts';
import { sha256Parts } from '../../util/hash.ts';
import { toolVersion } from '../../util/version.ts';
import { turnBranches } from './branches.ts';
import { withoutSymbols } from './elf.ts';
import { bundledFiles } from './packages.ts';
import { type RecipeFiles, recipeFiles } from './recipe-files.ts';
import { startProgram, startScript } from './start.ts';
import { tar } from './tar.ts';

export interface BundleOptions {
  /** The archive, as in `ganlet-linux-x64.tgz`. */
  out: string;
  /** Packs several times faster, to a tenth more. */
  fast: boolean;
  /** A recipe whose pictures, teacher and networks are packed too. */
  recipe?: string | undefined;
}

/** Files of machine code. */
const library = /\.(node|so)(\.[\d.]+)?$/;

/** The folder of ganlet's own package.json. */
const root = fileURLToPath(new URL('../../../', import.meta.url));

/**
 * Writes an archive that runs on another Linux machine of this architecture without a network: this Node, ganlet, and the packages
 * it needs. With a recipe, also what that reads: it is `recipe.yaml` in the archive's folder. Returns its bytes. Throws BUNDLE_PLATFORM elsewhere than on Linux, BUNDLE_INCOMPLETE,
 * and as `recipeFiles`.
 */
export async function writeBundle({ out, fast, recipe }: BundleOptions): Promise<number> {
  if (process.platform !== 'linux')
    throw new GanletError('BUNDLE_PLATFORM', `a bundle must be made on Linux, this is ${process.platform}`, {
      hint: 'make it on a Linux machine of the architecture it is for',
    });
  const scratch = mkdtempSync(join(tmpdir(), 'ganlet-bundle-'));
  try {
    const more = recipe === undefined ? undefined : await recipeFiles(recipe, scratch);
    const zipped = await archived(more, fast);
    await writeFileAtomic(out, zipped);
    return zipped.length;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function archived(more: RecipeFiles | undefined, fast: boolean): Promise<Buffer> {
  const files = bundledFiles(root, more?.packages).map(({ path, from }) => {
    const [data, turned] = [readFileSync(from), process.arch === 'x64' && library.test(path)];
    if (turned) turnBranches(data, 1);
    return { path, data, ...(turned && { turned }) };
  });
  const list = Buffer.from(
    JSON.stringify(files.map(({ data, ...rest }) => ({ ...rest, size: data.length }))),
  );
  const length = Buffer.alloc(4);
  length.writeUInt32LE(list.length);
  const parts = [length, list, ...files.map((file) => file.data)];
  const id = sha256Parts(parts).slice(0, 12);
  const payload = await packed(Buffer.concat(parts), fast);
  const folder = `ganlet-${process.platform}-${process.arch}`;
  const about = { version: toolVersion, node: process.version, id };
  const archive = tar([
    { path: `${folder}/ganlet`, data: Buffer.from(startScript), program: true },
    { path: `${folder}/node`, data: withoutSymbols(readFileSync(process.execPath)), program: true },
    { path: `${folder}/start.mjs`, data: Buffer.from(startProgram) },
    { path: `${folder}/bundle.json`, data: Buffer.from(`${JSON.stringify(about, null, 2)}\n`) },
    { path: `${folder}/payload`, data: payload },
    ...(more ? [{ path: `${folder}/recipe.yaml`, data: Buffer.from(more.recipe) }] : []),
    ...(more?.files ?? []).map(({ path, from }) => ({ path: `${folder}/${path}`, data: readFileSync(from) })),
  ]);
  return promisify(gzip)(Buffer.concat(archive), { level: fast ? 1 : 9 });
}

/** Brotli with its largest window: native libraries become a sixth smaller than by gzip. Beyond quality 9 it takes minutes. */
function packed(bytes: Buffer, fast: boolean): Promise<Buffer> {
  return promisify(brotliCompress)(bytes, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: fast ? 2 : 9,
      [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  });
}
