import { describe, expect, it } from 'vitest';
import { lerp, slerpAny, slerpUnit } from '../../src/metrics/interpolation.ts';
import { boxDownscale, faceCrop } from '../../src/metrics/path-pictures.ts';
import { type PathLengthSubject, pathLength, pathLengthFloor } from '../../src/metrics/ppl.ts';
import { trimmedMean } from '../../src/metrics/trimmed.ts';
import { randomState } from '../../src/util/mt19937.ts';
import { goldens } from './metric-data.ts';

const { a, b, t, ...slerps } = goldens.slerp;

describe('ways between latents', () => {
  it.each([
    ['lerp', lerp, slerps.lerp],
    ['slerpUnit', slerpUnit, slerps.stylegan_unit],
    ['slerpAny', slerpAny, slerps.slerp_any],
  ] as const)('%s equals numpy', (_name, way, expected) => {
    expect(way(Float64Array.from(a), Float64Array.from(b), t)).toBeAllclose(expected, {
      atol: 1e-15,
      rtol: 1e-14,
    });
  });

  it('fall back to the straight line where there is no arc', () => {
    const [x, zero] = [Float64Array.of(1, 2), Float64Array.of(0, 0)];
    expect([...slerpAny(x, zero, 0.5)]).toEqual([0.5, 1]);
    expect([...slerpAny(x, Float64Array.of(3, 6), 0.5)]).toEqual([2, 4]);
    expect(slerpUnit(x, x, 0.5)).toBeAllclose([1 / Math.sqrt(5), 2 / Math.sqrt(5)], { atol: 1e-15 });
  });
});

describe('the trimmed mean', () => {
  const values = Array.from({ length: 250 }, (_, i) => ((37 * i * i + 11 * i) % 1013) / 7);

  it('equals numpy with the upper percentile above and below', () => {
    const { lo, hi_higher, kept, mean, std0, hi_lower, kept_tm, mean_tm, std1_tm } = goldens.trim;
    const higher = trimmedMean(values);
    expect([higher.low, higher.high, higher.kept]).toEqual([lo, hi_higher, kept]);
    expect([higher.mean, higher.sd]).toBeAllclose([mean, std0], { atol: 0, rtol: 1e-13 });
    const lower = trimmedMean(values, { upperMethod: 'lower', ddof: 1 });
    expect([lower.high, lower.kept]).toEqual([hi_lower, kept_tm]);
    expect([lower.mean, lower.sd]).toBeAllclose([mean_tm, std1_tm], { atol: 0, rtol: 1e-13 });
  });

  it('of one value is that value', () => {
    expect(trimmedMean([3], { ddof: 1 })).toEqual({ mean: 3, sd: null, low: 3, high: 3, kept: 1, count: 1 });
  });
});

/** A linear generator from 3 numbers to 2, compared by the squared distance. */
const linear: PathLengthSubject<Float64Array> = {
  latentSize: 3,
  generate: async ({ latents, count }) => {
    const pictures = new Float64Array(2 * count);
    for (let i = 0; i < count; i++) {
      const [x, y, z] = latents.subarray(3 * i, 3 * i + 3) as unknown as [number, number, number];
      pictures[2 * i] = 2 * x - y;
      pictures[2 * i + 1] = 3 * z + y;
    }
    return pictures;
  },
  distance: async (p, q) =>
    Array.from(
      { length: p.length / 2 },
      (_, i) => (p[2 * i]! - q[2 * i]!) ** 2 + (p[2 * i + 1]! - q[2 * i + 1]!) ** 2,
    ),
};

describe('the perceptual path length', () => {
  it('of a linear generator is |A(z1 − z0)|² at any epsilon, with latents drawn like torch-fidelity does', async () => {
    const random = randomState(2020);
    const [first, second] = [0, 1].map(() => Float64Array.from({ length: 21 }, random.randn)) as [
      Float64Array,
      Float64Array,
    ];
    const expected = await linear.distance(
      await linear.generate({ latents: first, labels: new Uint32Array(), count: 7 }, 0),
      await linear.generate({ latents: second, labels: new Uint32Array(), count: 7 }, 0),
    );
    for (const [epsilon, batch] of [
      [1e-4, 3],
      [0.01, 7],
      [0.5, 1],
    ] as const) {
      const found = await pathLength(linear, { count: 7, epsilon, batch, interpolation: 'lerp' });
      expect(found.values).toBeAllclose(expected, { atol: 0, rtol: 1e-7 });
    }
  });

  it('is the same bits in any batches, with labels and random times', async () => {
    const subject = {
      ...linear,
      classes: 4,
      generate: async (batch: Parameters<typeof linear.generate>[0]) => {
        const pictures = await linear.generate(batch, 0);
        for (const [i, label] of batch.labels.entries()) pictures[2 * i]! *= label + 1;
        return pictures;
      },
    };
    const of = (batch: number) => pathLength(subject, { count: 30, batch, sampling: 'full' });
    const found = await of(4);
    expect(await of(30)).toEqual(found);
    expect(found).toMatchObject({ space: 'z', sampling: 'full', interpolation: 'slerpUnit', count: 30 });
    expect(found.interval!.low).toBeLessThan(found.mean);
    expect(found.interval!.high).toBeGreaterThan(found.mean);
  });

  it('runs along straight lines in w when there is a map', async () => {
    const map: PathLengthSubject<Float64Array>['map'] = async ({ latents }) => latents.map((x) => 2 * x);
    const plain = await pathLength(linear, { count: 5, interpolation: 'lerp' });
    const mapped = await pathLength({ ...linear, map }, { count: 5 });
    expect(mapped).toMatchObject({ space: 'w', interpolation: 'lerp', interval: null });
    expect(mapped.values).toBeAllclose(
      plain.values.map((x) => 4 * x),
      { atol: 0, rtol: 1e-6 },
    );
  });

  it('is flat in epsilon between 1e-4 and 1e-3 on a float32 generator, and explodes with 8-bit pictures', async () => {
    const shape = (round: (x: number) => number): PathLengthSubject<Float64Array> => ({
      ...linear,
      generate: async (batch) => (await linear.generate(batch, 0)).map((x) => round(Math.tanh(x / 8))),
    });
    const [fine, float] = [shape(Math.fround), { count: 200, interpolation: 'slerpAny' as const }];
    const small = await pathLength(fine, { ...float, epsilon: 1e-4 });
    const large = await pathLength(fine, { ...float, epsilon: 1e-3 });
    expect(Math.abs(small.mean / large.mean - 1)).toBeLessThan(0.01);
    const coarse = shape((x) => Math.round(x * 127.5) / 127.5);
    expect((await pathLength(coarse, { ...float, upper: 100 })).mean).toBeGreaterThan(3 * small.mean);
  });

  it('has a floor of 0 for a deterministic generator and more for a noisy one', async () => {
    expect(await pathLengthFloor(linear, { count: 5 })).toBe(0);
    const random = randomState(1);
    const noisy = {
      ...linear,
      generate: async (batch: Parameters<typeof linear.generate>[0]) =>
        (await linear.generate(batch, 0)).map((x) => x + 1e-4 * random.randn()),
    };
    expect(await pathLengthFloor(noisy, { count: 50 })).toBeGreaterThan(1);
  });

  it('refuses distances that are not finite', async () => {
    const subject = { ...linear, distance: async () => [0, Number.NaN] };
    await expect(pathLength(subject, { count: 2 })).rejects.toThrow('pair 1 has NaN');
  });
});

describe('pictures for path lengths', () => {
  const pictures = {
    data: Float32Array.from({ length: 256 }, (_, i) => i),
    channels: 1,
    height: 16,
    width: 16,
  };

  it('are cropped to the middle of the face', () => {
    const found = faceCrop(pictures);
    expect([found.height, found.width, found.data[0], found.data.at(-1)]).toEqual([
      8,
      8,
      6 * 16 + 4,
      13 * 16 + 11,
    ]);
  });

  it('are brought down by averaging boxes, by the size at hand or the one before', () => {
    const found = boxDownscale(pictures, 4);
    expect([found.height, found.width]).toEqual([4, 4]);
    expect(found.data[0]).toBe((0 + 3 + 48 + 51) / 4);
    expect(boxDownscale(pictures, 16)).toBe(pictures);
    expect(boxDownscale(faceCrop(pictures), 8, 16).height).toBe(4);
  });
});
