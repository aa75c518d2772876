import { describe, expect, it } from 'vitest';
import { type DistanceKind, distanceMeter, picturesOf } from '../../src/metrics/distance-meter.ts';
import type { Levels } from '../../src/metrics/levels.ts';
import { drawnSet, temporary, writeTinyDistance, writeTinyNetwork } from './tiny-network.ts';

const reference = drawnSet(0, 60);
/** The reference's pictures, all of them brighter. */
const brighter = (shift: number) => picturesOf(drawnSet(0, 60, 16, shift));

async function meterOf(kind: DistanceKind, options: { threads?: number; batch?: number } = {}) {
  const folder = temporary();
  const features = kind === 'lpips' ? writeTinyDistance(folder) : writeTinyNetwork(folder);
  return distanceMeter({ kind, features, reference, threads: 1, ...options });
}

describe.each(['frechet', 'kid', 'lpips', 'teacher-l1'] as const)('a meter of %s', (kind) => {
  it('gives a distance that grows with the difference, and the same one again', async () => {
    const meter = await meterOf(kind);
    const [near, far] = [await meter.measure(brighter(8)), await meter.measure(brighter(60))];
    expect(near).toBeLessThan(far);
    expect(await meter.measure(brighter(8))).toBe(near);
    await meter.dispose();
  });

  it('gives the same for other batches and more threads', async () => {
    const values: number[] = [];
    for (const options of [{ batch: 1 }, { batch: 7 }, { batch: 64, threads: 2 }]) {
      const meter = await meterOf(kind, options);
      values.push(await meter.measure(brighter(20)));
      await meter.dispose();
    }
    const first = values.map(() => values[0]!);
    expect(values).toBeAllclose(first, { rtol: 1e-6, atol: 1e-12 });
  });
});

describe('labels and limits', () => {
  it('name the network', async () => {
    const labels = [];
    for (const kind of ['frechet', 'kid', 'lpips', 'teacher-l1'] as const) {
      const meter = await meterOf(kind);
      labels.push([meter.label, meter.network?.length]);
      await meter.dispose();
    }
    expect(labels).toEqual([
      ['FD-tiny-12', 64],
      ['KD-tiny-12', 64],
      ['PD-difference', 64],
      ['L1 to teacher', undefined],
    ]);
  });

  it('L1 is in levels, and 0 for the same pictures', async () => {
    const meter = await meterOf('teacher-l1');
    expect(await meter.measure(picturesOf(reference))).toBe(0);
    const flat = (level: number): Levels => ({
      data: new Uint8Array(48).fill(level),
      channels: 3,
      height: 4,
      width: 4,
    });
    const two = await distanceMeter({
      kind: 'teacher-l1',
      reference: { count: 2, picture: (i) => flat(10 * i) },
    });
    expect(await two.measure([flat(3), flat(20)])).toBe(6.5);
  });

  it.each(['lpips', 'teacher-l1'] as const)('%s refuses another number or size of pictures', async (kind) => {
    const meter = await meterOf(kind);
    const refused = { code: 'FEATURES_MISMATCH' };
    await expect(meter.measure(picturesOf(drawnSet(0, 59)))).rejects.toMatchObject({
      ...refused,
      message: 'a candidate must have 60 pictures, got 59',
    });
    await expect(meter.measure(picturesOf(drawnSet(0, 61)))).rejects.toMatchObject({
      ...refused,
      message: 'a candidate must have 60 pictures, got 61 or more',
    });
    await expect(meter.measure(picturesOf(drawnSet(0, 60, 17)))).rejects.toMatchObject(refused);
  });

  it('a reference must have pictures enough', async () => {
    await expect(distanceMeter({ kind: 'frechet', reference: drawnSet(0, 1) })).rejects.toMatchObject({
      code: 'TOO_FEW_PICTURES',
    });
  });
});
