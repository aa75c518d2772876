import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { decodeOnnx } from '../../src/graph/onnx.ts';
import { cardPath } from '../../src/models/card-path.ts';
import { writeModel } from '../../src/models/write.ts';
import { discriminatorSchema, generatorSchema, resolveGenerator } from '../../src/recipe/networks.ts';
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

/** Networks with the recipe's defaults, for images of 256 pixels. */
const generator = (config: object) => resolveGenerator(generatorSchema.parse(config), 256);
const discriminator = (config: object) => discriminatorSchema.parse(config);

test('the file holds the named, initialised network and its card says what it is and costs', async () => {
  const { bytes, card, text } = await write(
    { network: generator({ type: 'resnet', baseWidth: 64, separable: true }), size: 256 },
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
  const options = { network: generator({ type: 'unet', baseWidth: 2, levels: 5 }), size: 32 };
  const first = await write({ ...options, seed: 4 }, 'a.onnx');
  expect((await write({ ...options, seed: 4 }, 'b.onnx')).bytes.equals(first.bytes)).toBe(true);
  expect((await write({ ...options, seed: 5 }, 'c.onnx')).bytes.equals(first.bytes)).toBe(false);
});

test('channels follow the images, for generators and discriminators of open size too', async () => {
  const channels = { condition: 1, image: 4 };
  const patch = await write(
    { network: discriminator({ type: 'patch', baseWidth: 4, layers: 2 }), channels },
    'd.onnx',
  );
  expect(patch.card.inputs).toEqual([
    { name: 'pair', dtype: 'float32', shape: ['batch', 5, 'height', 'width'] },
  ]);
  expect(patch.card.size).toBe(256);
  const pixel = await write(
    { network: discriminator({ type: 'pixel', baseWidth: 4 }), channels, size: 8 },
    'p.onnx',
  );
  expect(pixel.card.outputs[0].shape).toEqual(['batch', 1, 8, 8]);
  const unet = await write(
    { network: generator({ type: 'unet', baseWidth: 4, levels: 6 }), channels, size: 64 },
    'u.onnx',
  );
  expect(unet.card).toMatchObject({
    inputs: [{ shape: ['batch', 1, 64, 64] }],
    outputs: [{ shape: ['batch', 4, 64, 64] }],
  });
});

test('networks of classes, label maps and several outputs are built of what the images have', async () => {
  const shapes = ({
    inputs,
    outputs,
  }: {
    inputs: { name: string; shape: unknown[] }[];
    outputs: typeof inputs;
  }) => [inputs, outputs].map((values) => values.map(({ name, shape }) => [name, ...shape.slice(1)]));
  const sngan = generator({ type: 'sngan', baseWidth: 2, latent: 5 });
  const widths = [2, 1, 2];
  const made = await write({ network: sngan, size: 8, classes: 3, widths }, 's.onnx');
  expect(shapes(made.card)).toEqual([
    [
      ['class', 3],
      ['latent', 5],
    ],
    [['image', 3, 8, 8]],
  ]);
  expect(made.card).toMatchObject({ architecture: { type: 'sngan', widths }, taps: ['block1'] });
  const spade = { network: generator({ type: 'spade', baseWidth: 1, upsampling: 'fewer' }), size: 16 };
  const maps = await write({ ...spade, channels: { condition: 6, image: 3 } }, 'm.onnx');
  expect(shapes(maps.card)).toEqual([[['labels', 6, 16, 16]], [['image', 3, 16, 16]]]);
  const multiscale = discriminator({ type: 'multiscale', baseWidth: 1, layers: 1 });
  const scores = await write(
    { network: multiscale, channels: { condition: 6, image: 3 }, size: 16 },
    'n.onnx',
  );
  expect(shapes(scores.card)[0]).toEqual([['pair', 9, 16, 16]]);
  expect(shapes(scores.card)[1]!.map(([name]) => name)).toEqual(
    expect.arrayContaining(['score/1', 'score/2', 'feature/1/1', 'feature/2/2']),
  );
  const projection = discriminator({ type: 'projection', baseWidth: 1 });
  const alone = { network: projection, classes: 3, channels: { condition: 0, image: 3 }, size: 8 };
  const judge = await write(alone, 'j.onnx');
  expect(shapes(judge.card)[0]).toEqual([
    ['image', 3, 8, 8],
    ['class', 3],
  ]);
});

test('a refused network leaves no file', async () => {
  const out = join(folder, 'none.onnx');
  const network = generator({ type: 'resnet', baseWidth: 4 });
  await expect(writeModel({ network, out, size: 30 })).rejects.toMatchObject({
    code: 'SIZE_INVALID',
  });
  expect(existsSync(out)).toBe(false);
  const wrong = writeModel({ network, out: join(folder, 'none.txt') });
  await expect(wrong).rejects.toMatchObject({ code: 'OPTION_INVALID' });
});
