import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { float32, Graph } from '../../src/graph/graph.ts';
import { encodeOnnx } from '../../src/graph/onnx.ts';
import type { Levels, PictureSet } from '../../src/metrics/levels.ts';
import { relu } from '../../src/ops/activation.ts';
import { conv } from '../../src/ops/conv.ts';
import { abs, sub } from '../../src/ops/elementwise.ts';
import { flatten } from '../../src/ops/layout.ts';
import { linear } from '../../src/ops/matmul.ts';
import { globalAveragePool } from '../../src/ops/pool.ts';
import { reduceMean } from '../../src/ops/reduce.ts';
import { sha256 } from '../../src/util/hash.ts';
import { rng } from '../../src/util/rng.ts';

/** A folder that is gone when the test ends. */
export function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ganlet-metrics-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function random(shape: number[], seed: string, scale: number) {
  const stream = rng(1, seed);
  const length = shape.reduce((a, b) => a * b, 1);
  return float32(
    shape,
    Float32Array.from({ length }, () => (stream.uniform() * 2 - 1) * scale),
  );
}

/** A feature network of two random convolutions: `dimension` features, and five class scores. */
export function tinyNetwork(dimension: number, size: number): Uint8Array {
  const graph = new Graph('tiny');
  const image = graph.input('image', 'float32', ['batch', 3, size, size]);
  const first = conv(image, graph.constant(random([8, 3, 3, 3], 'first', 0.5), 'first'), {
    strides: [2, 2],
    pads: [1, 1, 1, 1],
  });
  const second = conv(relu(first), graph.constant(random([dimension, 8, 3, 3], 'second', 0.4), 'second'), {
    strides: [2, 2],
    pads: [1, 1, 1, 1],
  });
  const features = flatten(globalAveragePool(relu(second)));
  graph.output(features, 'features');
  graph.output(linear(features, graph.constant(random([5, dimension], 'classes', 3), 'classes')), 'logits');
  return encodeOnnx(graph);
}

/** Writes `tinyNetwork` with its card into a folder and gives the path of the network. */
export function writeTinyNetwork(
  folder: string,
  {
    dimension = 12,
    size = 16,
    name = 'tiny',
    card = {},
  }: { dimension?: number; size?: number; name?: string; card?: object } = {},
): string {
  const network = tinyNetwork(dimension, size);
  const path = join(folder, `${name}.onnx`);
  writeFileSync(path, network);
  const described = {
    name,
    kind: 'features',
    file: `${name}.onnx`,
    sha256: sha256(network),
    input: {
      name: 'image',
      size,
      layout: 'NCHW',
      channels: 'RGB',
      mean: [0.5, 0.5, 0.5],
      std: [0.25, 0.25, 0.25],
      resize: 'pil-bicubic',
    },
    output: { name: 'features', dimension },
    logits: { name: 'logits', classes: 5 },
    ...card,
  };
  writeFileSync(join(folder, `${name}.card.json`), JSON.stringify(described));
  return path;
}

/** A stand-in for LPIPS: the mean absolute difference of a and b. */
export function writeTinyDistance(folder: string): string {
  const graph = new Graph('distance');
  const shape = ['batch', 3, 'height', 'width'];
  const [a, b] = [graph.input('a', 'float32', shape), graph.input('b', 'float32', shape)];
  graph.output(reduceMean(abs(sub(a, b)), [1, 2, 3], false), 'distance');
  const path = join(folder, 'difference.onnx');
  writeFileSync(path, encodeOnnx(graph));
  return path;
}

/** A picture of a coloured gradient and a disc, all of it drawn from `seed`. */
export function drawnPicture(seed: number, side = 16, shift = 0): Levels {
  const stream = rng(seed, 'picture');
  const [hue, x0, y0, r] = [stream.int(0, 255), stream.int(2, side - 3), stream.int(2, side - 3), side / 5];
  const area = side * side;
  const data = new Uint8Array(3 * area);
  for (let p = 0; p < area; p++) {
    const [y, x] = [Math.floor(p / side), p % side];
    const inside = Math.hypot(x - x0, y - y0) < r;
    const values = inside ? [hue, 255 - hue, 128] : [(255 * x) / side, (255 * y) / side, hue / 2];
    for (let c = 0; c < 3; c++) data[c * area + p] = Math.max(0, Math.min(255, values[c]! + shift));
  }
  return { data, channels: 3, height: side, width: side };
}

export function drawnSet(first: number, count: number, side = 16, shift = 0): PictureSet {
  return { count, picture: (i) => drawnPicture(first + i, side, shift) };
}
