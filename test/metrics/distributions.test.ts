import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  distributionMeter,
  inceptionScoreOf,
  labelOf,
  scoreWarnings,
} from '../../src/metrics/distributions.ts';
import { cachedFeatures, keepFeatures } from '../../src/metrics/feature-cache.ts';
import { featureStore } from '../../src/metrics/feature-store.ts';
import { type Features, features, inMemory } from '../../src/metrics/features.ts';
import { frechetFromFeatures } from '../../src/metrics/frechet.ts';
import { inceptionScore } from '../../src/metrics/inception-score.ts';
import { kid } from '../../src/metrics/kid.ts';
import { manifoldScores } from '../../src/metrics/manifold.ts';
import { momentsOf } from '../../src/metrics/moments.ts';
import { type FeatureNetwork, featureNames } from '../../src/metrics/networks/network.ts';
import { noiseFloor, noiseFloorOfFeatures } from '../../src/metrics/noise-floor.ts';
import { built } from '../cli/ganlet.ts';
import { normal } from './metric-data.ts';
import { temporary } from './tiny-network.ts';

const network = (dimension: number): FeatureNetwork => ({
  ...featureNames('drawn', dimension),
  path: '',
  sha256: '0'.repeat(64),
  input: {
    name: 'x',
    size: 1,
    layout: 'NCHW',
    channels: 'RGB',
    resize: 'tf1',
    pixels: () => ({ mean: [], std: [] }),
  },
  output: { name: 'y', dimension },
});

/** Rows as a network gives them, in float32. */
async function rounded(from: Features): Promise<Features> {
  return features(Float32Array.from((await inMemory(from)).data), from.dimension);
}

describe('scores of a distribution', () => {
  it('are those of the metrics by themselves, on equal numbers where the metric asks for it', async () => {
    const [real, made] = [normal(1, 90, 5), normal(2, 60, 5, 1.2, 0.3)];
    const metrics = ['frechet', 'kid', 'pr', 'dc'] as const;
    const meter = distributionMeter(network(5), metrics, { features: real, moments: null });
    const scores = await meter.measure(made);
    const values = Object.fromEntries(scores.map(({ label, value }) => [label, value]));
    expect(values['FD-drawn-5']).toBeCloseTo((await frechetFromFeatures(real, made)).value, 12);
    expect(values['KD-drawn-5']).toBeCloseTo((await kid(real, made)).value, 12);
    expect(scores.map(({ countReal, countMade }) => [countReal, countMade])).toEqual(
      scores.map(() => [90, 60]),
    );
    expect(scores.find(({ label }) => label.startsWith('recall'))!.details).toMatchObject({
      compared: 60,
      seed: 2020,
    });
    const same = distributionMeter(network(5), ['pr'], { features: made, moments: null });
    const { precision } = await manifoldScores(made, normal(5, 60, 5));
    expect((await same.measure(normal(5, 60, 5)))[0]!.value).toBe(precision);
  });

  it('have no spread where a subset is all there is, and one where it is not', async () => {
    const kernel = (count: number) =>
      distributionMeter(network(3), ['kid'], { features: normal(1, 40, 3), moments: null }).measure(
        normal(2, count, 3),
      );
    expect((await kernel(40))[0]).toMatchObject({ sd: null, details: { subsets: 1, subsetSize: 40 } });
    const [fewer] = await kernel(30);
    expect(fewer!.sd).toBeGreaterThan(0);
    expect(fewer!.details).toMatchObject({ subsets: 100, subsetSize: 30 });
  });

  it('come from moments alone for a Fréchet distance, and are refused for the others', async () => {
    const moments = await momentsOf(normal(1, 50, 4));
    const side = { features: null, moments };
    const [score] = await distributionMeter(network(4), ['frechet'], side).measure(normal(2, 50, 4));
    expect(score).toMatchObject({ countReal: 50, realVsReal: null, floor: expect.any(Number) });
    expect(() => distributionMeter(network(4), ['frechet', 'pr'], side)).toThrow(
      'pr needs the real pictures',
    );
  });

  it('are called FID for the network of that name only', async () => {
    const fid = { ...network(2048), feature: 'inception-pool3-2048', frechet: 'FID', kernel: 'KID' };
    const metrics = ['frechet', 'frechet-inf', 'kid', 'is'] as const;
    expect(metrics.map((metric) => labelOf(fid, metric, ''))).toEqual(['FID', 'FID∞', 'KID', 'IS']);
    expect(metrics.map((metric) => labelOf(network(9), metric, ''))).toEqual([
      'FD-drawn-9',
      'FD-drawn-9∞',
      'KD-drawn-9',
      'IS-drawn-9',
    ]);
    expect(labelOf(fid, 'pr', 'recall')).toBe('recall inception-pool3-2048');
  });

  it('come with warnings of what their numbers of pictures mean', async () => {
    const meter = distributionMeter(network(64), ['frechet', 'kid'], {
      features: normal(1, 300, 64),
      moments: null,
    });
    const score = inceptionScoreOf(network(64), await inceptionScore(normal(3, 300, 6), { splits: 2 }));
    const warnings = scoreWarnings([...(await meter.measure(normal(2, 300, 64))), score, score]);
    expect(warnings.map((text) => text.split(': ')[0])).toEqual([
      'FD-drawn-64',
      'KD-drawn-64',
      'IS-drawn-64',
    ]);
    expect(warnings[0]).toContain('compare only equal counts, or use KID or the distance extrapolated');
  });
});

describe('the noise floor', () => {
  it.each([
    [30, 20, 80],
    [30, 80, 80],
    [200, 150, 10],
  ])('of %i and %i pictures in %i dimensions is the same from features and from moments', async (n, m, d) => {
    const [a, b] = [normal(1, n, d), normal(2, m, d, 2, 1)];
    const found = await noiseFloorOfFeatures(a, b);
    const expected = noiseFloor(await momentsOf(a), await momentsOf(b))!;
    expect([found.value]).toBeAllclose([expected.value], { rtol: 1e-9, atol: 0 });
    expect(found).toMatchObject({ reliable: Math.min(n, m) > d, countReal: n, countFake: m });
  });
});

describe('many features', () => {
  it('go through a file with the results they have in memory, and leave none behind', async () => {
    const rows = await rounded(normal(4, 500, 7));
    const other = normal(5, 400, 7);
    // A folder for temporary files that nobody else uses.
    const usual = process.env.TMPDIR;
    process.env.TMPDIR = temporary();
    onTestFinished(() => {
      if (usual === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = usual;
    });
    const left = () => readdirSync(tmpdir()).filter((name) => name.startsWith('ganlet-features-')).length;
    const before = left();
    const store = featureStore(7, 1000);
    for (let i = 0; i < 500; i += 33) {
      await store.add((await rows.rows(i, Math.min(500, i + 33))) as Float32Array);
    }
    const stored = await store.features();
    expect(left()).toBe(before + 1);
    expect(stored.count).toBe(500);
    expect((await frechetFromFeatures(stored, other)).value).toBe(
      (await frechetFromFeatures(rows, other)).value,
    );
    expect(await manifoldScores(stored, other)).toEqual(await manifoldScores(rows, other));
    expect((await kid(stored, other, { subsetSize: 50 })).value).toBe(
      (await kid(rows, other, { subsetSize: 50 })).value,
    );
    await store.dispose();
    expect(left()).toBe(before);
  });

  it('are kept for the same pictures, network, preprocessing and engine, and no others', async () => {
    const cache = temporary();
    const rows = await rounded(normal(4, 50, 7));
    const preprocessing = {
      feature: 'drawn-7',
      network: 'ab'.repeat(32),
      resize: 'tf1' as const,
      size: 8,
      quantise: 'round' as const,
      mean: [0, 0, 0],
      std: [255, 255, 255],
    };
    const source = { content: 'pictures', preprocessing, provider: 'cpu', dimension: 7 };
    expect(await cachedFeatures(source, cache)).toBeUndefined();
    await keepFeatures(source, rows, cache);
    const kept = await cachedFeatures(source, cache);
    expect((await inMemory(kept!)).data).toEqual((await inMemory(rows)).data);
    for (const other of [
      { ...source, content: 'others' },
      { ...source, provider: 'cuda' },
      { ...source, preprocessing: { ...preprocessing, resize: 'torch' as const } },
      { ...source, preprocessing: { ...preprocessing, network: `${'ab'.repeat(31)}cd` } },
      { ...source, preprocessing: { ...preprocessing, mean: [1, 0, 0] } },
    ]) {
      expect(await cachedFeatures(other, cache)).toBeUndefined();
    }
    expect(readdirSync(`${cache}/features`).length).toBe(2);
  });
});

it('a Fréchet distance of 2048 dimensions takes less than a gibibyte', () => {
  const program = `
    const { frechetFromMoments } = await import('${built('metrics/frechet.js')}');
    const d = 2048;
    const moments = (k) => {
      const covariance = new Float64Array(d * d);
      for (let i = 0; i < d; i++) for (let j = 0; j < d; j++) covariance[i * d + j] = (i === j ? 1 : 0.5) * Math.exp(-Math.abs(i - j) * k) / (1 + (i + j) / 100);
      return { count: 5000, dimension: d, mean: new Float64Array(d).fill(k), covariance, ddof: 1 };
    };
    const start = performance.now();
    const { value, method } = await frechetFromMoments(moments(1), moments(2));
    console.log(JSON.stringify({ value, method, seconds: (performance.now() - start) / 1000, peak: process.resourceUsage().maxRSS * 1024 }));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
  });
  const found = JSON.parse(stdout || `"${stderr}"`);
  expect(found).toMatchObject({ method: 'eigenvalues' });
  expect(found.value).toBeGreaterThan(2048);
  expect(found.peak).toBeLessThan(2 ** 30);
}, 600_000);
