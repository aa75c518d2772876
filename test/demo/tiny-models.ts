import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Condition } from '../../src/data/source.ts';
import { float32, Graph, type Value } from '../../src/graph/graph.ts';
import { initialise } from '../../src/models/init.ts';
import { resnetGenerator } from '../../src/models/resnet.ts';
import { tanh } from '../../src/ops/activation.ts';
import { add } from '../../src/ops/elementwise.ts';
import { saveOnnx } from '../../src/ops/import-onnx.ts';
import { reshape } from '../../src/ops/layout.ts';
import { matMul } from '../../src/ops/matmul.ts';
import { sha256File } from '../../src/util/hash.ts';
import { rng } from '../../src/util/rng.ts';

interface TinyModel {
  /** Without ".onnx". */
  name: string;
  baseWidth: number;
  size?: number;
  blocks?: number;
  separable?: boolean;
  channels?: 1 | 3;
  /** Channels it takes, where they are others than those it makes. */
  inputChannels?: number;
  /** How many of these are planes of a class. */
  classes?: number;
  /** What the card says; without it there is no card. */
  card?: object;
}

/** An untrained generator whose pictures depend visibly on the drawing, and the card that belongs to it. */
export async function writeGenerator(
  folder: string,
  { name, card, channels = 3, inputChannels = channels, ...shape }: TinyModel,
): Promise<string> {
  const options = { blocks: 1, ...shape, inputChannels, outputChannels: channels };
  const graph = initialise(resnetGenerator(options), { init: 'normal', gain: 0.2, seed: shape.baseWidth });
  const path = join(folder, `${name}.onnx`);
  await saveOnnx(graph, path);
  if (card) await writeCard(folder, name, card);
  return path;
}

interface TinySampler {
  name: string;
  size: number;
  latent: number;
  classes?: number;
  seed: number;
  card?: object;
}

/** Sums smooth patterns: one for each number of the latent, one for each class, where there are classes. */
export async function writeSampler(
  folder: string,
  { name, size, latent, classes = 0, seed, card }: TinySampler,
): Promise<string> {
  const graph = new Graph('sampler');
  const given = classes > 0 ? [graph.input('class', 'float32', ['batch', classes])] : [];
  given.push(graph.input('latent', 'float32', ['batch', latent]));
  const parts = given.map((input) => {
    const count = input.shape[1] as number;
    const strength = input.name === 'class' ? 0.7 : 1.2 / Math.sqrt(count);
    const weight = graph.constant(patterns(count, size, strength, seed), `${input.name}.weight`);
    return matMul(input, weight);
  });
  const flat = parts.reduce((sum: Value, part) => add(sum, part));
  graph.output(tanh(reshape(flat, [-1, 3, size, size])), 'image');
  const path = join(folder, `${name}.onnx`);
  await saveOnnx(graph, path);
  if (card) await writeCard(folder, name, card);
  return path;
}

/** [count, 3·size²], each row three waves; those of one seed are the same at every size. */
function patterns(count: number, size: number, strength: number, seed: number) {
  const data = new Float32Array(count * 3 * size * size);
  for (let k = 0; k < count; k++) {
    for (let c = 0; c < 3; c++) {
      const random = rng(seed, 'patterns', 3 * k + c);
      const [across, down, phase] = [random.uniform(-3, 3), random.uniform(-3, 3), random.uniform(0, 6.28)];
      for (let i = 0; i < size * size; i++) {
        const [x, y] = [(i % size) / size, Math.floor(i / size) / size];
        data[(3 * k + c) * size * size + i] = strength * Math.cos(2 * across * x + 2 * down * y + phase);
      }
    }
  }
  return float32([count, 3 * size * size], data);
}

/** A card for labels or classes, as runs write it. */
export function cardOf(role: string, size: number, condition: Condition): object {
  return { role, size, condition };
}

async function writeCard(folder: string, name: string, card: object): Promise<void> {
  const described = { ...card, sha256: await sha256File(join(folder, `${name}.onnx`)) };
  writeFileSync(join(folder, `${name}.card.json`), JSON.stringify(described));
}
