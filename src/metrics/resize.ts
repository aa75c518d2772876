import * as ort from 'onnxruntime-node';
import type { Attributes } from '../graph/graph.ts';
import { Graph } from '../graph/graph.ts';
import { encodeOnnx, OPSET } from '../graph/onnx.ts';

/**
 * The ways metrics bring pictures to their network's size; scores measured with different ones do not compare.
 * `tf1`: bilinear without half-pixel centres or antialiasing (TensorFlow 1, torch-fidelity, StyleGAN). `torch`: bilinear with
 * half-pixel centres, no antialiasing (pytorch-fid). `pil-bicubic`: Pillow's antialiased bicubic in float, clipped to 0..255,
 * not rounded (clean-fid). `torch-aa`: antialiased bilinear (torchmetrics; Pillow's bilinear).
 */
export const resizeModes = ['tf1', 'torch', 'pil-bicubic', 'torch-aa'] as const;
export type ResizeMode = (typeof resizeModes)[number];

// Windows at the border must be renormalised (exclude_outside), or border pixels are off by up to ten grey levels.
const attributes: Record<ResizeMode, Attributes> = {
  tf1: { mode: 'linear', coordinate_transformation_mode: 'asymmetric' },
  torch: { mode: 'linear', coordinate_transformation_mode: 'half_pixel' },
  'pil-bicubic': {
    mode: 'cubic',
    coordinate_transformation_mode: 'half_pixel',
    antialias: 1,
    cubic_coeff_a: -0.5,
    exclude_outside: 1,
  },
  'torch-aa': {
    mode: 'linear',
    coordinate_transformation_mode: 'half_pixel',
    antialias: 1,
    exclude_outside: 1,
  },
};

/** `pictures` planes-first pictures of one size: pictures × channels × height × width. */
export interface Planes {
  data: Float32Array;
  channels: number;
  height: number;
  width: number;
}

const sessions = new Map<ResizeMode, Promise<ort.InferenceSession>>();

/**
 * Pictures of values 0..255 brought to height × width, in float32. Within 1e-3 of a level of Pillow, TensorFlow 1 and PyTorch. Any number of
 * pictures of one size; each comes out the same whatever it is batched with. Throws RangeError for sizes that are no positive
 * integers or data that does not fit them.
 */
export async function resizePlanes(
  { data, channels, height, width }: Planes,
  mode: ResizeMode,
  target: { height: number; width: number },
): Promise<Float32Array> {
  const pictures = data.length / (channels * height * width);
  for (const size of [pictures, target.height, target.width]) {
    if (!Number.isInteger(size) || size < 1) {
      throw new RangeError(
        `cannot resize ${data.length} numbers of ${channels} × ${height} × ${width} to ${target.height} × ${target.width}`,
      );
    }
  }
  if (height === target.height && width === target.width) return data.slice();
  let session = sessions.get(mode);
  if (!session) {
    session = ort.InferenceSession.create(resizeModel(mode), { logSeverityLevel: 3 });
    sessions.set(mode, session);
  }
  const sizes = [pictures, channels, target.height, target.width];
  const outputs = await (await session).run({
    x: new ort.Tensor('float32', data, [pictures, channels, height, width]),
    sizes: new ort.Tensor('int64', BigInt64Array.from(sizes, BigInt), [4]),
  });
  const resized = outputs.y!.data as Float32Array;
  if (mode === 'pil-bicubic') {
    for (let i = 0; i < resized.length; i++) resized[i] = Math.min(Math.max(resized[i]!, 0), 255);
  }
  return resized;
}

/** One Resize node as a model of opset 18, the first with antialiasing. */
function resizeModel(mode: ResizeMode): Uint8Array {
  const graph = new Graph(`resize ${mode}`);
  const shape = ['pictures', 'channels', 'height', 'width'];
  const x = graph.input('x', 'float32', shape);
  const sizes = graph.input('sizes', 'int64', [4]);
  const type = { dtype: 'float32' as const, shape: ['pictures', 'channels', 'rows', 'columns'], name: 'y' };
  graph.outputs.push(graph.add('Resize', [x, null, null, sizes], attributes[mode], [type]).outputs[0]!);
  const bytes = encodeOnnx(graph);
  // The opset is the last thing in our files; Resize changed from 17 to 18 only by what is added here.
  if (bytes.at(-1) !== OPSET) throw new Error('the opset must be the last byte of an encoded graph');
  bytes[bytes.length - 1] = 18;
  return bytes;
}
