import { basename, dirname, extname, join } from 'node:path';
import type { Graph } from '../graph/graph.ts';
import { encodeOnnx, OPSET } from '../graph/onnx.ts';
import { countMacs, countParameters, inputSymbols } from '../ops/cost.ts';
import { defaultLevels } from '../recipe/networks.ts';
import { writeFileAtomic, writeJsonAtomic } from '../util/atomic.ts';
import { GanletError } from '../util/errors.ts';
import { formatBytes, formatCount } from '../util/format.ts';
import { sha256 } from '../util/hash.ts';
import type { TextStream } from '../util/log.ts';
import { patchDiscriminator, pixelDiscriminator } from './discriminator.ts';
import { type Initialiser, initialise } from './init.ts';
import type { Norm, Padding } from './layers.ts';
import { resnetGenerator } from './resnet.ts';
import { unetGenerator } from './unet.ts';

export interface ModelOptions {
  type: 'resnet' | 'unet' | 'patch' | 'pixel';
  /** The .onnx file; its card is written beside it. */
  out: string;
  baseWidth: number;
  norm?: Norm;
  /** Of the image given to a generator and of the image it makes; a discriminator sees both together. */
  channels?: { condition: number; image: number };
  /** Side of the image in pixels; left out, the file takes any size and costs are given for 256 pixels. */
  size?: number;
  seed?: number;
  init?: Initialiser;
  gain?: number;
  blocks?: number;
  padding?: Padding;
  separable?: boolean;
  widths?: readonly number[];
  dropout?: number;
  levels?: number;
  layers?: number;
}

/**
 * Writes an initialised, untrained network as ONNX with its card (`g.onnx` and `g.card.json`), and what it costs to
 * `stream`. Throws as the network's builder does, OPTION_INVALID unless `out` ends in .onnx, and for files that cannot be
 * written; nothing is half written.
 */
export async function writeModel(options: ModelOptions, stream: TextStream = process.stdout): Promise<void> {
  const { type, out, size, seed = 0, init = 'normal', gain = 0.02, ...architecture } = options;
  if (extname(out) !== '.onnx') {
    throw new GanletError('OPTION_INVALID', `the file to write must end in .onnx, got "${out}"`);
  }
  const graph = initialise(build(options), { init, gain, seed });
  const at = size ?? 256;
  const macs = countMacs(graph, inputSymbols(graph, { size: at }));
  const params = countParameters(graph);
  const bytes = encodeOnnx(graph);
  const card = {
    architecture: { type, ...architecture, ...(size !== undefined && { size }) },
    initialised: { init, gain, seed },
    params,
    macs: { true: macs.true, paper: macs.paper, size: at },
    opset: OPSET,
    inputs: types(graph.inputs),
    outputs: types(graph.outputs),
    bytes: bytes.length,
    sha256: sha256(bytes),
  };
  await writeFileAtomic(out, bytes);
  await writeJsonAtomic(cardPath(out), card);
  stream.write(
    `${out}  ${formatBytes(bytes.length)}, ${formatCount(params)} parameters\n` +
      `MACs at ${at}×${at}: ${formatCount(macs.true)}  (${formatCount(macs.paper)} as GAN Compression counts)\n`,
  );
}

/** The card that belongs to a model file: `students/g.onnx` → `students/g.card.json`. */
export function cardPath(model: string): string {
  return join(dirname(model), `${basename(model, '.onnx')}.card.json`);
}

function build({ type, out: _, seed: _s, init: _i, gain: _g, channels, ...options }: ModelOptions): Graph {
  const { condition, image } = channels ?? { condition: 3, image: 3 };
  switch (type) {
    case 'resnet':
      return resnetGenerator({ ...options, inputChannels: condition, outputChannels: image });
    case 'unet': {
      const levels = options.levels ?? (options.size === undefined ? 8 : defaultLevels(options.size));
      return unetGenerator({ ...options, levels, inputChannels: condition, outputChannels: image });
    }
    case 'patch':
      return patchDiscriminator({ ...options, inputChannels: condition + image });
    case 'pixel':
      return pixelDiscriminator({ ...options, inputChannels: condition + image });
  }
}

function types(values: Graph['inputs']) {
  return values.map(({ name, dtype, shape }) => ({ name, dtype, shape }));
}
