import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { decodeOnnx } from '../../src/graph/onnx.ts';
import { cardPath, writeModel } from '../../src/models/write.ts';
import { sha256 } from '../../src/util/hash.ts';
import { toolVersion } from '../../src/util/version.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'write-model-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function write(options: Omit<Parameters<typeof writeModel>[0], 'out'>, name: string) {
  const out = join(folder, name);
  let text = '';
  await writeModel({ ...options, out }, { write: (part: string) => (text += part) });
  return { out, text, bytes: readFileSync(out), card: JSON.parse(readFileSync(cardPath(out), 'utf8')) };
}

test('the file holds the named, initialised network and its card says what it is and costs', async () => {
  const { bytes, card, text } = await write(
    { type: 'resnet', baseWidth: 64, separable: true, size: 256 },
    'g.onnx',
  );
  const model = decodeOnnx(new Uint8Array(bytes));
  expect(model.constants.get('block9.conv2.pointwise.weight')!.shape).toEqual([256, 256, 1, 1]);
  expect(model.constants.get('stem.weight')!.data.some((v) => v !== 0)).toBe(true);
  expect(card).toEqual({
    role: 'untrained',
    architecture: {
      type: 'resnet',
      baseWidth: 64,
      blocks: 9,
      norm: 'instance',
      padding: 'reflect',
      separable: true,
      dropout: 0,
    },
    size: 256,
    range: [-1, 1],
    taps: ['down2', 'block3', 'block6', 'block9'],
    params: 1_987_075,
    macs: { true: 11_066_671_104, paper: 18_365_808_640 },
    opset: 17,
    inputs: [{ name: 'condition', dtype: 'float32', shape: ['batch', 3, 256, 256] }],
    outputs: [{ name: 'image', dtype: 'float32', shape: ['batch', 3, 256, 256] }],
    bytes: bytes.length,
    sha256: sha256(bytes),
    training: { init: 'normal', initGain: 0.02 },
    seed: 0,
    tool: toolVersion,
  });
  expect(text).toContain('1.99M parameters');
  expect(text).toContain('MACs at 256×256: 11.1G  (18.4G as GAN Compression counts)');
});

test('the same seed writes the same bytes, another seed does not', async () => {
  const options = { type: 'unet', baseWidth: 2, size: 32 } as const;
  const first = await write({ ...options, seed: 4 }, 'a.onnx');
  expect((await write({ ...options, seed: 4 }, 'b.onnx')).bytes.equals(first.bytes)).toBe(true);
  expect((await write({ ...options, seed: 5 }, 'c.onnx')).bytes.equals(first.bytes)).toBe(false);
});

test('channels follow the images, for generators and discriminators of open size too', async () => {
  const channels = { condition: 1, image: 4 };
  const patch = await write({ type: 'patch', baseWidth: 4, layers: 2, channels }, 'd.onnx');
  expect(patch.card.inputs).toEqual([
    { name: 'pair', dtype: 'float32', shape: ['batch', 5, 'height', 'width'] },
  ]);
  expect(patch.card.size).toBe(256);
  const pixel = await write({ type: 'pixel', baseWidth: 4, channels, size: 8 }, 'p.onnx');
  expect(pixel.card.outputs[0].shape).toEqual(['batch', 1, 8, 8]);
  const unet = await write({ type: 'unet', baseWidth: 4, channels, size: 64 }, 'u.onnx');
  expect(unet.card).toMatchObject({
    inputs: [{ shape: ['batch', 1, 64, 64] }],
    outputs: [{ shape: ['batch', 4, 64, 64] }],
  });
});

test('a refused network leaves no file', async () => {
  const out = join(folder, 'none.onnx');
  await expect(writeModel({ type: 'resnet', out, baseWidth: 4, size: 30 })).rejects.toMatchObject({
    code: 'SIZE_INVALID',
  });
  expect(existsSync(out)).toBe(false);
  const wrong = writeModel({ type: 'resnet', out: join(folder, 'none.txt'), baseWidth: 4 });
  await expect(wrong).rejects.toMatchObject({ code: 'OPTION_INVALID' });
});
