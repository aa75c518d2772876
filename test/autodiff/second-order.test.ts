import { describe, test } from 'vitest';
import { gradient } from '../../src/autodiff/gradient.ts';
import { float32, type Value } from '../../src/graph/graph.ts';
import { leakyRelu, tanh } from '../../src/ops/activation.ts';
import { conv } from '../../src/ops/conv.ts';
import { mul, square } from '../../src/ops/elementwise.ts';
import { flatten } from '../../src/ops/layout.ts';
import { linear } from '../../src/ops/matmul.ts';
import { instanceNorm } from '../../src/ops/norm.ts';
import { averagePool, globalAveragePool } from '../../src/ops/pool.ts';
import { reduceMean, reduceSum, sum } from '../../src/ops/reduce.ts';
import { upsample } from '../../src/ops/resize.ts';
import { pad } from '../../src/ops/window.ts';
import { composed, table } from '../ops/cases/table.ts';
import { between, checkGradients, frozen, type GradientCase, normal } from '../ops/finite-differences.ts';

/** The case whose value is the gradient of Σ c·y² for the first input: its gradient is a second derivative. */
function differentiated(c: GradientCase): GradientCase {
  return {
    ...c,
    tolerance: 5e-3,
    build: (inputs, graph) => {
      const first = Object.entries(inputs).find(([name]) => !c.inputs[name]!.frozen)!;
      const y = c.build(inputs, graph);
      // Uneven weights: the plain sum of squares of a normalised value does not depend on its input.
      const shape = y.shape as number[];
      const count = shape.reduce((a, d) => a * d, 1);
      const uneven = Array.from({ length: count }, (_, i) => 1 + Math.sin(3 * i));
      const loss = sum(mul(square(y), graph.constant(float32(shape, uneven))));
      return gradient(loss, [first[1]])[0]!;
    },
  };
}

/** Of operators other than convolutions with many cases, which differ in shapes, every third. */
const chosen = Object.entries(table).flatMap(([op, cases]) => {
  if (cases === 'no gradient') return [];
  return op.startsWith('Conv') || cases.length < 8 ? cases : cases.filter((_, i) => i % 3 === 0);
});

describe('a gradient of a gradient agrees with central differences of the gradient', () => {
  test.each([...chosen, ...composed].map(differentiated))('$name', checkGradients);
});

/** ‖∂f/∂x‖² for each picture, as R1 and WGAN-GP penalise it. */
function penalty(f: (v: Record<string, Value>) => Value): GradientCase['build'] {
  return (v) => {
    const [dx] = gradient(sum(f(v)), [v.x!]);
    return reduceSum(square(dx!), [1, 2, 3], false);
  };
}

const strided = { strides: [2, 2], pads: [1, 1, 1, 1] };
const critics: Record<string, (v: Record<string, Value>) => Value> = {
  'strided convolutions and leaky ReLU': (v) => {
    const h = leakyRelu(conv(v.x!, v.w1!, { ...strided, bias: v.b1! }), 0.2);
    return reduceMean(tanh(conv(mul(h, 0.1), v.w2!, { pads: [1, 1, 1, 1] })), [1, 2, 3]);
  },
  'instance norm': (v) => {
    const h = tanh(instanceNorm(leakyRelu(conv(v.x!, v.w1!, { ...strided, bias: v.b1! }), 0.2)));
    return linear(flatten(globalAveragePool(tanh(conv(h, v.w2!)))), v.head!);
  },
  'pooling and resizing': (v) => {
    const padded = pad(v.x!, [0, 0, 1, 1, 0, 0, 2, 2], 'reflect');
    const h = averagePool(tanh(conv(padded, v.w1!, { bias: v.b1! })), { kernel: [2, 2] });
    const y = tanh(conv(upsample(h, [2, 2], { mode: 'linear' }), v.w2!, { pads: [1, 1, 1, 1] }));
    return linear(flatten(globalAveragePool(averagePool(y, { kernel: [3, 3], strides: [2, 2] }))), v.head!);
  },
};

/** Small weights, and biases that keep leaky ReLUs away from their kink. */
const weights = {
  w1: between(-0.5, 0.5)([4, 3, 4, 4]),
  b1: { ...normal([4]), draw: () => [12, -12, 11, -11] },
  w2: between(-0.3, 0.3)([5, 4, 3, 3]),
  head: normal([1, 5]),
};

describe('the gradient of a gradient penalty agrees with central differences, for the picture and every weight', () => {
  test.each(
    Object.entries(critics).map(
      ([name, f]): GradientCase => ({
        name,
        // A shift before an instance norm has no gradient to speak of.
        inputs: {
          x: normal([2, 3, 8, 8]),
          ...weights,
          ...(name === 'instance norm' && { b1: frozen(weights.b1) }),
        },
        build: penalty(f),
        tolerance: 1e-2,
      }),
    ),
  )('$name', checkGradients);
});
