import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readSafetensors, readSafetensorsMetadata, tensorsUnder } from './safetensors.ts';

const fixture = join(import.meta.dirname, '../fixtures/networks/patchgan.safetensors');
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'safetensors-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function writeFile(name: string, header: object, body: number[], pad = 0): string {
  const text = JSON.stringify(header) + ' '.repeat(pad);
  const bytes = Buffer.alloc(8 + text.length + 4 * body.length);
  bytes.writeBigUInt64LE(BigInt(text.length), 0);
  bytes.write(text, 8);
  for (const [i, value] of body.entries()) bytes.writeFloatLE(value, 8 + text.length + 4 * i);
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

test('tensors come back with their names, shapes and values at any byte alignment', () => {
  const header = {
    __metadata__: { norm: 'instance' },
    b: { dtype: 'F32', shape: [2, 2], data_offsets: [4, 20] },
    a: { dtype: 'F32', shape: [], data_offsets: [0, 4] },
  };
  for (const pad of [0, 1, 2, 3]) {
    const path = writeFile(`pad${pad}`, header, [9, 1, -2, 0.5, 4], pad);
    const tensors = readSafetensors(path);
    expect([...tensors.keys()]).toEqual(['b', 'a']);
    expect(tensors.get('a')).toEqual({ shape: [], data: Float32Array.of(9) });
    expect(tensors.get('b')).toEqual({ shape: [2, 2], data: Float32Array.of(1, -2, 0.5, 4) });
    expect(readSafetensorsMetadata(path)).toEqual({ norm: 'instance' });
  }
});

test('a loss written by PyTorch is the mean of output times probe of the same file', () => {
  const tensors = readSafetensors(fixture);
  const output = tensors.get('output')!.data;
  const probe = tensors.get('probe')!.data;
  const mean = output.reduce((sum, value, i) => sum + value * probe[i]!, 0) / output.length;
  expect(output.length).toBeGreaterThan(0);
  expect(tensors.get('loss')!.data[0]).toBeCloseTo(mean, 6);
});

test('every parameter of a network fixture has a gradient of its shape', () => {
  const tensors = readSafetensors(fixture);
  const parameters = tensorsUnder(tensors, 'param');
  const gradients = tensorsUnder(tensors, 'grad');
  expect([...gradients.keys()]).toEqual([...parameters.keys()]);
  for (const [name, { shape }] of parameters) expect(gradients.get(name)!.shape).toEqual(shape);
});

test('a file that is cut short, of another type or of another format is refused by name', () => {
  const whole = readFileSync(fixture);
  const cut = join(folder, 'cut');
  writeFileSync(cut, whole.subarray(0, whole.length - 4));
  expect(() => readSafetensors(cut)).toThrow(/cut: .* does not fit/);
  const half = writeFile('half', { a: { dtype: 'F16', shape: [2], data_offsets: [0, 4] } }, [1]);
  expect(() => readSafetensors(half)).toThrow('a must be F32, found F16');
  const other = join(folder, 'other');
  writeFileSync(other, 'plain text, long enough to hold a length');
  expect(() => readSafetensors(other)).toThrow('not a safetensors file');
});
