import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import type { Backend } from '../../src/backend/backend.ts';
import { onnxruntime, runGraph } from '../../src/backend/onnxruntime.ts';
import { tfjs } from '../../src/backend/tfjs.ts';
import { float32 } from '../../src/graph/graph.ts';
import { prune } from '../../src/graph/prune.ts';
import { initialise } from '../../src/models/init.ts';
import { multiscaleDiscriminator } from '../../src/models/multiscale-discriminator.ts';
import { vgg19Features } from '../../src/models/vgg.ts';
import { perceptualTaps } from '../../src/train/perceptual-taps.ts';
import { lossNames } from '../../src/train/step.ts';
import { withWeights } from '../../src/train/trained-network.ts';
import { rng } from '../../src/util/rng.ts';
import { batch, size, type TinyTraining, tinyTraining } from './tiny-training.ts';

const frozen = initialise(vgg19Features(2), { seed: 3 });
// Of the five stages what 8 pixels are enough for.
frozen.outputs.length = 3;
prune(frozen);
const [reference, engine] = [onnxruntime({ threads: 1 }), tfjs(tf)];
/** Losses of every step, and what the exported student makes of a picture. */
async function trained(backend: Backend, { program, generator, feeds }: TinyTraining, steps: number) {
  const compiled = await backend.compile(program);
  const losses: Record<string, number>[] = [];
  for (let step = 0; step < steps; step++) {
    const results = await compiled.run(await feeds(step));
    losses.push(
      Object.fromEntries(lossNames.flatMap((n) => (results[n] ? [[n, results[n].data[0] as number]] : []))),
    );
  }
  const student = withWeights(generator, await compiled.readState(), 'g', { ema: true });
  await compiled.dispose();
  const shape = [batch, 3, size, size];
  const picture = float32(
    shape,
    rng(1, 'picture').fillUniform(new Float32Array(batch * 3 * size * size), -1, 1),
  );
  const [input, output] = [student.inputs[0]!.name, student.outputs[0]!.name];
  const made = (await runGraph(student, { [input]: picture }, reference))[output]!;
  return { losses, made: made.data as Float32Array };
}

describe('training is the same as in ONNX Runtime', () => {
  test.each<[string, number, TinyTraining]>([
    ['distillation', 20, tinyTraining()],
    [
      'separable convolutions and a gradient penalty',
      3,
      tinyTraining({ separable: true, ganMode: 'wgangp' }),
    ],
    ['elastic, at widths read at run time', 20, tinyTraining({ widths: 'one' })],
    ['elastic, sandwich rule', 2, tinyTraining({ widths: 'sandwich' })],
    [
      'two scales, spectral norms, feature matching and a perceptual loss',
      3,
      tinyTraining({
        discriminator: initialise(multiscaleDiscriminator({ baseWidth: 2, layers: 1, size }), { seed: 2 }),
        lambdaFeature: 10,
        lambdaPerceptual: 10,
        perceptual: {
          network: frozen,
          taps: perceptualTaps(frozen, size),
          ...{ layout: 'NCHW', channels: 'BGR', mean: [0, 0.1, 0.2], std: [1, 0.5, 2] },
        },
      }),
    ],
  ])(
    '%s, %i steps',
    async (_, steps, training) => {
      const expected = await trained(reference, training, steps);
      const before = tf.memory().numTensors;
      const found = await trained(engine, training, steps);
      expect(tf.memory().numTensors, 'tensors left over').toBe(before);
      expect(expected.losses[0]).toHaveProperty('distill');
      for (const [step, losses] of expected.losses.entries())
        for (const [name, loss] of Object.entries(losses))
          expect(found.losses[step]![name], `${name} of step ${step}`).toSatisfy(
            (own: number) => Math.abs(own - loss) <= 1e-3 * Math.max(1, Math.abs(loss)),
          );
      expect(found.made).toBeAllclose(expected.made, { atol: 1e-2, rtol: 0 });
    },
    300_000,
  );
});
