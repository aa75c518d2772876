import { describe, expect, it } from 'vitest';
import { linearSvm, sidesOf } from '../../src/metrics/algebra/linear-svm.ts';
import { features } from '../../src/metrics/features.ts';
import {
  conditionalEntropy,
  jointDistribution,
  linearSeparability,
  separabilityScore,
} from '../../src/metrics/linear-separability.ts';
import { goldens, mat, normal } from './metric-data.ts';

const { svc } = goldens;

describe('the linear support vector machine', () => {
  it('equals scikit-learn on formula-built points, down to the entropy', async () => {
    const points = mat(60, 3, 7, (x) => x - 0.5);
    const plane = await linearSvm(points, svc.labels);
    expect(plane.objective).toBeCloseTo(svc.objective, 11);
    expect([...plane.weights, plane.intercept]).toBeAllclose([...svc.coef, svc.intercept], {
      atol: 1e-7,
      rtol: 0,
    });
    const joint = jointDistribution(await sidesOf(points, plane), Uint8Array.from(svc.labels));
    expect(joint.flat()).toBeAllclose(svc.joint.flat(), { atol: 1e-14 });
    const bits = conditionalEntropy(joint);
    expect(bits).toBeCloseTo(svc.cond_entropy_bits, 12);
    expect(separabilityScore([bits, bits])).toBeCloseTo(svc.score_two_attrs_pow, 12);
  });

  it('is at the bottom: the gradient of its objective vanishes, over several blocks of points', async () => {
    const points = normal(1, 2500, 4);
    const data = await points.rows(0, 2500);
    const labels = Uint8Array.from({ length: 2500 }, (_, i) =>
      data[4 * i]! + 0.5 * data[4 * i + 1]! > 0.2 ? 1 : 0,
    );
    labels[7]! ^= 1;
    const { weights, intercept, objective } = await linearSvm(points, labels);
    const at = (step: Float64Array) => {
      let sum = 0;
      for (let j = 0; j < 5; j++) sum += ((j < 4 ? weights[j]! : intercept) + step[j]!) ** 2 / 2;
      for (let i = 0; i < 2500; i++) {
        let value = intercept + step[4]!;
        for (let j = 0; j < 4; j++) value += (weights[j]! + step[j]!) * data[4 * i + j]!;
        sum += Math.max(0, 1 - (labels[i] === 1 ? value : -value)) ** 2;
      }
      return sum;
    };
    expect(at(new Float64Array(5))).toBeCloseTo(objective, 8);
    for (let j = 0; j < 5; j++) {
      for (const size of [1e-3, -1e-3]) {
        const step = new Float64Array(5);
        step[j] = size;
        expect(at(step)).toBeGreaterThan(objective);
      }
    }
  });

  it('needs two classes', async () => {
    await expect(linearSvm(normal(1, 4, 2), [1, 1, 1, 1])).rejects.toMatchObject({
      code: 'TOO_FEW_PICTURES',
    });
  });
});

describe('linear separability', () => {
  const latents = normal(3, 400, 3);

  it('is 1 for attributes planes tell apart, and 2 for one that latents know nothing of', async () => {
    const data = await latents.rows(0, 400);
    const known = Float64Array.from({ length: 800 }, (_, k) => data[3 * (k >> 1) + (k % 2)]! * 5);
    expect((await linearSeparability(latents, features(known, 2))).value).toBeCloseTo(1, 10);
    const unknown = Float64Array.from({ length: 400 }, (_, i) => ((i * 7919) % 13 < 6.5 ? 1 : -1));
    const { value, kept, attributes } = await linearSeparability(latents, features(unknown, 1));
    expect(value).toBeGreaterThan(1.9);
    expect([kept, attributes]).toEqual([200, 1]);
  });

  it('keeps the pictures the classifier is surest of', async () => {
    const data = await latents.rows(0, 400);
    // Sure and separable for 200 pictures, unsure and wrong for the others.
    const logits = Float64Array.from({ length: 400 }, (_, i) =>
      i % 2 ? data[3 * i]! * 100 + Math.sign(data[3 * i]!) * 50 : -data[3 * i]!,
    );
    const { entropies } = await linearSeparability(latents, features(logits, 1));
    expect(entropies[0]).toBeLessThan(0.1);
    const all = await linearSeparability(latents, features(logits, 1), { keep: 400 });
    expect(all.entropies[0]).toBeGreaterThan(0.5);
  });

  it('counts an attribute everyone has as known', async () => {
    const logits = features(new Float64Array(400).fill(3), 1);
    expect((await linearSeparability(latents, logits)).value).toBe(1);
  });

  it('has 1 bit for predictions that say nothing of a balanced attribute', () => {
    expect(
      conditionalEntropy([
        [0.25, 0.25],
        [0.25, 0.25],
      ]),
    ).toBe(1);
    expect(separabilityScore([1, 1, 0])).toBe(4);
  });

  it('needs one row of attributes for each latent', async () => {
    await expect(linearSeparability(latents, normal(1, 399, 2))).rejects.toMatchObject({
      code: 'FEATURES_MISMATCH',
    });
  });
});
