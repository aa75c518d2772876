import { extname } from 'node:path';
import type { Graph } from '../graph/graph.ts';
import { encodeOnnx, OPSET } from '../graph/onnx.ts';
import { countMacs, countParameters, inputSymbols } from '../ops/cost.ts';
import type { DiscriminatorConfig, GeneratorConfig } from '../recipe/schema.ts';
import { writeFileAtomic, writeJsonAtomic } from '../util/atomic.ts';
import { GanletError } from '../util/errors.ts';
import { formatBytes, formatCount } from '../util/format.ts';
import { sha256 } from '../util/hash.ts';
import type { TextStream } from '../util/log.ts';
import { toolVersion } from '../util/version.ts';
import { cardPath } from './card-path.ts';
import {
  buildDiscriminator,
  buildGenerator,
  distillTaps,
  isGenerator,
  leastSize,
  takes,
} from './generator.ts';
import { type Initialiser, initialise } from './init.ts';

export interface ModelOptions {
  /** The network with every default written out, as a card gives it. */
  network: GeneratorConfig | DiscriminatorConfig;
  /** Widths of a generator that has width vectors, instead of its base width. */
  widths?: readonly number[];
  /** The .onnx file; its card is written beside it. */
  out: string;
  /**
   * Of what is given to a generator (of a picture or a label map) and of the image it makes; a discriminator sees both together.
   * By default 3 each.
   */
  channels?: { condition: number; image: number };
  /** Of an `sngan` or `projection` network; by default none. */
  classes?: number;
  /** Side of the image in pixels; left out, the file takes any size and costs are given for 256 pixels. */
  size?: number;
  seed?: number;
  init?: Initialiser;
  gain?: number;
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
  const { network, widths } = options;
  const graph = initialise(build(options), { init, gain, seed });
  const size = options.size ?? Math.max(256, isGenerator(network) ? leastSize(network) : 1);
  const macs = countMacs(graph, inputSymbols(graph, { size }));
  const params = countParameters(graph);
  const bytes = encodeOnnx(graph);
  const card = {
    role: 'untrained',
    architecture: { ...network, ...(widths && { widths }) },
    size,
    range: [-1, 1],
    ...(isGenerator(network) && { taps: distillTaps(graph, network.type) }),
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

function build({ network, widths, size, classes = 0, channels }: ModelOptions): Graph {
  const { condition, image } = channels ?? { condition: 3, image: 3 };
  if (!isGenerator(network)) return buildDiscriminator(network, size, condition + image, classes);
  const inputChannels = takes(network) === 'classes' ? classes : condition;
  return buildGenerator({ ...network, ...(widths && { widths }) }, size, {
    inputChannels,
    outputChannels: image,
  });
}

function types(values: Graph['inputs']) {
  return values.map(({ name, dtype, shape }) => ({ name, dtype, shape }));
}
