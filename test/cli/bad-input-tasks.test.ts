import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { encodeOnnx } from '../../src/graph/onnx.ts';
import { resnetGenerator } from '../../src/models/resnet.ts';
import { flatPicture, writeAt } from '../support/data-folder.ts';
import { pngOf } from '../support/png.ts';
import { ganletHere } from './here.ts';

const size = 16;
const folder = mkdtempSync(join(tmpdir(), 'ganlet-tasks-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const student = `discriminator: {type: patch, baseWidth: 2, layers: 1}
student: {ratio: 1}
distill: {steps: 1, batch: 1}
`;
const trained = (generator: string) => `teacher: {generator: ${generator}, train: {steps: 1, batch: 1}}`;
const recipe = (data: string, teacher: string, metrics = '[l1]') =>
  `name: tiny\nthreads: 1\ndata: {${data}, size: ${size}}\n${teacher}\n${student}evaluate: {metrics: ${metrics}}\n`;
const labelled = 'source: labelmap, path: data, labels: 3';
const unpaired = 'source: unpaired, path: data';
const spade = trained('{type: spade, baseWidth: 1}');
const unet = trained('{type: unet, baseWidth: 2, levels: 2}');

/** Three label maps and pictures for each split; `change` may write others over them. */
async function labelMaps(at: string, change: () => Promise<void> | void = () => {}): Promise<void> {
  for (const split of ['train', 'test']) {
    for (let i = 0; i < 3; i++) {
      const stripes = Array.from({ length: size * size }, (_, p) => (i + Math.floor(p / 24)) % 3);
      writeAt(at, `data/${split}/labels/${i}.png`, pngOf(size, size, stripes));
      await flatPicture(at, `data/${split}/images/${i}.png`, [60 * i, 120, 200], [size, size]);
    }
  }
  await change();
}

/** Two domains of so many pictures. */
async function domains(at: string, counts: Record<string, number>): Promise<void> {
  for (const [domain, count] of Object.entries({ trainA: 3, trainB: 3, testA: 2, testB: 2, ...counts })) {
    mkdirSync(join(at, 'data', domain), { recursive: true });
    for (let i = 0; i < count; i++) await flatPicture(at, `data/${domain}/${i}.png`, [80 * i, 9, 9]);
  }
}

const noLatent =
  'tiny.yaml:8:21  evaluate.metrics must do without ppl and diversity: the teacher has no latent vector';

describe('before training', () => {
  test.each<[string, (at: string) => Promise<void>, string, string]>([
    [
      'a label beyond those declared is told by file, value and place',
      (at) =>
        labelMaps(at, () => {
          const values = new Uint8Array(size * size);
          values[100] = 7;
          writeAt(at, 'data/train/labels/1.png', pngOf(size, size, values));
        }),
      recipe(labelled, spade),
      `1 image in data cannot be used:
         train/labels/1.png has the value 7 at column 5, row 7: labels must be 0 to 2`,
    ],
    [
      'a label map and a picture of unequal sizes are told by both files',
      (at) => labelMaps(at, () => flatPicture(at, 'data/test/images/2.png', [1, 2, 3], [size + 4, size])),
      recipe(labelled, spade),
      `1 image in data cannot be used:
         test/labels/2.png is 16 × 16, its image 2.png is 20 × 16: they must be equal`,
    ],
    [
      'a domain without pictures is told by its folder',
      (at) => domains(at, { trainB: 0 }),
      recipe(unpaired, unet),
      'domain B must have images in data/trainB, it has none',
    ],
    [
      'a domain without test pictures is told by its folder',
      (at) => domains(at, { testA: 0 }),
      recipe(unpaired, unet),
      'domain A must have images in data/testA, it has none',
    ],
    [
      'a domain of a single picture is told',
      (at) => domains(at, { trainA: 1 }),
      recipe(unpaired, unet),
      'domain A of data must have at least 2 images to train on, it has 1',
    ],
    [
      'what only latent vectors have is refused for label maps alone',
      labelMaps,
      recipe(labelled, spade, '[ppl, diversity]'),
      noLatent,
    ],
    [
      'what only latent vectors have is refused for pictures alone',
      (at) => domains(at, {}),
      recipe(unpaired, unet, '[ppl, diversity]'),
      noLatent,
    ],
    [
      'a card that speaks of a latent vector is refused where the network takes none',
      async (at) => {
        await domains(at, {});
        writeAt(at, 'g.onnx', encodeOnnx(resnetGenerator({ baseWidth: 2, blocks: 1 })));
        writeAt(at, 'g.card.json', '{"inputs": {"z": "latent"}}');
      },
      recipe(unpaired, 'teacher: {model: g.onnx}'),
      'g.card.json calls the input "z" a latent vector, the network takes only condition',
    ],
  ])('%s', async (_, prepare, text, message) => {
    const at = mkdtempSync(join(folder, 'run-'));
    await prepare(at);
    writeFileSync(join(at, 'tiny.yaml'), text);
    const { status, stderr } = await ganletHere(['run', 'tiny.yaml', '--quiet'], at);
    const told = stderr.replaceAll(`${at}/`, '').split('\n  help: ')[0];
    expect({ status, told }).toEqual({ status: 1, told: `error: ${message}` });
    for (const stage of ['teach', 'distill']) expect(existsSync(join(at, 'runs/tiny', stage))).toBe(false);
  });
});
