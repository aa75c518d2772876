import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Program } from '../../src/backend/backend.ts';
import { onnxruntime } from '../../src/backend/onnxruntime.ts';
import { cutsOf, widthFeeds, widthNumbers } from '../../src/compress/elastic.ts';
import { channelGroups } from '../../src/compress/groups.ts';
import { narrow, takeAlong } from '../../src/compress/narrow.ts';
import {
  channelsAt,
  largest,
  smallest,
  type WidthSpace,
  type WidthVector,
  widthSpace,
} from '../../src/compress/width-space.ts';
import { checkGraph } from '../../src/graph/check.ts';
import type { Graph, Tensor } from '../../src/graph/graph.ts';
import { patchDiscriminator } from '../../src/models/discriminator.ts';
import { distillTaps } from '../../src/models/generator.ts';
import { resnetGenerator } from '../../src/models/resnet.ts';
import { unetGenerator } from '../../src/models/unet.ts';
import type { Elastic } from '../../src/train/elastic-students.ts';
import { stepFeeds } from '../../src/train/feeds.ts';
import { stepProgram } from '../../src/train/step.ts';
import { rng } from '../../src/util/rng.ts';
import { randomise } from '../compress/networks.ts';

const backend = onnxruntime({ threads: 1 });
const [batch, size] = [2, 16];
const range = (n: number) => Array.from({ length: n }, (_, i) => i);
const settings = {
  seed: 3,
  steps: 10,
  lr: 2e-4,
  beta1: 0.5,
  beta2: 0.999,
  schedule: 'constant',
  constantFraction: 0.5,
  ema: 0.9,
  diffaugment: [],
} as const;

function program(generator: Graph, taps: readonly string[], teacher: Graph, elastic?: Elastic): Program {
  const made = stepProgram({
    ...settings,
    generator,
    discriminator: randomise(patchDiscriminator({ baseWidth: 3, layers: 1, inputChannels: 6, size }), 9),
    batch,
    size,
    ganMode: 'hinge',
    recon: 'l1',
    lambdaGan: 1,
    lambdaRecon: 10,
    ema: true,
    distillation: {
      teacher,
      distill: 'adaptor',
      lambdaDistill: 1,
      taps: taps.map((tap) => ({ teacher: tap, student: tap })),
      reconTarget: 'truth',
      cached: false,
    },
    ...(elastic && { elastic }),
  });
  checkGraph(made.graph);
  return made;
}

function feedsOf({ graph }: Program, step = 0): Record<string, Tensor> {
  const picture = (name: string) =>
    rng(1, name, step).fillUniform(new Float32Array(batch * 3 * size * size), -1, 1);
  return stepFeeds(
    graph,
    { condition: picture('condition'), image: picture('image'), mirrored: [] },
    step,
    settings,
  );
}

const disposals: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const dispose of disposals) await dispose();
});

/** Compiles once; then gives all state after one step from a state. From the start, the first moment is the gradient. */
async function compiledSteps(made: Program) {
  const compiled = await backend.compile(made);
  disposals.push(() => compiled.dispose());
  const start = new Map(made.state.map((s) => [s.name, s.initial]));
  return async (feeds: Record<string, Tensor>, initial: ReadonlyMap<string, Tensor> = start) => {
    await compiled.writeState(initial);
    const losses = await compiled.run(feeds);
    return { losses, state: await compiled.readState() };
  };
}

interface Case {
  generator: Graph;
  teacher: Graph;
  taps: readonly string[];
  space: WidthSpace;
}

const resnet = (options: object) => resnetGenerator({ baseWidth: 4, blocks: 2, size, ...options });
const cases: Record<string, () => [student: Graph, teacher: Graph, taps?: string[]]> = {
  'a dense ResNet': () => [resnet({}), resnet({ baseWidth: 5 })],
  'a separable ResNet': () => [resnet({ separable: true, blocks: 1 }), resnet({ baseWidth: 5, blocks: 1 })],
  'a ResNet with batch norm': () => [
    resnet({ norm: 'batch', separable: true, blocks: 1 }),
    resnet({ baseWidth: 5, blocks: 1 }),
  ],
  'a U-Net': () => [
    unetGenerator({ baseWidth: 4, levels: 3, size }),
    unetGenerator({ baseWidth: 5, levels: 3, size }),
    ['down2', 'up1'],
  ],
};

function prepare(name: keyof typeof cases): Case {
  const [student, teacher, taps] = cases[name]!();
  const groups = channelGroups(student);
  const lists = Object.fromEntries(
    groups.list
      .filter((g) => g.narrowable)
      .map(({ name: group, width }) => [group, [width, width / 2, width / 4]]),
  );
  return {
    generator: randomise(student, 2),
    teacher: randomise(teacher, 4),
    taps: taps ?? distillTaps(student),
    space: widthSpace(groups, lists),
  };
}

/** Between the two: each entry at a width of its own. */
function mixed(space: WidthSpace): WidthVector {
  return space.map(({ choices }, i) => choices[i % choices.length]!);
}

/** What the widths leave of each tensor of a state, by name. */
function partsOf({ generator, space, taps }: Case, state: ReadonlyMap<string, Tensor>, vector: WidthVector) {
  const groups = channelGroups(generator);
  const widths = widthNumbers(space, vector);
  const values = new Map(generator.nodes.flatMap((n) => n.outputs.map((y) => [y.name, y] as const)));
  return new Map(
    [...state].map(([key, tensor]) => {
      const name = key.replace(/^[gda]\/((m|v|ema)\/)?/, '');
      const constant = generator.constants.get(name);
      const adaptor = /^adaptor(\d+)\.weight$/.exec(name)?.[1];
      let cuts = key.startsWith('g/') && constant ? cutsOf(groups, widths, constant) : [];
      if (adaptor)
        cuts = cutsOf(groups, widths, values.get(taps[Number(adaptor) - 1]!)!).filter((c) => c.axis === 1);
      const part = cuts.reduce((t, { axis, segments }) => {
        const positions = segments.flatMap(({ group, offset, width, factor }) =>
          range(((widths.get(group) ?? width) as number) * factor).map((i) => offset + i),
        );
        return takeAlong(t, axis, positions);
      }, tensor);
      return [key, part] as const;
    }),
  );
}

function staticAt({ generator, space, taps, teacher }: Case, vector: WidthVector): Program {
  const keep = new Map([...channelsAt(space, vector)].map(([group, width]) => [group, range(width)]));
  return program(narrow(generator, keep), taps, teacher);
}

const elastic = (space: WidthSpace, options: Partial<Elastic> = {}): Elastic => ({
  space,
  sandwich: false,
  drift: false,
  ...options,
});

const norm = (values: Float32Array) => Math.hypot(...values);

describe.each(Object.keys(cases))('one step of %s', (name) => {
  const c = prepare(name);
  const made = program(c.generator, c.taps, c.teacher, elastic(c.space));
  let step: Awaited<ReturnType<typeof compiledSteps>>;
  beforeAll(async () => {
    step = await compiledSteps(made);
  });

  test('has at any widths the gradients of the narrowed network, from one compiled program', async () => {
    const feeds = feedsOf(made);
    for (const vector of [largest(c.space), mixed(c.space), smallest(c.space)]) {
      const { state, losses } = await step({ ...feeds, ...widthFeeds(c.space, vector) });
      const alone = staticAt(c, vector);
      const initial = new Map(made.state.map((s) => [s.name, s.initial]));
      const own = new Set(alone.state.map((s) => s.name));
      const start = [...partsOf(c, initial, vector)].filter(([key]) => own.has(key));
      const stepAlone = await compiledSteps(alone);
      const expected = await stepAlone(feedsOf(alone), new Map(start));
      for (const [loss, { data }] of Object.entries(expected.losses))
        expect(losses[loss]!.data[0], `${loss} at ${vector}`).toBeCloseTo(Number(data[0]), 4);
      const parts = partsOf(c, state, vector);
      let [compared, error, total] = [0, 0, 0];
      for (const [key, { data }] of expected.state) {
        if (!/^[gda]\/m\//.test(key)) continue;
        const found = parts.get(key)!.data as Float32Array;
        const away = norm(found.map((x, i) => x - (data[i] as number)));
        const whole = norm(data as Float32Array);
        // Where rounding decides the side of a ReLU, a single number may be a little further off.
        expect(away, `${key} at ${vector}`).toBeLessThan(1e-3 * (whole + 1e-3));
        [compared, error, total] = [compared + 1, Math.hypot(error, away), Math.hypot(total, whole)];
      }
      expect(error / total, `${vector}`).toBeLessThan(1e-4);
      expect(compared).toBeGreaterThan(15);
    }
  });

  test('leaves weights and moments outside of the widths bit for bit', async () => {
    const [wide, narrowed] = [largest(c.space), smallest(c.space)];
    const first = await step({ ...feedsOf(made), ...widthFeeds(c.space, wide) });
    const second = await step({ ...feedsOf(made, 1), ...widthFeeds(c.space, narrowed) }, first.state);
    const kept = (state: ReadonlyMap<string, Tensor>) => withoutParts(c, state, narrowed);
    const [before, after] = [kept(first.state), kept(second.state)];
    let outside = 0;
    for (const [key, { bits, count }] of before) {
      if (!/^[ga]\//.test(key) || key.startsWith('g/ema/')) continue;
      expect(after.get(key)!.bits, key).toBe(bits);
      outside += count;
    }
    expect(outside).toBeGreaterThan(1000);
    const moved = [...partsOf(c, second.state, narrowed)].filter(([key, { data }]) => {
      const old = partsOf(c, new Map([[key, first.state.get(key)!]]), narrowed).get(key)!;
      return key.startsWith('g/') && String(old.data) !== String(data);
    });
    expect(moved.length).toBeGreaterThan(20);
  });
});

/** The numbers that the widths leave out, as text, and how many. */
function withoutParts(c: Case, state: ReadonlyMap<string, Tensor>, vector: WidthVector) {
  return new Map(
    [...state].map(([key, tensor]) => {
      const marks = { ...tensor, data: Float32Array.from(tensor.data as Float32Array, (_, i) => i) };
      const inside = new Set(partsOf(c, new Map([[key, marks]]), vector).get(key)!.data as Float32Array);
      const rest = (tensor.data as Float32Array).filter((_, i) => !inside.has(i));
      return [key, { bits: Buffer.from(rest.buffer).toString('hex'), count: rest.length }] as const;
    }),
  );
}

test('weights outside of the widths move on by their momentum where that is asked for', async () => {
  const c = prepare('a separable ResNet');
  const made = program(c.generator, c.taps, c.teacher, elastic(c.space, { drift: true }));
  const narrowed = smallest(c.space);
  const step = await compiledSteps(made);
  const first = await step({ ...feedsOf(made), ...widthFeeds(c.space, largest(c.space)) });
  const second = await step({ ...feedsOf(made, 1), ...widthFeeds(c.space, narrowed) }, first.state);
  const weight = 'g/block1.conv1.pointwise.weight';
  const kept = (state: ReadonlyMap<string, Tensor>) =>
    withoutParts(c, new Map([[weight, state.get(weight)!]]), narrowed).get(weight)!.bits;
  expect(kept(second.state)).not.toBe(kept(first.state));
});

test('a step of the sandwich rule has the mean gradient of the widest, the narrowest and the widths fed', async () => {
  const c = prepare('a separable ResNet');
  const three = program(c.generator, c.taps, c.teacher, elastic(c.space, { sandwich: true }));
  const one = program(c.generator, c.taps, c.teacher, elastic(c.space));
  const vectors = [largest(c.space), smallest(c.space), mixed(c.space)];
  const stepOfThree = await compiledSteps(three);
  const { state } = await stepOfThree({ ...feedsOf(three), ...widthFeeds(c.space, mixed(c.space)) });
  const step = await compiledSteps(one);
  const each: ReadonlyMap<string, Tensor>[] = [];
  for (const vector of vectors)
    each.push((await step({ ...feedsOf(one), ...widthFeeds(c.space, vector) })).state);
  for (const [key, { data }] of state) {
    if (!/^[gad]\/m\//.test(key)) continue;
    const difference = (data as Float32Array).map(
      (x, i) => x - each.reduce((sum, s) => sum + Number(s.get(key)!.data[i]), 0) / 3,
    );
    expect(norm(difference), key).toBeLessThan(1e-4 * (norm(data as Float32Array) + 1e-3));
  }
});
