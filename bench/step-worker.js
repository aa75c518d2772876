// One measurement of the distillation step: node bench/step-worker.js <64|128> <threads> <steps> [cached]
// Prints JSON: median, p5 and p95 seconds of a step, and the peak memory of the process in bytes.
import { onnxruntime } from '../dist/backend/onnxruntime.js';
import { float32 } from '../dist/graph/graph.js';
import { patchDiscriminator } from '../dist/models/discriminator.js';
import { distillTaps } from '../dist/models/generator.js';
import { initialise } from '../dist/models/init.js';
import { resnetGenerator } from '../dist/models/resnet.js';
import { stepFeeds } from '../dist/train/feeds.js';
import { stepProgram } from '../dist/train/step.js';
import { rng } from '../dist/util/rng.js';

const [size, threads, steps] = process.argv.slice(2, 5).map(Number);
const cached = process.argv[5] === 'cached';
const batch = size === 64 ? 4 : 1;
const warmup = 3;

const generator = (baseWidth, seed) => initialise(resnetGenerator({ baseWidth, blocks: 9, size }), { seed });
const teacher = generator(64, 1);
const program = stepProgram({
  generator: generator(32, 2),
  discriminator: initialise(patchDiscriminator({ baseWidth: 64, layers: 3, inputChannels: 6, size }), {
    seed: 3,
  }),
  batch,
  size,
  beta1: 0.5,
  beta2: 0.999,
  ganMode: 'hinge',
  recon: 'l1',
  lambdaGan: 1,
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
    cached,
  },
});
const compiled = await onnxruntime({ threads }).compile(program);
const options = {
  seed: 0,
  steps: 1000,
  lr: 2e-4,
  beta1: 0.5,
  beta2: 0.999,
  schedule: 'constant',
  constantFraction: 0.5,
  ema: 0.999,
  diffaugment: [],
};
const random = rng(0, 'bench');
const seconds = [];
for (let step = 0; step < warmup + steps; step++) {
  const picture = () => random.fillUniform(new Float32Array(batch * 3 * size * size), -1, 1);
  const feeds = stepFeeds(
    program.graph,
    { condition: picture(), image: picture(), mirrored: [] },
    step,
    options,
  );
  for (const { name, shape } of program.graph.inputs) {
    if (name.startsWith('teacher/'))
      feeds[name] = float32(
        shape,
        random.fillUniform(new Float32Array(shape.reduce((a, b) => a * b, 1)), -1, 1),
      );
  }
  const started = performance.now();
  await compiled.run(feeds);
  if (step >= warmup) seconds.push((performance.now() - started) / 1000);
}
seconds.sort((a, b) => a - b);
const at = (q) => seconds[Math.min(seconds.length - 1, Math.floor(q * seconds.length))];
console.log(
  JSON.stringify({
    median: at(0.5),
    p5: at(0.05),
    p95: at(0.95),
    peakBytes: process.resourceUsage().maxRSS * 1024,
  }),
);
