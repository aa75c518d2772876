import { describe, expect, test } from 'vitest';
import { onnxruntime, runGraph } from '../../src/backend/onnxruntime.ts';
import { checkGraph } from '../../src/graph/check.ts';
import { float32, type Graph } from '../../src/graph/graph.ts';
import { encodeOnnx } from '../../src/graph/onnx.ts';
import { patchDiscriminator } from '../../src/models/discriminator.ts';
import { buildDiscriminator, buildGenerator, distillTaps } from '../../src/models/generator.ts';
import { initialise } from '../../src/models/init.ts';
import { resnetGenerator } from '../../src/models/resnet.ts';
import { unetGenerator } from '../../src/models/unet.ts';
import { loadOnnx } from '../../src/ops/import-onnx.ts';
import { patchMapSide } from '../../src/recipe/patch.ts';
import { rng } from '../../src/util/rng.ts';

const backend = onnxruntime({ threads: 1 });

async function run(graph: Graph, size: number, scale = 1) {
  checkGraph(graph);
  const { name, shape } = graph.inputs[0]!;
  const fed = [2, shape[1] as number, size, size];
  const data = new Float32Array(fed.reduce((a, b) => a * b));
  rng(1, 'test').fillUniform(data, -scale, scale);
  return runGraph(graph, { [name]: float32(fed, data) }, backend);
}

describe('a generator built from a recipe makes images of the size and range of its input', () => {
  const resnet = { type: 'resnet', baseWidth: 4, blocks: 2, separable: false, dropout: 0 } as const;
  test.each([
    [{ ...resnet, norm: 'instance', padding: 'reflect' }, 16],
    [{ ...resnet, norm: 'batch', padding: 'replicate', dropout: 0.5 }, 16],
    [{ ...resnet, norm: 'instance', padding: 'zero', separable: true }, 24],
    [{ type: 'unet', baseWidth: 4, levels: 4, norm: 'batch', dropout: 0.5 }, 16],
  ] as const)('%o at %i pixels', async (config, size) => {
    const graph = initialise(buildGenerator(config, size), { init: 'kaiming', seed: 1 });
    const { image } = await run(graph, size);
    expect(image!.shape).toEqual([2, 3, size, size]);
    const values = image!.data as Float32Array;
    expect(values.every((v) => v >= -1 && v <= 1)).toBe(true);
    expect(new Set(values).size).toBeGreaterThan(size);
  });
});

test('a network of open size gives what the one of fixed size gives, at each size', async () => {
  for (const build of [
    (size?: number) => resnetGenerator({ baseWidth: 4, blocks: 1, ...(size && { size }) }),
    (size?: number) => unetGenerator({ baseWidth: 4, levels: 3, ...(size && { size }) }),
    (size?: number) => patchDiscriminator({ baseWidth: 4, layers: 2, ...(size && { size }) }),
  ]) {
    const open = initialise(build(), { init: 'kaiming', seed: 2 });
    for (const size of [16, 24]) {
      const fixed = initialise(build(size), { init: 'kaiming', seed: 2 });
      expect(await run(open, size)).toEqual(await run(fixed, size));
    }
  }
});

test('paddings differ, and inputs beyond [−1, 1] are clamped only when asked', async () => {
  const image = async (options: Partial<Parameters<typeof resnetGenerator>[0]>, scale: number) => {
    const graph = resnetGenerator({ baseWidth: 4, blocks: 2, size: 16, ...options });
    return (await run(initialise(graph, { init: 'kaiming', seed: 2 }), 16, scale)).image!.data;
  };
  const [reflect, replicate, zero] = [
    await image({}, 1),
    await image({ padding: 'replicate' }, 1),
    await image({ padding: 'zero' }, 1),
  ];
  expect(reflect).not.toEqual(replicate);
  expect(replicate).not.toEqual(zero);
  expect(await image({ clampInput: true }, 1)).toEqual(reflect);
  expect(await image({ clampInput: true }, 3)).not.toEqual(await image({}, 3));
});

test('dropout is in the graph where it is asked for and nowhere else', () => {
  const nodes = (graph: Graph) => graph.nodes.filter(({ op }) => op === 'Dropout').map(({ name }) => name);
  expect(nodes(resnetGenerator({ baseWidth: 4, blocks: 2, size: 16 }))).toEqual([]);
  expect(nodes(resnetGenerator({ baseWidth: 4, blocks: 2, size: 16, dropout: 0.3 }))).toEqual([
    'block1/Dropout',
    'block2/Dropout',
  ]);
  // pix2pix: the three decoder levels of full width between the innermost and the narrower ones.
  expect(nodes(unetGenerator({ baseWidth: 4, size: 256, dropout: 0.5 }))).toEqual([
    'up2/Dropout',
    'up3/Dropout',
    'up4/Dropout',
  ]);
});

test('a patch discriminator gives a map of the side that recipes are checked against', async () => {
  for (const [size, layers] of [
    [32, 3],
    [40, 2],
    [24, 1],
  ] as const) {
    const config = { type: 'patch', baseWidth: 4, layers, norm: 'instance', spectralNorm: false } as const;
    const { score } = await run(buildDiscriminator(config, size), size);
    const side = patchMapSide(size, layers);
    expect(score!.shape).toEqual([2, 1, side, side]);
  }
  const pixel = buildDiscriminator({ type: 'pixel', baseWidth: 4, norm: 'batch', spectralNorm: false }, 8, 4);
  expect((await run(pixel, 8)).score!.shape).toEqual([2, 1, 8, 8]);
});

test('taps are the end of the down-sampling and of each third of the blocks', () => {
  const taps = (blocks: number) => distillTaps(resnetGenerator({ baseWidth: 2, blocks, size: 16 }));
  expect(taps(9)).toEqual(['down2', 'block3', 'block6', 'block9']);
  expect(taps(6)).toEqual(['down2', 'block2', 'block4', 'block6']);
  expect(taps(1)).toEqual(['down2', 'block1']);
});

test('taps of a U-Net are two encoder levels and their decoder inputs, with OMGD’s channels', () => {
  const graph = unetGenerator({ baseWidth: 2, size: 256 });
  const taps = distillTaps(graph);
  expect(taps).toEqual(['down2', 'down4', 'up4', 'up6']);
  expect(taps.map((name) => graph.find(name)!.shape)).toEqual([
    ['batch', 4, 64, 64],
    ['batch', 16, 16, 16],
    ['batch', 32, 16, 16],
    ['batch', 8, 64, 64],
  ]);
  expect(distillTaps(unetGenerator({ baseWidth: 2, levels: 5, size: 32 }))).toEqual([
    'down2',
    'down4',
    'up1',
    'up3',
  ]);
  expect(distillTaps(unetGenerator({ baseWidth: 2, levels: 2, size: 32 }))).toEqual(['down1', 'up1']);
});

test('a network read back from its file has the same taps', () => {
  for (const graph of [
    resnetGenerator({ baseWidth: 2, blocks: 6 }),
    unetGenerator({ baseWidth: 2, levels: 5 }),
  ]) {
    expect(distillTaps(loadOnnx(encodeOnnx(graph)))).toEqual(distillTaps(graph));
  }
});

test('a network without our names has no default taps', () => {
  expect(() => distillTaps(patchDiscriminator({ baseWidth: 2, size: 32 }))).toThrow(
    expect.objectContaining({ code: 'TAPS_UNKNOWN' }),
  );
});

test('impossible sizes and widths are refused in the user’s words', () => {
  const code = (value: string) => expect.objectContaining({ code: value });
  expect(() => resnetGenerator({ baseWidth: 4, size: 18 })).toThrow(/multiple of 4 .* got 18/);
  expect(() => resnetGenerator({ baseWidth: 4, widths: [1, 2, 3, 4] })).toThrow(code('WIDTHS_INVALID'));
  expect(() => resnetGenerator({ baseWidth: 4, widths: [1, 2, 3, 4, 5, 6, 7, 0] })).toThrow(
    code('WIDTHS_INVALID'),
  );
  expect(() => resnetGenerator({ baseWidth: 0 })).toThrow(code('OPTION_INVALID'));
  expect(() => unetGenerator({ baseWidth: 4, size: 96 })).toThrow(/multiple of 256 .* 8 levels, got 96/);
  expect(() => patchDiscriminator({ baseWidth: 4, size: 16 })).toThrow(/at least 24 pixels .* got 16/);
});
