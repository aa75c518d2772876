// npm run bench:elastic [-- --rounds 10 --threads 2 --sandwich]
// One program serves all widths of a student: what a step costs at its narrowest, against its full width, with the sizes of
// recipes/openmoji-64.yaml (64 px, batch 8, teacher cached, student of base width 32 with separable blocks, widths 32 to 8,
// discriminator 32). Full and narrow steps take turns, so that the ratio holds when the machine's speed drifts. The part that
// does not depend on the widths is that of a step without generator: discriminator, its gradients and its update.
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { onnxruntime } from '../dist/backend/onnxruntime.js';
import { widthFeeds } from '../dist/compress/elastic.js';
import { channelGroups } from '../dist/compress/groups.js';
import { largest, smallest, widthSpace } from '../dist/compress/width-space.js';
import { float32 } from '../dist/graph/graph.js';
import { patchDiscriminator } from '../dist/models/discriminator.js';
import { distillTaps } from '../dist/models/generator.js';
import { initialise } from '../dist/models/init.js';
import { resnetGenerator } from '../dist/models/resnet.js';
import { stepFeeds } from '../dist/train/feeds.js';
import { stepProgram } from '../dist/train/step.js';
import { rng } from '../dist/util/rng.js';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '10' },
    threads: { type: 'string', default: String(availableParallelism()) },
    dense: { type: 'boolean', default: false },
    sandwich: { type: 'boolean', default: false },
  },
});
const [rounds, threads] = [Number(values.rounds), Number(values.threads)];
const [size, batch, warmup] = [64, 8, 2];

const architecture = { type: 'resnet', baseWidth: 32, blocks: 9, separable: !values.dense };
const teacher = initialise(resnetGenerator({ baseWidth: 32, blocks: 9, size }), { seed: 1 });
const generator = initialise(resnetGenerator({ ...architecture, size }), { seed: 2 });
const space = widthSpace(channelGroups(generator), [32, 24, 16, 8], architecture);
const discriminator = initialise(patchDiscriminator({ baseWidth: 32, layers: 3, inputChannels: 6, size }), {
  seed: 3,
});
const common = {
  discriminator,
  batch,
  size,
  beta1: 0.5,
  beta2: 0.999,
  ganMode: 'hinge',
  recon: 'l1',
  lambdaRecon: 100,
  diffaugment: [],
  ema: true,
  seed: 0,
  distillation: {
    teacher,
    distill: 'adaptor',
    lambdaDistill: 1,
    taps: distillTaps(teacher).map((tap) => ({ teacher: tap, student: tap })),
    reconTarget: 'truth',
    cached: true,
  },
};
const elastic = { space, sandwich: values.sandwich, drift: false };
const schedule = { schedule: 'constant', constantFraction: 0.5, steps: 1000, lr: 2e-4, ema: 0.999 };
const random = rng(0, 'bench');
const uniform = (shape) =>
  float32(shape, random.fillUniform(new Float32Array(shape.reduce((a, b) => a * b, 1)), -1, 1));

async function prepared(program) {
  const compiled = await onnxruntime({ threads }).compile(program);
  const pictures = () => uniform([batch, 3, size, size]).data;
  const feeds = stepFeeds(program.graph, { condition: pictures(), image: pictures(), mirrored: [] }, 0, {
    ...common,
    ...schedule,
  });
  for (const { name, shape } of program.graph.inputs)
    if (name.startsWith('teacher/')) feeds[name] = uniform(shape);
  return (vector) => compiled.run({ ...feeds, ...(vector && widthFeeds(space, vector)) });
}

const whole = await prepared(stepProgram({ ...common, generator, lambdaGan: 1, elastic }));
const alone = await prepared(stepProgram({ ...common, generator, lambdaGan: 0, elastic }));
const vectors = {
  full: largest(space),
  middle: space.map(({ choices }) => choices[2]),
  smallest: smallest(space),
};
const times = {};
const timed = async (name, run) => {
  const started = performance.now();
  await run();
  times[name] ??= [];
  times[name].push(performance.now() - started);
};
for (let round = 0; round < warmup + rounds; round++) {
  for (const [name, vector] of Object.entries(vectors)) {
    await timed(name, () => whole(vector));
    await timed(`${name}, no discriminator`, () => alone(vector));
  }
}
const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];
const milliseconds = (name) => median(times[name].slice(warmup));
const ratios = (a, b) => times[a].slice(warmup).map((t, i) => t / times[b][warmup + i]);
console.log(`${threads} threads, ${rounds} rounds, ${values.dense ? 'dense' : 'separable'} student\n`);
for (const name of Object.keys(times)) console.log(`${name.padEnd(28)} ${milliseconds(name).toFixed(0)} ms`);
const constant = milliseconds('smallest') - milliseconds('smallest, no discriminator');
console.log(`\nsmallest/full               ${median(ratios('smallest', 'full')).toFixed(2)}`);
console.log(
  `without discriminator       ${median(ratios('smallest, no discriminator', 'full, no discriminator')).toFixed(2)}`,
);
console.log(
  `discriminator, of a full step ${(constant / milliseconds('full')).toFixed(2)}, of the smallest ${(constant / milliseconds('smallest')).toFixed(2)}`,
);
process.exit();
