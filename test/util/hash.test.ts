import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { sha256, sha256File, sha256Json, sha256Parts, stableJson } from '../../src/util/hash.ts';

// FIPS 180-2, appendix B.1.
const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';

it('gives the published digest for text, bytes, parts and files', async () => {
  expect(sha256('abc')).toBe(abc);
  expect(sha256(Uint8Array.of(97, 98, 99))).toBe(abc);
  expect(sha256Parts(['a', Uint8Array.of(98), 'c'])).toBe(abc);
  const folder = mkdtempSync(join(tmpdir(), 'ganlet-hash-'));
  writeFileSync(join(folder, 'file'), 'abc');
  expect(await sha256File(join(folder, 'file'))).toBe(abc);
  await expect(sha256File(join(folder, 'none'))).rejects.toMatchObject({ code: 'FILE_MISSING' });
  rmSync(folder, { recursive: true });
});

it('hashes JSON by content: key order does not count, array order does', () => {
  expect(stableJson({ b: [{ d: 1, c: undefined }], a: null })).toBe('{"a":null,"b":[{"d":1}]}');
  expect(sha256Json({ a: 1, b: { c: 2, d: 3 } })).toBe(sha256Json({ b: { d: 3, c: 2 }, a: 1 }));
  expect(sha256Json([1, 2])).not.toBe(sha256Json([2, 1]));
  expect(sha256Json({ 10: 'x', 9: 'y' })).toBe(sha256Json({ 9: 'y', 10: 'x' }));
});
