import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { appendLine, readJsonLines, truncateJsonLines } from '../../src/util/json-lines.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ganlet-jsonl-'));
  path = join(folder, 'run/stats.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('reads back what was appended, one line a record', () => {
  appendLine(path, { step: 1, text: 'two\nlines' });
  appendLine(path, { step: 2 });
  expect(readFileSync(path, 'utf8')).toBe('{"step":1,"text":"two\\nlines"}\n{"step":2}\n');
  expect(readJsonLines(path)).toEqual([{ step: 1, text: 'two\nlines' }, { step: 2 }]);
});

it('reads a missing file as no records, and truncating it makes none', async () => {
  expect(readJsonLines(path)).toEqual([]);
  expect(await truncateJsonLines(path, 3)).toBe(0);
  expect(existsSync(path)).toBe(false);
});

it('survives being cut anywhere: whole records stay, the next append starts a fresh line', () => {
  const records = [{ step: 1 }, { step: 2, loss: { gan: 0.5, recon: [1, 'ä'] } }];
  const whole = Buffer.from(records.map((record) => `${JSON.stringify(record)}\n`).join(''));
  fc.assert(
    fc.property(fc.integer({ min: 0, max: whole.length }), (cut) => {
      rmSync(path, { force: true });
      appendLine(path, { step: 0 });
      appendFileSync(path, whole.subarray(0, cut));
      const survivors = readJsonLines(path);
      expect(survivors).toEqual([{ step: 0 }, ...records].slice(0, survivors.length));
      const lineEnds = whole.subarray(0, cut).filter((byte) => byte === 0x0a).length;
      expect(survivors.length - 1).toBeGreaterThanOrEqual(lineEnds);
      appendLine(path, { step: 9 });
      expect(readJsonLines(path)).toEqual([...survivors, { step: 9 }]);
      expect(readFileSync(path, 'utf8').split('\n')).toHaveLength(survivors.length + 2);
    }),
    { numRuns: 60 },
  );
});

it('names the line of a damaged record in the middle', () => {
  appendLine(path, { step: 1 });
  appendFileSync(path, 'oops\n{"step":2}\n');
  expect(() => readJsonLines(path)).toThrow(`${path}:2 must be one JSON object, got "oops"`);
});

it('truncates to the first records, or to those that satisfy a condition', async () => {
  for (let step = 1; step <= 5; step++) appendLine(path, { step });
  expect(await truncateJsonLines<{ step: number }>(path, ({ step }) => step <= 4)).toBe(4);
  expect(await truncateJsonLines(path, 2)).toBe(2);
  expect(readJsonLines(path)).toEqual([{ step: 1 }, { step: 2 }]);
});

it.skipIf(process.platform !== 'linux')('reports a full disk by the name of the file', () => {
  expect(() => appendLine('/dev/full', { step: 1 })).toThrow(
    expect.objectContaining({
      code: 'DISK_FULL',
      message: 'cannot write /dev/full: no space is left on the disk',
    }),
  );
});

it('reports a path that runs through a file', () => {
  writeFileSync(join(folder, 'run'), '');
  expect(() => appendLine(path, {})).toThrow(expect.objectContaining({ code: 'NOT_A_FOLDER' }));
});
