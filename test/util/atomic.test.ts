import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { writeFileAtomic, writeJsonAtomic } from '../../src/util/atomic.ts';
import { GanletError } from '../../src/util/errors.ts';
import { fileError } from '../../src/util/file-error.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ganlet-atomic-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => {
      throw new Error('expected a failure');
    },
    (error: GanletError) => error,
  );

it('writes text, bytes and lists of bytes, making folders on the way', async () => {
  const path = join(folder, 'a/b/file');
  await writeFileAtomic(path, 'grün');
  expect(readFileSync(path, 'utf8')).toBe('grün');
  await writeFileAtomic(path, [Uint8Array.of(1, 2), Uint8Array.of(), Uint8Array.of(3)]);
  expect([...readFileSync(path)]).toEqual([1, 2, 3]);
  expect(readdirSync(join(folder, 'a/b'))).toEqual(['file']);
});

it('writes JSON that people can read', async () => {
  const path = join(folder, 'card.json');
  await writeJsonAtomic(path, { macs: 12, widths: [8] });
  expect(readFileSync(path, 'utf8')).toBe('{\n  "macs": 12,\n  "widths": [\n    8\n  ]\n}\n');
});

it('leaves the target and no temporary file behind when the rename fails', async () => {
  const path = join(folder, 'target');
  mkdirSync(path);
  writeFileSync(join(path, 'precious'), 'kept');
  const error = await failure(writeFileAtomic(path, 'new'));
  expect(error).toMatchObject({
    code: 'IS_A_FOLDER',
    message: `cannot write ${path}: there is a folder of that name`,
  });
  expect(readdirSync(folder)).toEqual(['target']);
  expect(readFileSync(join(path, 'precious'), 'utf8')).toBe('kept');
});

it('names the path when a part of it is a file', async () => {
  writeFileSync(join(folder, 'file'), '');
  const path = join(folder, 'file/inside.json');
  const error = await failure(writeJsonAtomic(path, {}));
  expect(error).toBeInstanceOf(GanletError);
  expect(error.code).toBe('NOT_A_FOLDER');
  expect(error.message).toContain(path);
});

it.skipIf(!canLimitFileSize())('leaves the old content when the disk gives out half-way', async () => {
  const path = join(folder, 'weights.bin');
  writeFileSync(path, 'old weights');
  // A file size limit stands in for a full disk: the write fails after the temporary file was made.
  limitFileSize('1000000');
  const error = await failure(writeFileAtomic(path, Buffer.alloc(4_000_000))).finally(() =>
    limitFileSize('unlimited'),
  );
  expect(error).toMatchObject({
    code: 'DISK_FULL',
    message: `cannot write ${path}: the file would be larger than is allowed`,
  });
  expect(readFileSync(path, 'utf8')).toBe('old weights');
  expect(readdirSync(folder)).toEqual(['weights.bin']);
});

it.skipIf(process.platform !== 'linux')('calls a full disk a full disk', () => {
  let error: unknown;
  try {
    writeFileSync('/dev/full', 'x');
  } catch (caught) {
    error = caught;
  }
  expect(fileError('write', '/data/x', error)).toMatchObject({
    code: 'DISK_FULL',
    message: 'cannot write /data/x: no space is left on the disk',
  });
});

it('tells reading from writing where permission is missing, and passes our own errors on', () => {
  const denied = Object.assign(new Error('EACCES'), { code: 'EACCES' });
  expect(fileError('write', 'p', denied).code).toBe('NOT_WRITABLE');
  expect(fileError('read', 'p', denied).code).toBe('NOT_READABLE');
  const own = new GanletError('RUN_LOCKED', 'busy');
  expect(fileError('write', 'p', own)).toBe(own);
  expect(fileError('read', 'p', new Error('odd'))).toMatchObject({
    code: 'FILE_ERROR',
    message: 'cannot read p: odd',
  });
});

/** Sets the soft limit only, so that it can be lifted again. */
function limitFileSize(bytes: string): void {
  execFileSync('prlimit', ['--pid', String(process.pid), `--fsize=${bytes}:`]);
}

function canLimitFileSize(): boolean {
  return process.platform === 'linux' && spawnSync('prlimit', ['--version']).status === 0;
}
