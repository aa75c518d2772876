import { type OnnxFile, openOnnxFile } from '../../backend/onnx-file.ts';
import type { Provider } from '../../backend/onnxruntime.ts';
import { GanletError } from '../../util/errors.ts';
import { inColour, type Levels } from '../levels.ts';
import type { Preprocessing } from '../preprocessing.ts';
import { type ResizeMode, resizePlanes } from '../resize.ts';
import type { FeatureNetwork } from './network.ts';

export interface ExtractOptions {
  /** How pictures are brought to the network's size; default: what the network asks for. */
  resize?: ResizeMode | undefined;
  /** Pictures at once, default 16. It changes nothing but time and memory. */
  batch?: number | undefined;
  /** 0 is all cores. */
  threads?: number | undefined;
  provider?: Provider | undefined;
}

/** What a network says of some pictures, a row each. */
export interface Extracted {
  /** Pictures × dimension. */
  features: Float32Array;
  /** Pictures × classes, where the network has class scores. */
  logits?: Float32Array;
}

/** A feature network ready to take pictures. */
export interface FeatureExtractor {
  readonly network: FeatureNetwork;
  /** All that happens to a picture before; part of every statistics file. */
  readonly preprocessing: Preprocessing;
  readonly batch: number;
  /** Features of pictures of any sizes, at most `batch` at once. Throws FEATURES_INVALID when they are not finite. */
  extract(pictures: readonly Levels[]): Promise<Extracted>;
  dispose(): Promise<void>;
}

/**
 * Opens a feature network. Each picture is resized by itself, so neither batch nor neighbours change its features. Throws
 * FEATURES_MISMATCH when the file does not have the input and outputs that its card speaks of, and as `openOnnxFile`.
 */
export async function openFeatures(
  network: FeatureNetwork,
  { resize = network.input.resize, batch = 16, threads = 0, provider = 'cpu' }: ExtractOptions = {},
): Promise<FeatureExtractor> {
  const file = await openOnnxFile(network.path, { provider, threads });
  const fixed = needInterface(network, file);
  const { size, layout, channels } = network.input;
  const { mean, std } = network.input.pixels(resize);
  const most = fixed ?? batch;
  const each = 3 * size * size;
  const shape = (count: number) => (layout === 'NCHW' ? [count, 3, size, size] : [count, size, size, 3]);
  const { output, logits } = network;
  const wanted = [output.name, ...(logits ? [logits.name] : [])];

  const place = async (picture: Levels, into: Float32Array, start: number) => {
    const { data, height, width } = inColour(picture);
    const whole = { data: Float32Array.from(data), channels: 3, height, width };
    const resized = await resizePlanes(whole, resize, { height: size, width: size });
    const area = size * size;
    for (let c = 0; c < 3; c++) {
      const at = channels === 'RGB' ? c : 2 - c;
      const [offset, scale] = [mean[c]!, std[c]!];
      for (let i = 0; i < area; i++) {
        const value = (resized[c * area + i]! - offset) / scale;
        into[start + (layout === 'NCHW' ? at * area + i : 3 * i + at)] = value;
      }
    }
  };

  return {
    network,
    preprocessing: {
      feature: network.feature,
      network: network.sha256,
      resize,
      size,
      quantise: 'round',
      mean,
      std,
    },
    batch: most,
    async extract(pictures) {
      // A network with a fixed batch is fed a full one; the surplus is thrown away.
      const count = fixed ?? pictures.length;
      if (pictures.length > most) {
        throw new RangeError(`at most ${most} pictures at once, got ${pictures.length}`);
      }
      const data = new Float32Array(count * each);
      for (const [i, picture] of pictures.entries()) await place(picture, data, i * each);
      const found = await file.run({ [network.input.name]: { shape: shape(count), data } }, wanted);
      const rows = (name: string, length: number, token?: number) => {
        const all = found[name]!;
        const values = token === undefined ? all : ofToken(all, count, length, token);
        if (values.length !== count * length) {
          throw mismatch(
            network,
            `output ${name} must be ${length} numbers a picture, it is ${values.length / count}`,
          );
        }
        return values.subarray(0, pictures.length * length);
      };
      const features = rows(output.name, output.dimension, output.token);
      if (!features.every(Number.isFinite)) {
        throw new GanletError(
          'FEATURES_INVALID',
          `${network.path} must give finite features, it gives others`,
          {
            hint: 'check the mean and std in its card',
          },
        );
      }
      return { features, ...(logits && { logits: rows(logits.name, logits.classes) }) };
    },
    dispose: () => file.dispose(),
  };
}

/** The rows of one token out of [count, tokens, length]; none of the right length where there are not so many. */
function ofToken(all: Float32Array, count: number, length: number, token: number): Float32Array {
  const tokens = all.length / (count * length);
  if (!Number.isInteger(tokens) || token >= tokens) return all;
  const rows = new Float32Array(count * length);
  for (let i = 0; i < count; i++) {
    const at = (i * tokens + token) * length;
    rows.set(all.subarray(at, at + length), i * length);
  }
  return rows;
}

/** Holds the file against its card; gives the number of pictures at once where the file fixes it. */
function needInterface(network: FeatureNetwork, file: OnnxFile): number | undefined {
  const { input, output, logits } = network;
  const found = file.inputs.find(({ name }) => name === input.name);
  const names = (values: OnnxFile['inputs']) => values.map(({ name }) => name).join(', ') || 'none';
  if (!found || file.inputs.length !== 1) {
    throw mismatch(network, `it must have one input, ${input.name}, it has ${names(file.inputs)}`);
  }
  for (const { name } of [output, ...(logits ? [logits] : [])]) {
    if (!file.outputs.some((value) => value.name === name)) {
      throw mismatch(network, `it must have an output ${name}, it has ${names(file.outputs)}`);
    }
  }
  const { size, layout } = input;
  const wanted = layout === 'NCHW' ? [3, size, size] : [size, size, 3];
  const rest = found.shape.slice(1);
  const isOpen = (dim: number | string) => typeof dim === 'string' || dim < 1;
  const fits = found.shape.length === 4 && rest.every((dim, i) => isOpen(dim) || dim === wanted[i]);
  if (found.dtype !== 'float32' || !fits) {
    const shown = `${found.dtype} [${found.shape.join(', ')}]`;
    throw mismatch(network, `${input.name} must be float32 [batch, ${wanted.join(', ')}], it is ${shown}`);
  }
  const [first] = found.shape;
  return first === undefined || isOpen(first) ? undefined : Number(first);
}

function mismatch({ path }: FeatureNetwork, what: string): GanletError {
  return new GanletError('FEATURES_MISMATCH', `${path} must be what its card says: ${what}`, {
    hint: 'correct the card, or export the network again with an open batch axis and float32 throughout',
  });
}
