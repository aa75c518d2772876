import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { gradient } from '../../src/autodiff/gradient.ts';
import { onnxruntime, runGraph } from '../../src/backend/onnxruntime.ts';
import { checkGraph } from '../../src/graph/check.ts';
import { float32, Graph, type Tensor } from '../../src/graph/graph.ts';
import { featureClassifier } from '../../src/models/feature-classifier.ts';
import { initialise } from '../../src/models/init.ts';
import { classifierFeeds, classifierProgram, crossEntropy, headsOf } from '../../src/train/classifier.ts';
import { runSteps, type StepTraining } from '../../src/train/loop.ts';
import { readJsonLines } from '../../src/util/json-lines.ts';
import { rng } from '../../src/util/rng.ts';

const size = 8;
const batch = 6;
const backend = onnxruntime({ threads: 1 });
const silent = { update() {}, line() {}, end() {} };
const schedule = {
  steps: 9,
  lr: 0.01,
  beta1: 0.9,
  beta2: 0.99,
  schedule: 'cosine',
  constantFraction: 0,
  ema: 0.9,
  smoothing: 0.1,
} as const;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ganlet-classifier-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Noise on one of three flat colours, which is the class `colour`; `side` is which half is brighter. */
function pictures(step: number) {
  const random = rng(4, 'pictures', step);
  const image = random.fillNormal(new Float32Array(batch * 3 * size * size), 0.1);
  const [colour, side] = [new Int32Array(batch), new Int32Array(batch)];
  for (let n = 0; n < batch; n++) {
    colour[n] = random.int(0, 2);
    side[n] = random.int(0, 1);
    for (let i = 0; i < size * size; i++) {
      image[((n * 3 + colour[n]!) * size + Math.floor(i / size)) * size + (i % size)]! += 0.5;
      if (Math.floor(((i % size) * 2) / size) === side[n]) {
        for (let c = 0; c < 3; c++) image[(n * 3 + c) * size * size + i]! += 0.3;
      }
    }
  }
  return { image, classes: { colour, side } };
}

function training(name: string, changes: Partial<StepTraining> = {}): StepTraining {
  const network = initialise(
    featureClassifier({
      baseWidth: 3,
      stages: 2,
      blocks: 1,
      dimension: 4,
      size,
      heads: { colour: 3, side: 2 },
    }),
    { init: 'kaiming', seed: 1 },
  );
  const program = classifierProgram({ ...schedule, network, batch, weights: { side: 0.5 }, ema: true });
  checkGraph(program.graph);
  const steps = changes.steps ?? schedule.steps;
  return {
    ...schedule,
    program,
    backend,
    losses: headsOf(network),
    shown: headsOf(network),
    batch,
    tick: 4,
    checkpointSeconds: 0,
    directory: join(folder, name),
    fingerprint: 'same',
    progress: silent,
    feeds: async (step) => {
      const { image, classes } = pictures(step);
      return classifierFeeds(program.graph, image, classes, step, { ...schedule, steps });
    },
    ...changes,
  };
}

const losses = (name: string) =>
  readJsonLines(join(folder, name, 'stats.jsonl')).map(({ seconds, imagesPerSecond, ...rest }) => rest);

function expectSameBits(a: Map<string, Tensor>, b: Map<string, Tensor>) {
  expect([...a.keys()]).toEqual([...b.keys()]);
  for (const [name, { data }] of a)
    expect(Buffer.from(data.buffer).equals(Buffer.from(b.get(name)!.data.buffer)), name).toBe(true);
}

test('cross-entropy and its gradient are those of the formula', async () => {
  const graph = new Graph('test');
  const logits = graph.input('logits', 'float32', [2, 3]);
  const truth = graph.input('truth', 'float32', [2, 3]);
  const loss = crossEntropy(logits, truth);
  graph.output(gradient(loss, [logits])[0]!, 'slope');
  graph.output(loss, 'loss');
  const x = [1, -2, 0.5, 3, 3, -1];
  const t = [0.9, 0.05, 0.05, 0, 1, 0];
  const results = await runGraph(graph, { logits: float32([2, 3], x), truth: float32([2, 3], t) }, backend);
  const chance = [0, 1].flatMap((row) => {
    const exp = x.slice(3 * row, 3 * row + 3).map(Math.exp);
    return exp.map((e) => e / exp.reduce((a, b) => a + b));
  });
  expect(results.loss!.data[0]).toBeCloseTo(
    -t.reduce((sum, y, i) => sum + y * Math.log(chance[i]!), 0) / 2,
    5,
  );
  expect(results.slope!.data).toBeAllclose(
    chance.map((p, i) => (p - t[i]!) / 2),
    { atol: 1e-6 },
  );
});

test('targets have the sum 1, and share what smoothing takes from the true class', () => {
  const { program } = training('feeds');
  const { image, classes } = pictures(0);
  const feeds = classifierFeeds(program.graph, image, classes, 0, schedule);
  const row = feeds['truth/colour']!.data.slice(0, 3) as Float32Array;
  expect([...row].map((x) => x.toFixed(4)).toSorted()).toEqual(['0.0333', '0.0333', '0.9333']);
  expect(row[classes.colour[0]!]).toBeCloseTo(0.9333, 4);
  const given = Object.keys(feeds);
  const wanted = program.graph.inputs.map(({ name }) => name);
  const state = new Set(program.state.map(({ input }) => input.name));
  expect(given.toSorted()).toEqual(wanted.filter((name) => !state.has(name)).toSorted());
});

test('learns: the losses of both heads fall far below chance', async () => {
  await runSteps(training('learns', { steps: 80, tick: 20, checkpointSeconds: 60 }));
  const last = losses('learns').at(-1)!;
  expect(last.colour as number).toBeLessThan(0.6 * Math.log(3));
  expect(last.side as number).toBeLessThan(0.8 * Math.log(2));
});

test('ends with the same bits and statistics when it is stopped at any step and started again', async () => {
  const whole = await runSteps(training('whole'));
  for (const stop of [1, 6]) {
    const name = `stopped-${stop}`;
    let steps = 0;
    const progress = {
      ...silent,
      update() {
        if (++steps === stop) throw new Error('stopped');
      },
    };
    await expect(runSteps(training(name, { progress }))).rejects.toThrow('stopped');
    expectSameBits(await runSteps(training(name)), whole);
    expect(losses(name)).toEqual(losses('whole'));
  }
});

test('a head of weight 0 changes no weight of the network before it', async () => {
  const { program } = training('weights');
  expect(program.state.map(({ name }) => name)).toContain('c/ema/features.weight');
  const network = initialise(
    featureClassifier({ baseWidth: 2, stages: 1, blocks: 0, dimension: 2, size, heads: { colour: 3 } }),
    { init: 'kaiming', seed: 1 },
  );
  const idle = classifierProgram({ ...schedule, network, batch, weights: { colour: 0 }, ema: false });
  const compiled = await backend.compile(idle);
  const { image, classes } = pictures(0);
  const before = (await compiled.readState(['c/features.weight'])).get('c/features.weight')!.data.slice();
  await compiled.run(classifierFeeds(idle.graph, image, classes, 0, schedule));
  const after = (await compiled.readState(['c/features.weight'])).get('c/features.weight')!.data;
  await compiled.dispose();
  expect(after).toEqual(before);
});
