import { basename, join } from 'node:path';
import { encodeOnnx, OPSET } from '../../graph/onnx.ts';
import { countMacs, countParameters, inputSymbols } from '../../ops/cost.ts';
import { writeFileAtomic, writeJsonAtomic } from '../../util/atomic.ts';
import { formatBytes, formatCount } from '../../util/format.ts';
import { sha256, sha256File } from '../../util/hash.ts';
import type { TextStream } from '../../util/log.ts';
import { toolVersion } from '../../util/version.ts';
import { cardPath } from '../card-path.ts';
import type { Padding } from '../layers.ts';
import { readStateDict } from '../torch-checkpoint.ts';
import { importNetwork } from './kinds.ts';

export interface ImportOptions {
  /** One of `importKinds`. */
  kind: string;
  /** The checkpoint, `.pth`, `.pt` or `.safetensors`. */
  file: string;
  /** The folder to write to. */
  out: string;
  /** Dictionary of the checkpoint that is the network, as in `netG`. */
  key?: string;
  /** File of the linear layers, for LPIPS. */
  linear?: string;
  /** Inside the blocks of a ResNet; checkpoints do not tell mirroring from repeating. */
  padding?: Exclude<Padding, 'zero'>;
  /** Side in pixels for which the card counts the costs. */
  size?: number;
}

/**
 * Imports a PyTorch checkpoint: writes `teacher.onnx` (generators), `discriminator.onnx` or `<kind>.onnx` (feature networks)
 * with its card into a folder, and says what it is on `stream`. Returns the path of the ONNX file.
 * Throws as `readCheckpoint`, `selectTensors` and `importNetwork` do, before anything is written.
 */
export async function importModel(
  options: ImportOptions,
  stream: TextStream = process.stdout,
): Promise<string> {
  const { kind, file, out, key, linear, padding, size: side } = options;
  const tensors = readStateDict(file, key);
  const network = importNetwork(kind, {
    tensors,
    file,
    ...(linear !== undefined && { linear: { tensors: readStateDict(linear), file: linear } }),
    ...(padding && { padding }),
    ...(side !== undefined && { size: side }),
  });
  const { graph, role, size, ...known } = network;
  const bytes = encodeOnnx(graph);
  const path = join(out, `${role === 'features' ? kind : role}.onnx`);
  const params = countParameters(graph);
  const macs = countMacs(graph, inputSymbols(graph, { size }));
  const types = (values: typeof graph.inputs) =>
    values.map(({ name, dtype, shape }) => ({ name, dtype, shape }));
  const from = async (source: string) => ({ file: basename(source), sha256: await sha256File(source) });
  const card = {
    role,
    size,
    ...known,
    params,
    macs: { true: macs.true, paper: macs.paper },
    opset: OPSET,
    inputs: types(graph.inputs),
    outputs: types(graph.outputs),
    bytes: bytes.length,
    sha256: sha256(bytes),
    imported: {
      kind,
      ...(await from(file)),
      ...(key !== undefined && { key }),
      ...(linear !== undefined && { linear: await from(linear) }),
    },
    tool: toolVersion,
  };
  await writeFileAtomic(path, bytes);
  await writeJsonAtomic(cardPath(path), card);
  const taps = network.taps ? `taps: ${network.taps.join(', ')}\n` : '';
  stream.write(
    `${path}  ${formatBytes(bytes.length)}, ${formatCount(params)} parameters\n` +
      `MACs at ${size}×${size}: ${formatCount(macs.true)}\n${taps}`,
  );
  return path;
}
