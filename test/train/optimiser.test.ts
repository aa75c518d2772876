import { describe, expect, it } from 'vitest';
import { runGraph } from '../../src/backend/onnxruntime.ts';
import { float32, Graph } from '../../src/graph/graph.ts';
import { adam, adamFeeds, emaRate, learningRate } from '../../src/train/optimiser.ts';

describe('learning rate', () => {
  it('linear stays for a part of the steps, then falls to zero in a line', () => {
    const at = (step: number) => learningRate(2e-4, 'linear', 0.5, step, 100);
    expect([0, 49, 50, 75, 99].map(at)).toEqual(
      [2e-4, 2e-4, 2e-4, 1e-4, 2e-4 / 50].map((x) => expect.closeTo(x, 12)),
    );
  });

  it('cosine starts at the rate, passes half of it half-way, and ends near zero', () => {
    const at = (step: number) => learningRate(1, 'cosine', 0, step, 100);
    expect(at(0)).toBe(1);
    expect(at(50)).toBeCloseTo(0.5, 12);
    expect(at(99)).toBeLessThan(0.001);
  });

  it('linear without a constant part falls from the first step', () => {
    expect(learningRate(1, 'linear', 0, 1, 4)).toBe(0.75);
  });
});

describe('moving average', () => {
  it('forgets the random start quickly and then keeps to its decay', () => {
    expect(emaRate(0.999, 1)).toBeCloseTo(1 - 2 / 11, 12);
    expect(emaRate(0.999, 100_000)).toBeCloseTo(0.001, 12);
  });
});

describe('Adam', () => {
  it('moves by the learning rate on the first step whatever the size of the gradient', async () => {
    const graph = new Graph();
    const input = (name: string, shape: number[]) => graph.input(name, 'float32', shape);
    const [w, g, m, v] = ['w', 'g', 'm', 'v'].map((name) => input(name, [3]));
    const inputs = { stepSize: input('g/stepSize', []), epsilon: input('g/epsilon', []) };
    const options = { beta1: 0.9, beta2: 0.999 };
    graph.output(adam(w!, g!, m!, v!, inputs, options).weight, 'next');
    const zeros = float32([3], [0, 0, 0]);
    const { next } = await runGraph(graph, {
      w: zeros,
      m: zeros,
      v: zeros,
      g: float32([3], [1e-3, -4, 250]),
      ...adamFeeds('g', 1, 0.01, options),
    });
    expect(next!.data as Float32Array).toBeAllclose([-0.01, 0.01, -0.01], { atol: 1e-6 });
  });
});
