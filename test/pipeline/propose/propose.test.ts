import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { onnxruntime } from '../../../src/backend/onnxruntime.ts';
import { channelGroups } from '../../../src/compress/groups.ts';
import { Graph, type Value } from '../../../src/graph/graph.ts';
import { encodeOnnx } from '../../../src/graph/onnx.ts';
import { convolution } from '../../../src/models/layers.ts';
import { resnetGenerator } from '../../../src/models/resnet.ts';
import { tanh } from '../../../src/ops/activation.ts';
import { add, div, log, mul } from '../../../src/ops/elementwise.ts';
import { reshape, transpose } from '../../../src/ops/layout.ts';
import { globalAveragePool } from '../../../src/ops/pool.ts';
import { proposeData } from '../../../src/pipeline/propose/data.ts';
import { type ProposeOptions, proposeRecipe } from '../../../src/pipeline/propose/propose.ts';
import { budgetSchema } from '../../../src/recipe/budget.ts';
import { loadRecipe } from '../../../src/recipe/load.ts';
import { createLog } from '../../../src/util/log.ts';
import { loadExport } from '../../compress/foreign.ts';
import { randomise } from '../../compress/networks.ts';
import { writePictures } from '../../support/pair-pictures.ts';

const backend = onnxruntime({ threads: 1 });
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ganlet-propose-'));
  await writePictures(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A generator of the toolkit without the card that would say so. */
function teacher(name: string, options: Partial<Parameters<typeof resnetGenerator>[0]> = {}): string {
  const graph = resnetGenerator({ baseWidth: 16, blocks: 3, size: 16, ...options });
  return written(name, randomise(graph));
}

function written(name: string, graph: Graph): string {
  const file = join(folder, `${name}.onnx`);
  writeFileSync(file, encodeOnnx(graph));
  return file;
}

/** From a picture of 3 channels to whatever `body` makes of it. */
function network(body: (x: Value) => Value, shape: (number | string)[] = ['batch', 3, 16, 16]): Graph {
  const graph = new Graph('foreign');
  graph.output(body(graph.input('x', 'float32', shape)), 'y');
  return randomise(graph);
}

function propose(file: string, options: Partial<ProposeOptions> & { typed?: string } = {}) {
  const { typed = '0.1x', ...rest } = options;
  return proposeRecipe({
    teacher: file,
    data: join(folder, 'pictures'),
    out: join(folder, 'runs', 'small'),
    budget: { text: typed, limits: budgetSchema.parse(typed) },
    form: {},
    command: 'ganlet compress …',
    backend,
    log: createLog('silent'),
    ...rest,
  });
}

function loaded(text: string) {
  writeFileSync(join(folder, 'compress.yaml'), text);
  return loadRecipe(join(folder, 'compress.yaml')).recipe;
}

test('the recipe says what was found, what is done, and why', async () => {
  const before = readdirSync(folder).length;
  const { text, adapted } = await propose(teacher('foreign'));
  expect(adapted).toBeUndefined();
  expect(readdirSync(folder).length).toBe(before + 1);
  expect(text.replaceAll(folder, '/folder')).toMatchInlineSnapshot(`
    "# Written by: ganlet compress …
    #
    # Change it as you like, and run it again, from the last state of each stage whose settings are the same:
    #
    #   ganlet run /folder/runs/small/compress.yaml --out /folder/runs/small

    name: small
    seed: 0

    data:
      source: aligned
      path: /folder/pictures
      size: 16

    teacher:
      model: /folder/foreign.onnx # 273k parameters, 5.92M multiply-adds at 16 px

    # 8 of 10 channel groups can be narrowed (ganlet inspect lists them).
    student:
      ratio: 0.75 # of the teacher’s channels in each group: 1.83M (3.2× fewer)
      separable: true # 6 dense convolutions of residual blocks become depthwise and 1×1

    # All widths are trained together, the channels of the teacher that matter most first.
    supernet:
      widths: [1, 0.75, 0.5, 0.25] # parts of the student’s channels, for each group: down to 390k (15.2× fewer)
      sampling: sandwich # the widest, the narrowest and one at random in every step
      steps: 10000
      batch: 8
      taps: # inner values that are compared with the teacher’s
        - down2
        - block1
        - block2
        - block3

    search:
      budget: 0.1x
      quality: teacher-l1 # frechet, with features: inception, is what papers compare; the network is fetched once
      pictures: 64
      evolution: { population: 40, generations: 25 }

    # The student that was chosen, trained on by itself.
    finetune:
      steps: 5000
      batch: 8
      taps: # inner values that are compared with the teacher’s
        - down2
        - block1
        - block2
        - block3

    discriminator:
      type: patch
      layers: 2
      baseWidth: 32
    "
  `);
  expect(loaded(text)).toMatchObject({
    name: 'small',
    data: { source: 'aligned', size: 16 },
    teacher: { model: join(folder, 'foreign.onnx') },
    student: { ratio: 0.75, separable: true },
    supernet: { widths: [1, 0.75, 0.5, 0.25], taps: ['down2', 'block1', 'block2', 'block3'] },
    search: { budget: { ofTeacher: 0.1 } },
    finetune: { taps: ['down2', 'block1', 'block2', 'block3'] },
  });
});

test('budgets of all kinds: the student holds several times what is allowed, and less', async () => {
  const file = teacher('budgets');
  const student = async (typed: string) => loaded((await propose(file, { typed })).text).student!;
  expect(await student('0.1x')).toMatchObject({ separable: true, ratio: 0.75 });
  expect(await student('0.6x')).toMatchObject({ separable: false, ratio: 1 });
  expect(await student('400k')).toMatchObject({ separable: true, ratio: 0.5 });
  expect(await student('2ms')).toMatchObject({ separable: true, ratio: 0.75 });
  for (const typed of ['1k', '1G']) {
    await expect(propose(file, { typed })).rejects.toMatchObject({
      code: 'BUDGET_UNREACHABLE',
      message: expect.stringMatching(/from [\d.]+k \(0\.\d+x\) to 5\.92M multiply-adds at 16 px, got/),
    });
  }
});

describe('teachers in other forms', () => {
  test('one for a fixed number of pictures is opened, and kept in the folder of the run', async () => {
    const fixed = network(
      (x) => {
        const inner = convolution(x, 'a', 16, { kernel: 3, pad: 1 });
        const rows = reshape(inner, [1, 16, 256]);
        return tanh(convolution(reshape(rows, [1, 16, 16, 16]), 'b', 3, { kernel: 3, pad: 1 }));
      },
      [1, 3, 16, 16],
    );
    const file = written('fixed', fixed);
    const { text, adapted } = await propose(file, { typed: '0.5x' });
    expect(adapted!.inputs[0]!.shape).toEqual(['batch', 3, 16, 16]);
    expect(loaded(text).teacher).toEqual({ model: join(folder, 'runs', 'small', 'teacher.onnx') });
  });

  test('one whose channels come last needs --layout, and is told so', async () => {
    const last = network(
      (x) => {
        const inner = convolution(transpose(x, [0, 3, 1, 2]), 'a', 16, { kernel: 3, pad: 1 });
        const sum = add(inner, convolution(inner, 'b', 16, { kernel: 3, pad: 1 }));
        return transpose(tanh(convolution(sum, 'c', 3, { kernel: 3, pad: 1 })), [0, 2, 3, 1]);
      },
      ['batch', 16, 16, 3],
    );
    const file = written('last', last);
    await expect(propose(file)).rejects.toMatchObject({
      code: 'TEACHER_UNFIT',
      hint: 'its channels come last: add --layout nhwc',
    });
    const { adapted } = await propose(file, { form: { layout: 'nhwc' }, typed: '0.5x' });
    expect(adapted!.inputs[0]!.shape).toEqual(['batch', 3, 16, 16]);
    expect(channelGroups(adapted!).find('a')?.narrowable).toBe(true);
  });

  test('one that makes bytes needs --range, and is told so', async () => {
    const bytes = network((x) => {
      const y = convolution(x, 'a', 16, { kernel: 3, pad: 1 });
      const picture = tanh(convolution(y, 'b', 3, { kernel: 3, pad: 1 }));
      return mul(add(picture, 1), 127.5);
    });
    const file = written('bytes', bytes);
    await expect(propose(file)).rejects.toMatchObject({
      code: 'TEACHER_UNFIT',
      hint: expect.stringContaining('--output-range 0..255'),
    });
    const { adapted } = await propose(file, { form: { outputRange: [0, 255] }, typed: '0.5x' });
    expect(adapted!.outputs[0]!.name).toBe('picture');
  });
});

test('a card beside the teacher says what flags would; one that makes no sense is refused', async () => {
  const bytes = network(
    (x) => {
      const y = convolution(transpose(x, [0, 3, 1, 2]), 'a', 16, { kernel: 3, pad: 1 });
      const picture = tanh(convolution(y, 'b', 3, { kernel: 3, pad: 1 }));
      return transpose(mul(add(picture, 1), 127.5), [0, 2, 3, 1]);
    },
    ['batch', 16, 16, 3],
  );
  const file = written('described', bytes);
  const card = (content: object) =>
    writeFileSync(join(folder, 'described.card.json'), JSON.stringify(content));
  card({ range: [-1, 1], outputRange: [0, 255], layout: 'nhwc' });
  const { adapted } = await propose(file, { typed: '0.5x' });
  expect(adapted!.inputs[0]!.shape).toEqual(['batch', 3, 16, 16]);
  for (const content of [{ range: [1, 0] }, { range: '0..1' }, { layout: 'chw' }]) {
    card(content);
    await expect(propose(file)).rejects.toMatchObject({ code: 'CARD_INVALID' });
  }
});

describe('what no student can be made of is told before any work', () => {
  test.each<[string, string, () => Graph, Partial<ProposeOptions>?]>([
    [
      'pictures that are not finite',
      'must make finite pictures',
      () => network((x) => log(div(mul(convolution(x, 'a', 3, { kernel: 1 }), 0), 0))),
    ],
    [
      'no pictures',
      'must make pictures [batch, 1 or 3, height, width]',
      () => network((x) => globalAveragePool(convolution(x, 'a', 7, { kernel: 1 }))),
    ],
    [
      'maps of five labels',
      'must take pictures [batch, 1 or 3, height, width], got [batch, 5, 16, 16]',
      () => network((x) => convolution(x, 'a', 3, { kernel: 1 }), ['batch', 5, 16, 16]),
    ],
    [
      'nothing to narrow',
      'must have channels that can be narrowed',
      () => network((x) => tanh(convolution(x, 'a', 3, { kernel: 3, pad: 1 }))),
    ],
    [
      'pictures of another size',
      'must turn [1, 3, 32, 32] into [1, 3, 32, 32]',
      () => network((x) => tanh(convolution(x, 'a', 3, { kernel: 3, pad: 1 }))),
      { size: 32 },
    ],
  ])('%s', async (name, message, make, options) => {
    const file = written(name, make());
    await expect(propose(file, options)).rejects.toThrow(message);
  });

  test('no network, no pictures', async () => {
    await expect(propose(join(folder, 'none.onnx'))).rejects.toMatchObject({ code: 'FILE_MISSING' });
    const file = teacher('no pictures here');
    await expect(propose(file, { data: join(folder, 'none') })).rejects.toMatchObject({
      code: 'DATA_MISSING',
    });
  });
});

test('the layout of a folder shows in what it holds', async () => {
  const picture = await sharp({ create: { width: 50, height: 40, channels: 3, background: '#123456' } })
    .png()
    .toBuffer();
  const put = (...parts: string[]) => {
    mkdirSync(join(folder, ...parts.slice(0, -1)), { recursive: true });
    writeFileSync(join(folder, ...parts), picture);
  };
  for (const side of ['A', 'B']) {
    for (const name of ['1.png', '2.png', '3.png', '4.png', '5.png']) put('parallel', side, name);
    for (const split of ['train', 'test']) put('splits', split, side, '1.png');
    for (const split of ['train', 'test']) put('sides', side, split, '1.png');
  }
  put('parquet', 'data.parquet');
  expect(await proposeData(join(folder, 'parallel'))).toEqual({ source: 'folders', side: 32 });
  expect(await proposeData(join(folder, 'splits'))).toEqual({ source: 'folders', side: 32 });
  expect(await proposeData(join(folder, 'sides'))).toEqual({ source: 'folders', side: 32 });
  expect(await proposeData(join(folder, 'parquet'))).toEqual({ source: 'parquet', side: undefined });
  expect(await proposeData(join(folder, 'pictures'))).toEqual({ source: 'aligned', side: 16 });
});

test('unpaired pictures: there is no truth, the teacher is what the student learns', async () => {
  for (const domain of ['trainA', 'trainB', 'testA', 'testB']) {
    mkdirSync(join(folder, 'kinds', domain), { recursive: true });
    for (let i = 0; i < 3; i++) {
      const [width, height] = domain.endsWith('A') ? [40, 32] : [20, 24];
      const picture = sharp({
        create: { width, height, channels: 3, background: { r: 60 * i, g: 9, b: 90 } },
      });
      await picture.png().toFile(join(folder, 'kinds', domain, `${i}.png`));
    }
  }
  expect(await proposeData(join(folder, 'kinds'))).toEqual({ source: 'unpaired', side: 32 });
  const { text } = await propose(teacher('kinds'), { data: join(folder, 'kinds') });
  expect(text).toMatch(/^ {2}source: unpaired # .* the student learns what the teacher makes$/m);
  expect(loaded(text).data).toMatchObject({ source: 'unpaired', size: 16 });
});

test('a teacher of label maps or classes is told what does compress it', async () => {
  const labels = network((x) => tanh(convolution(x, 'a', 3, { kernel: 3, pad: 1 })), ['batch', 35, 16, 16]);
  await expect(propose(written('labels', labels))).rejects.toMatchObject({
    code: 'TEACHER_UNFIT',
    message: expect.stringContaining(
      'must take pictures [batch, 1 or 3, height, width], got [batch, 35, 16, 16]',
    ),
    hint: expect.stringContaining('by a recipe (docs/recipes.md: teacher.model, data.source labelmap'),
  });
});

test('networks of others: names of PyTorch in the recipe, its channels in the space', async () => {
  const file = written('torch', loadExport('mobile-13'));
  const { text } = await propose(file, { typed: '0.9x' });
  const { supernet, data } = loaded(text);
  expect(data.size).toBe(16);
  expect(supernet!.taps).toEqual([
    '/down/conv/conv.7/BatchNormalization_output_0',
    '/trunk/trunk.0/Add_output_0',
    '/trunk/trunk.1/Add_output_0',
  ]);
});
