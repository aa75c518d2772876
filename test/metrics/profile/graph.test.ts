import { describe, expect, test } from 'vitest';
import { onnxruntime } from '../../../src/backend/onnxruntime.ts';
import { profileGraph } from '../../../src/metrics/profile/graph.ts';
import { measureLatency, quantile } from '../../../src/metrics/profile/latency.ts';
import { printProfile } from '../../../src/metrics/profile/print.ts';
import { resnetGenerator } from '../../../src/models/resnet.ts';
import { countMacs, countParameters, inputSymbols } from '../../../src/ops/cost.ts';

const small = () => resnetGenerator({ baseWidth: 4, blocks: 2, separable: true });

test('a profile holds the totals of its layers and a measured latency', async () => {
  const profile = await profileGraph(small(), { size: 32, runs: 5, threads: 1 });
  const fixed = resnetGenerator({ baseWidth: 4, blocks: 2, separable: true, size: 32 });
  expect(profile).toMatchObject({
    inputs: [{ name: 'condition', shape: [1, 3, 32, 32] }],
    outputs: [{ name: 'image', shape: [1, 3, 32, 32] }],
    params: countParameters(fixed),
    macs: countMacs(fixed),
    engine: { engine: 'onnxruntime-node', provider: 'cpu', threads: 1 },
  });
  const { median, p5, p95, runs, warmUp } = profile.latency!;
  expect(p5).toBeGreaterThan(0);
  expect(median).toBeGreaterThanOrEqual(p5);
  expect(p95).toBeGreaterThanOrEqual(median);
  expect(runs).toBeGreaterThanOrEqual(5);
  expect(warmUp).toBeGreaterThanOrEqual(10);
});

test('the batch multiplies the multiply-adds and nothing else is assumed about open sides', async () => {
  const one = await profileGraph(small(), { runs: 0 });
  const four = await profileGraph(small(), { batch: 4, runs: 0 });
  expect(one.inputs[0]!.shape).toEqual([1, 3, 256, 256]);
  expect(four.macs.true).toBe(4 * one.macs.true);
  expect(four.peakActivationBytes).toBe(4 * one.peakActivationBytes);
  expect(four.params).toBe(one.params);
});

describe('the printed profile', () => {
  test('fits 80 columns, and shows totals and the costliest layers in the order in which they run', async () => {
    const profile = await profileGraph(resnetGenerator({ baseWidth: 64, separable: true, size: 256 }), {
      runs: 0,
    });
    const text = printProfile({ ...profile, name: 'x'.repeat(200), fileBytes: 7_980_000 });
    const lines = text.split('\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(text).toMatch(/^params +1\.99M$/m);
    expect(text).toMatch(/^MACs +11\.1G {2}\(18\.4G as GAN Compression counts\)$/m);
    expect(text).toMatch(/^file +7\.61 MiB$/m);
    const order = ['stem', 'down1', 'up2', 'head'].map((name) =>
      lines.findIndex((line) => line.startsWith(`${name} `)),
    );
    expect(order.every((at) => at > 0)).toBe(true);
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(text).not.toContain('latency');
  });

  test('states latency with its spread, runs and engine', async () => {
    const profile = await profileGraph(small(), { size: 16, runs: 0 });
    const text = printProfile({
      ...profile,
      latency: { median: 12.345, p5: 12, p95: 1500.2, runs: 30, warmUp: 10 },
      engine: { engine: 'onnxruntime-node', version: '1.2.3', provider: 'cpu', threads: 2, cpu: 'A CPU' },
    });
    expect(text).toContain('12.3 ms median, 12.0 ms to 1500 ms (5 % to 95 %), 30 runs after 10');
    expect(text).toContain('onnxruntime-node 1.2.3, cpu, 2 threads');
  });
});

test('quantiles interpolate between neighbours, as numpy does', () => {
  expect(quantile([1, 2, 4, 8], 0.5)).toBe(3);
  expect(quantile([1, 2, 4, 8], 0.95)).toBeCloseTo(7.4);
  expect(quantile([5], 0.05)).toBe(5);
});

test('fewer than one timed run and sizes a network cannot take are refused', async () => {
  const graph = small();
  const symbols = inputSymbols(graph, { size: 16 });
  const refused = measureLatency(graph, onnxruntime({ threads: 1 }), { symbols, runs: 0 });
  await expect(refused).rejects.toMatchObject({ code: 'OPTION_INVALID' });
  await expect(profileGraph(graph, { size: -3, runs: 0 })).rejects.toMatchObject({ code: 'SIZE_UNKNOWN' });
});
