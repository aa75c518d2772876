import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { initialise } from '../../src/models/init.ts';
import { resnetGenerator } from '../../src/models/resnet.ts';
import { saveOnnx } from '../../src/ops/import-onnx.ts';
import { sha256File } from '../../src/util/hash.ts';

interface TinyModel {
  /** Without ".onnx". */
  name: string;
  baseWidth: number;
  size?: number;
  blocks?: number;
  separable?: boolean;
  channels?: 1 | 3;
  /** What the card says; without it there is no card. */
  card?: object;
}

/** An untrained generator whose pictures depend visibly on the drawing, and the card that belongs to it. */
export async function writeGenerator(
  folder: string,
  { name, card, channels = 3, ...shape }: TinyModel,
): Promise<string> {
  const options = { blocks: 1, ...shape, inputChannels: channels, outputChannels: channels };
  const graph = initialise(resnetGenerator(options), { init: 'normal', gain: 0.2, seed: shape.baseWidth });
  const path = join(folder, `${name}.onnx`);
  await saveOnnx(graph, path);
  if (card) {
    const described = { ...card, sha256: await sha256File(path) };
    writeFileSync(join(folder, `${name}.card.json`), JSON.stringify(described));
  }
  return path;
}
