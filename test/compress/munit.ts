import { Graph, type Value } from '../../src/graph/graph.ts';
import { convolution, normalise, parameter, separableConvolution } from '../../src/models/layers.ts';
import { relu, tanh } from '../../src/ops/activation.ts';
import { add, div, mul, sqrt, sub } from '../../src/ops/elementwise.ts';
import { flatten, unsqueeze } from '../../src/ops/layout.ts';
import { linear } from '../../src/ops/matmul.ts';
import { instanceNorm } from '../../src/ops/norm.ts';
import { globalAveragePool } from '../../src/ops/pool.ts';
import { reduceMean } from '../../src/ops/reduce.ts';
import { upsample } from '../../src/ops/resize.ts';
import { slice } from '../../src/ops/window.ts';

const [styleSize, mlpSize, blocks] = [8, 256, 4];

/** Ten widths, as GAN Compression numbers them: style; content stem, down, residual; inner of blocks; up. */
export type MunitWidths = readonly number[];

/**
 * The generator of MUNIT (Huang et al. 2018): content of a picture, drawn in the style of a latent vector, or with `styleOf` of
 * another picture. A network from elsewhere, with what others do not have: normalisation by numbers that a perceptron makes of the style
 * (AdaIN), and over all channels at once. In the separable one (Li et al. 2020) residual and up convolutions are depthwise and 1×1.
 */
export function munit(
  [c0, c1, c2, c3, c4, c5, c6, c7, c8, c9]: MunitWidths,
  { separable = false, styleOf = false, size = 256 } = {},
): Graph {
  const graph = new Graph('munit');
  const x = graph.input('x', 'float32', ['batch', 3, size, size]);
  const style = styleOf
    ? styleEncoder(graph.input('reference', 'float32', ['batch', 3, size, size]), c0!)
    : graph.input('style', 'float32', ['batch', styleSize]);

  const three = (y: Value, name: string, to: number) =>
    separable
      ? separableConvolution(y, name, to, 'reflect')
      : convolution(y, name, to, { kernel: 3, pad: 1, padding: 'reflect' });
  const inner = ([first, second]: [number, number], i: number) => 4 * (i < blocks / 2 ? first : second);

  let y = x;
  for (const [name, to, kernel, stride, pad] of [
    ['content.stem', c1!, 7, 1, 3],
    ['content.down1', 2 * c2!, 4, 2, 1],
    ['content.down2', 4 * c3!, 4, 2, 1],
  ] as const)
    y = relu(
      normalise(convolution(y, name, to, { kernel, stride, pad, padding: 'reflect' }), name, 'instance'),
    );
  for (let i = 0; i < blocks; i++) {
    const name = `content.block${i + 1}`;
    const h = relu(normalise(three(y, `${name}.conv1`, inner([c4!, c5!], i)), `${name}.conv1`, 'instance'));
    y = add(y, normalise(three(h, `${name}.conv2`, 4 * c3!), `${name}.conv2`, 'instance'));
  }

  const adain = adaptive(
    style,
    Array.from({ length: blocks }, (_, i) => [inner([c6!, c7!], i), 4 * c3!]).flat(),
  );
  for (let i = 0; i < blocks; i++) {
    const name = `decoder.block${i + 1}`;
    const h = relu(adain(three(y, `${name}.conv1`, inner([c6!, c7!], i)), 2 * i));
    y = add(y, adain(three(h, `${name}.conv2`, 4 * c3!), 2 * i + 1));
  }
  for (const [name, to] of [
    ['decoder.up1', 2 * c8!],
    ['decoder.up2', c9!],
  ] as const)
    y = relu(overAll(five(upsample(y, [2, 2], { mode: 'nearest' }), name, to, separable), name));
  y = tanh(convolution(y, 'decoder.last', 3, { kernel: 7, pad: 3, padding: 'reflect' }));
  graph.output(y, 'made');
  return graph;
}

function styleEncoder(x: Value, width: number): Value {
  let y = x;
  for (const [i, to] of [width, 2 * width, 4 * width, 4 * width, 4 * width].entries()) {
    const at = i === 0 ? { kernel: 7, pad: 3 } : { kernel: 4, stride: 2, pad: 1 };
    y = relu(convolution(y, `style.${i}`, to, { ...at, padding: 'reflect' }));
  }
  return flatten(convolution(globalAveragePool(y), 'style.last', styleSize, { kernel: 1 }));
}

/** A 5×5 convolution, or a depthwise one and a 1×1 one, which see the picture mirrored beyond its edges. */
function five(x: Value, name: string, to: number, separable: boolean): Value {
  const at = { kernel: 5, pad: 2, padding: 'reflect' } as const;
  if (!separable) return convolution(x, name, to, at);
  const each = convolution(x, `${name}.depthwise`, x.shape[1] as number, {
    ...at,
    group: x.shape[1] as number,
  });
  const normed = normalise(each, `${name}.depthwise`, 'instance');
  return convolution(normed, `${name}.pointwise`, to, { kernel: 1 });
}

/** The k-th normalisation: numbers of a perceptron of the style, for each layer first what is added, then what is multiplied by. */
function adaptive(style: Value, widths: readonly number[]): (x: Value, k: number) => Value {
  const { graph } = style;
  const dense = (x: Value, name: string, to: number) =>
    linear(
      x,
      parameter(graph, `mlp.${name}.weight`, [to, x.shape[1] as number]),
      parameter(graph, `mlp.${name}.bias`, [to]),
    );
  const hidden = relu(dense(relu(dense(style, '0', mlpSize)), '1', mlpSize));
  const all = dense(hidden, '2', 2 * widths.reduce((a, b) => a + b));
  const starts = widths.map((_, k) => 2 * widths.slice(0, k).reduce((a, b) => a + b, 0));
  return (x, k) => {
    const [start, width] = [starts[k]!, widths[k]!];
    const part = (from: number) => unsqueeze(slice(all, [1], [from], [from + width]), [2, 3]);
    return add(mul(instanceNorm(x), part(start + width)), part(start));
  };
}

/** Normalised over channels and places of each picture, then scaled and shifted by channel. */
function overAll(x: Value, name: string): Value {
  const centred = sub(x, reduceMean(x, [1, 2, 3]));
  const deviation = sqrt(reduceMean(mul(centred, centred), [1, 2, 3]));
  const channels = x.shape[1] as number;
  const [gamma, beta] = ['gamma', 'beta'].map((part) =>
    unsqueeze(parameter(x.graph, `${name}.${part}`, [channels], 1), [1, 2]),
  );
  return add(mul(div(centred, add(deviation, 1e-5)), gamma!), beta!);
}
