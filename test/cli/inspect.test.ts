import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ganletHere } from './here.ts';

const file = join(import.meta.dirname, '../fixtures/exports/mobile-14.onnx');

test('inspect prints groups, costs and taps; --json the same for programs', async () => {
  const { status, stdout, stderr } = await ganletHere(['inspect', file]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toContain('8 of 10 groups can be narrowed');
  const found = JSON.parse((await ganletHere(['inspect', file, '--json'])).stdout);
  expect(found).toMatchObject({
    name: file,
    inputs: [{ name: 'image', shape: [2, 3, 16, 16] }],
    size: 256,
    taps: ['/down/conv/conv.6/Conv_output_0', '/trunk/trunk.0/Add_output_0', '/trunk/trunk.1/Add_output_0'],
  });
  expect(found.groups[1]).toMatchObject({ name: 'stem.0', channels: 4, narrowable: true, reasons: [] });
  expect(found.groups[0]).toMatchObject({ narrowable: false, reasons: ['network input "image"'] });
});

test('inspect counts for the size it is given', async () => {
  const open = join(import.meta.dirname, '../fixtures/exports/mobile-13.onnx');
  const macs = async (size: string) =>
    JSON.parse((await ganletHere(['inspect', open, '--size', size, '--json'])).stdout).macs.true;
  // A few multiply-adds of squeeze and excitation do not grow with the image.
  expect((await macs('32')) / (await macs('16'))).toBeCloseTo(4, 1);
});

test('a file that is none is told so', async () => {
  expect(await ganletHere(['inspect', 'no.onnx'])).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('error: '),
  });
  expect(await ganletHere(['inspect'])).toMatchObject({
    status: 2,
    stderr:
      'error: <model> is missing: ganlet inspect <model>\n  help: ganlet inspect --help lists its arguments\n',
  });
});
