import { float32, Graph } from '../../src/graph/graph.ts';
import { relu, tanh } from '../../src/ops/activation.ts';
import { conv } from '../../src/ops/conv.ts';
import { add } from '../../src/ops/elementwise.ts';
import { reshape } from '../../src/ops/layout.ts';
import { linear } from '../../src/ops/matmul.ts';

/** Two convolutions from the input `map` to a picture, with the latent vector `code`, of 2 numbers, added between them. */
export function latentGenerator(channels: number): Graph {
  const graph = new Graph('foreign');
  const map = graph.input('map', 'float32', ['batch', channels, 'h', 'w']);
  const code = graph.input('code', 'float32', ['batch', 2]);
  const weight = (name: string, shape: readonly number[]) => {
    const count = shape.reduce((a, b) => a * b, 1);
    return graph.constant(
      float32(
        shape,
        Array.from({ length: count }, (_, i) => 0.4 * Math.sin(i + 1)),
      ),
      name,
    );
  };
  const pads = [1, 1, 1, 1];
  const drawn = conv(map, weight('w1', [8, channels, 3, 3]), { pads });
  const shift = reshape(linear(code, weight('w2', [8, 2])), ['batch', 8, 1, 1]);
  const inner = graph.named(relu(add(drawn, shift)), 'inner');
  graph.output(tanh(conv(inner, weight('w3', [3, 8, 3, 3]), { pads })), 'picture');
  return graph;
}
