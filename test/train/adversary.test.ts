import { describe, expect, test } from 'vitest';
import { checkGraph } from '../../src/graph/check.ts';
import { float32, Graph, type Tensor, type Value } from '../../src/graph/graph.ts';
import { patchDiscriminator, pixelDiscriminator } from '../../src/models/discriminator.ts';
import { withFeatures } from '../../src/models/discriminator-features.ts';
import { initialise } from '../../src/models/init.ts';
import { convolution, parameter } from '../../src/models/layers.ts';
import { multiscaleDiscriminator } from '../../src/models/multiscale-discriminator.ts';
import { projectionDiscriminator } from '../../src/models/projection-discriminator.ts';
import { tanh } from '../../src/ops/activation.ts';
import { checkTypes } from '../../src/ops/check-types.ts';
import { conv } from '../../src/ops/conv.ts';
import { adversarialTerms } from '../../src/train/adversary.ts';
import { augmentFeeds, drawAugment } from '../../src/train/diffaugment.ts';
import { type GanMode, matchingLoss } from '../../src/train/losses.ts';
import { declareTrained } from '../../src/train/trained-network.ts';
import { rng } from '../../src/util/rng.ts';
import { between, checkGradients, frozen, nonzero, runOnce } from '../ops/finite-differences.ts';

const [batch, size] = [2, 16];
const policy = ['color', 'translation', 'cutout'] as const;

interface Terms {
  ganMode?: GanMode;
  diffaugment?: typeof policy | readonly [];
  lambdaFeature?: number;
  condition?: readonly number[];
}

/** All losses of a discriminator with random weights on random images; `same` shows it the real ones as the made ones. */
async function lossesOf(discriminator: Graph, { condition, ...options }: Terms, { same = false } = {}) {
  const graph = new Graph('losses');
  const given = condition && graph.input('condition', 'float32', condition);
  const image = graph.input('image', 'float32', [batch, 3, size, size]);
  const fake = same ? image : graph.input('fake', 'float32', [batch, 3, size, size]);
  const d = declareTrained(graph, 'd', initialise(discriminator, { seed: 1, gain: 0.3 }));
  const all = { ganMode: 'hinge' as const, diffaugment: [], batch, size, ...options };
  const terms = adversarialTerms(graph, all, d, given, image, [fake]);
  const { generator, feature, discriminator: total, parts } = terms;
  for (const [name, value] of Object.entries({ generator, feature, total, ...parts }))
    if (value) graph.output(value, name);
  checkGraph(graph);
  checkTypes(graph);
  const feeds: Record<string, Tensor> = {};
  for (const { name, shape } of graph.inputs) {
    const own = /^d\/(.*)$/.exec(name)?.[1];
    const count = (shape as number[]).reduce((a, b) => a * b, 1);
    feeds[name] = own
      ? discriminator.constants.get(own)!.tensor!
      : float32(shape as number[], rng(1, name).fillNormal(new Float32Array(count), 0.5));
  }
  for (const side of ['augmentD', 'augmentG'])
    if (options.diffaugment?.length)
      Object.assign(feeds, augmentFeeds(side, drawAugment(rng(1, side), batch, size), policy, size));
  const results = await runOnce(graph, feeds);
  return Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, data[0] as number]));
}

/** Scales that are all the same network. */
function alike(scales: number): Graph {
  const graph = new Graph('scales');
  const x = graph.input('pair', 'float32', ['batch', 3, size, size]);
  const [inner, outer] = [parameter(graph, 'inner', [4, 3, 3, 3]), parameter(graph, 'outer', [1, 4, 3, 3])];
  const features = Array.from({ length: scales }, () => tanh(conv(x, inner, { strides: [2, 2] })));
  for (const [s, feature] of features.entries()) graph.output(feature, `feature/${s + 1}/1`);
  for (const [s, feature] of features.entries()) graph.output(conv(feature, outer), `score/${s + 1}`);
  return graph;
}

describe('several scales', () => {
  test.each(['hinge', 'wgangp', 'lsgan', 'vanilla'] as const)('of %s', async (ganMode) => {
    const one = await lossesOf(alike(1), { ganMode, lambdaFeature: 1 });
    const two = await lossesOf(alike(2), { ganMode, lambdaFeature: 1 });
    const factor = ganMode === 'hinge' || ganMode === 'wgangp' ? 1 : 2;
    for (const name of ['generator', 'dReal', 'dFake']) expect(two[name]).toBeCloseTo(factor * one[name]!, 5);
    expect(two.total).toBeCloseTo(factor * one.total!, 4);
    expect(two.feature).toBeCloseTo(one.feature!, 5);
    expect(one.feature).toBeGreaterThan(0.01);
  });
});

describe('what a discriminator is shown', () => {
  const patch = (inputChannels: number) =>
    withFeatures(patchDiscriminator({ baseWidth: 4, layers: 2, inputChannels, size }));
  const picture = [batch, 5, size, size];

  test('conditions only where its channels ask for them', async () => {
    const alone = await lossesOf(patch(3), {});
    const ignored = await lossesOf(patch(3), { condition: picture });
    const seen = await lossesOf(patch(8), { condition: picture });
    expect(ignored).toEqual(alone);
    expect(seen.dReal).not.toBeCloseTo(alone.dReal!, 3);
  });

  test('classes by an input of their own, image augmented and classes not', async () => {
    const make = (classes: number) => projectionDiscriminator({ baseWidth: 2, size, classes });
    const plain = await lossesOf(make(0), { diffaugment: policy, condition: [batch, 7] });
    const classes = await lossesOf(make(7), { diffaugment: policy, condition: [batch, 7], lambdaFeature: 1 });
    expect(classes.dReal).not.toBeCloseTo(plain.dReal!, 3);
    expect(classes.feature).toBeGreaterThan(0);
    await expect(lossesOf(make(7), { condition: picture })).rejects.toMatchObject({
      code: 'DISCRIMINATOR_UNFIT',
      message:
        'the discriminator must take images and the conditions there are, it wants class, there are conditions [2, 5, 16, 16]',
    });
    await expect(lossesOf(make(7), {})).rejects.toMatchObject({ code: 'DISCRIMINATOR_UNFIT' });
    await expect(lossesOf(make(7), { condition: [batch, 6] })).rejects.toMatchObject({
      code: 'DISCRIMINATOR_UNFIT',
    });
  });

  test('features of real and made images are augmented alike, so that equal images match', async () => {
    const made = multiscaleDiscriminator({ baseWidth: 4, layers: 2, inputChannels: 8, size });
    const terms = { diffaugment: policy, lambdaFeature: 1, condition: picture };
    expect((await lossesOf(made, terms, { same: true })).feature).toBe(0);
    expect((await lossesOf(made, terms)).feature).toBeGreaterThan(0.01);
  });
});

describe('the activations of a discriminator as outputs', () => {
  const names = (graph: Graph) => graph.outputs.map(({ name }) => name);

  test('are those of its layers but the last', async () => {
    const patch = patchDiscriminator({ baseWidth: 4, layers: 2, inputChannels: 3, size });
    expect(names(patch)).toEqual(['score']);
    const offered = ['score', 'feature/1/1', 'feature/1/2', 'feature/1/3'];
    expect(names(withFeatures(patch))).toEqual(offered);
    expect(names(withFeatures(patch))).toEqual(offered);
    expect(names(withFeatures(pixelDiscriminator({ baseWidth: 4 })))).toEqual(offered.slice(0, 3));
    const multiscale = multiscaleDiscriminator({ baseWidth: 4, layers: 2, size: 32 });
    expect(names(withFeatures(multiscale))).toHaveLength(8);
  });

  test('must be there for feature matching', async () => {
    const graph = new Graph('foreign');
    const x = graph.input('x', 'float32', ['batch', 3, size, size]);
    graph.output(convolution(x, 'only', 1, { kernel: 4 }), 'verdict');
    expect(await lossesOf(graph, {})).not.toHaveProperty('feature');
    await expect(lossesOf(graph, { lambdaFeature: 1 })).rejects.toMatchObject({
      code: 'DISCRIMINATOR_UNFIT',
      message: 'the discriminator must give feature/… outputs for feature matching, it gives verdict',
    });
    expect(() => withFeatures(graph)).toThrow(expect.objectContaining({ code: 'DISCRIMINATOR_UNFIT' }));
  });
});

test('the gradient of feature matching agrees with central differences', async () => {
  await checkGradients({
    name: 'feature matching',
    inputs: {
      // Never so close that a small step crosses the kink.
      a: nonzero([2, 3, 4, 4]),
      b: nonzero([2, 2, 2, 2]),
      a0: frozen(between(-0.1, 0.1)([2, 3, 4, 4])),
      b0: frozen(between(-0.1, 0.1)([2, 2, 2, 2])),
    },
    build: ({ a, b, a0, b0 }) => {
      const layers = (x: Value, y: Value) => new Map(Object.entries({ 'feature/1/1': x, 'feature/2/1': y }));
      return matchingLoss(layers(a!, b!), layers(a0!, b0!));
    },
  });
});
