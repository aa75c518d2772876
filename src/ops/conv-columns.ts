import type { Dim, Node, Value } from '../graph/graph.ts';
import { isStatic } from '../graph/graph.ts';
import { convGeometry } from './conv-geometry.ts';
import { add } from './elementwise.ts';
import { reshape, transpose, unsqueeze } from './layout.ts';
import { matMul } from './matmul.ts';
import { concat } from './segments.ts';
import { pad, slice } from './window.ts';

/**
 * A convolution as one product of its weights with the columns of the whole batch, [O, I·kh·kw]·[I·kh·kw, N·rows·columns], or
 * undefined where Conv itself is the better form.
 *
 * Conv multiplies picture by picture and reads all weights each time. In the last layers of a discriminator there are more of
 * them (512·256·16) than numbers in a picture (49 positions), so reading them is what takes the time. One product for the
 * batch reads them once, and so do its two gradients, which are products with the same columns.
 */
export function convByColumns(node: Node, x: Value, w: Value, bias: Value | null): Value | undefined {
  const g = convGeometry({ op: node.op, name: node.name, inputs: [x, w], attributes: node.attributes });
  if (g.group !== 1 || !isStatic(x.shape) || !isStatic(w.shape)) return undefined;
  const [n, , height, width] = x.shape as [number, number, number, number];
  const [o, i, kh, kw] = w.shape as [number, number, number, number];
  const size = (length: number, k: 0 | 1) =>
    Math.floor(
      (length + g.pads[k] + g.pads[k + 2]! - g.dilations[k] * (g.kernel[k] - 1) - 1) / g.strides[k],
    ) + 1;
  const [rows, columns] = [size(height, 0), size(width, 1)];
  const weights = o * i * kh * kw;
  // With strides the way back scatters single numbers, which costs more than is gained.
  if (g.strides.some((s) => s !== 1) || kh * kw === 1 || o < 16 || weights < 1000 * n * rows * columns)
    return undefined;

  const padded = pad(x, [0, 0, g.pads[0], g.pads[1], 0, 0, g.pads[2], g.pads[3]]);
  const channels =
    n === 1 ? reshape(padded, [i, 1, ...padded.shape.slice(2)]) : transpose(padded, [1, 0, 2, 3]);
  const taps: Value[] = [];
  for (let u = 0; u < kh; u++) {
    for (let v = 0; v < kw; v++) {
      const [top, left] = [u * g.dilations[0], v * g.dilations[1]];
      const [bottom, right] = [top + (rows - 1) * g.strides[0] + 1, left + (columns - 1) * g.strides[1] + 1];
      const window = slice(channels, [2, 3], [top, left], [bottom, right], g.strides);
      taps.push(reshape(window, [i, 1, n * rows * columns]));
    }
  }
  const stacked = reshape(concat(taps, 1), [i * kh * kw, n * rows * columns]);
  const product = matMul(reshape(w, [o, i * kh * kw]), stacked);
  const biased = bias ? add(product, unsqueeze(bias, [1])) : product;
  const shape: Dim[] = [o, n, rows, columns];
  return n === 1 ? reshape(biased, [1, o, rows, columns]) : transpose(reshape(biased, shape), [1, 0, 2, 3]);
}
