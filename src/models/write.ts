import { extname } from 'node:path';
import type { Graph } from '../graph/graph.ts';
import { encodeOnnx, OPSET } from '../graph/onnx.ts';
import { countMacs, countParameters, inputSymbols } from '../ops/cost.ts';
import type { Norm, Padding } from '../recipe/names.ts';
import { defaultLevels } from '../recipe/networks.ts';
import type { DiscriminatorConfig, GeneratorConfig } from '../recipe/schema.ts';
import { writeFileAtomic, writeJsonAtomic } from '../util/atomic.ts';
import { GanletError } from '../util/errors.ts';
import { formatBytes, formatCount } from '../util/format.ts';
import { sha256 } from '../util/hash.ts';
import type { TextStream } from '../util/log.ts';
import { toolVersion } from '../util/version.ts';
import { buildDiscriminator, buildGenerator, distillTaps } from './generator.ts';
import { type Initialiser, initialise } from './init.ts';

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
  const { out, seed = 0, init = 'normal', gain = 0.02 } = options;
  if (extname(out) !== '.onnx') {
    throw new GanletError('OPTION_INVALID', `the file to write must end in .onnx, got "${out}"`);
  }
  const architecture = complete(options);
  const graph = initialise(build(architecture, options), { init, gain, seed });
  const smallest = architecture.type === 'unet' ? 2 ** architecture.levels : 1;
  const size = options.size ?? Math.max(256, smallest);
  const macs = countMacs(graph, inputSymbols(graph, { size }));
  const params = countParameters(graph);
  const bytes = encodeOnnx(graph);
  const card = {
    role: 'untrained',
    architecture,
    size,
    range: [-1, 1],
    ...(isGenerator(architecture) && { taps: distillTaps(graph) }),
    params,
    macs: { true: macs.true, paper: macs.paper },
    opset: OPSET,
    inputs: types(graph.inputs),
    outputs: types(graph.outputs),
    bytes: bytes.length,
    sha256: sha256(bytes),
    training: { init, initGain: gain },
    seed,
    tool: toolVersion,
  };
  await writeFileAtomic(out, bytes);
  await writeJsonAtomic(cardPath(out), card);
  stream.write(
    `${out}  ${formatBytes(bytes.length)}, ${formatCount(params)} parameters\n` +
      `MACs at ${size}×${size}: ${formatCount(macs.true)}  (${formatCount(macs.paper)} as GAN Compression counts)\n`,
  );
}

/** The card that belongs to a model file: `students/g.onnx` → `students/g.card.json`. */
export function cardPath(model: string): string {
  return model.replace(/\.onnx$/, '.card.json');
}

type Architecture = (GeneratorConfig & { widths?: readonly number[] }) | DiscriminatorConfig;

/** The network with every default written out, as a recipe gives it. */
function complete(options: ModelOptions): Architecture {
  const { type, baseWidth, norm = 'instance', dropout = 0, size } = options;
  switch (type) {
    case 'resnet': {
      const { blocks = 9, padding = 'reflect', separable = false, widths } = options;
      return { type, baseWidth, blocks, norm, padding, separable, dropout, ...(widths && { widths }) };
    }
    case 'unet': {
      const { levels = size === undefined ? 8 : Math.max(2, defaultLevels(size)) } = options;
      return { type, baseWidth, levels, norm, dropout };
    }
    case 'patch':
      return { type, baseWidth, layers: options.layers ?? 3, norm, spectralNorm: false };
    case 'pixel':
      return { type, baseWidth, norm, spectralNorm: false };
  }
}

function build(architecture: Architecture, { size, channels }: ModelOptions): Graph {
  const { condition, image } = channels ?? { condition: 3, image: 3 };
  return isGenerator(architecture)
    ? buildGenerator(architecture, size, { inputChannels: condition, outputChannels: image })
    : buildDiscriminator(architecture, size, condition + image);
}

function isGenerator(architecture: Architecture): architecture is GeneratorConfig {
  return architecture.type === 'resnet' || architecture.type === 'unet';
}

function types(values: Graph['inputs']) {
  return values.map(({ name, dtype, shape }) => ({ name, dtype, shape }));
}
