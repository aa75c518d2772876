import { expect, test } from 'vitest';
import { runGraph } from '../../src/backend/onnxruntime.ts';
import { float32, Graph } from '../../src/graph/graph.ts';
import {
  augmentFeeds,
  augmentInputs,
  diffAugment,
  drawAugment,
  type Policy,
} from '../../src/train/diffaugment.ts';
import { augmentPixels } from '../../src/train/diffaugment-pixels.ts';
import { rng } from '../../src/util/rng.ts';

test.each([[['color']], [['translation']], [['cutout']], [['color', 'translation', 'cutout']]] as [
  Policy[],
][])('%s is what the training step computes', async (policy) => {
  const [batch, size] = [3, 8];
  const shape = [batch, 3, size, size];
  const pictures = rng(2, 'pictures').fillUniform(new Float32Array(batch * 3 * size * size), -1, 1);
  const draw = drawAugment(rng(4, 'draw'), batch, size);
  const graph = new Graph();
  const x = graph.input('x', 'float32', shape);
  graph.output(diffAugment(x, x, augmentInputs(graph, 'a', policy, batch, size)).image, 'y');
  const { y } = await runGraph(graph, {
    x: float32(shape, pictures),
    ...augmentFeeds('a', draw, policy, size),
  });
  const made = augmentPixels(pictures, 3, size, draw, policy);
  expect(made).toBeAllclose(y!.data as Float32Array, { atol: 1e-5 });
  expect(made).not.toEqual(pictures);
});
