import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { onnxruntime } from '../../src/backend/onnxruntime.ts';
import { tfjs } from '../../src/backend/tfjs.ts';
import { prune } from '../../src/graph/prune.ts';
import { initialise } from '../../src/models/init.ts';
import { multiscaleDiscriminator } from '../../src/models/multiscale-discriminator.ts';
import { vgg19Features } from '../../src/models/vgg.ts';
import { perceptualTaps } from '../../src/train/perceptual-taps.ts';
import { size, type TinyTraining, tinyTraining } from './tiny-training.ts';
import { expectAgreement, trained } from './trained.ts';

const frozen = initialise(vgg19Features(2), { seed: 3 });
// Of the five stages what 8 pixels are enough for.
frozen.outputs.length = 3;
prune(frozen);
const [reference, engine] = [onnxruntime({ threads: 1 }), tfjs(tf)];
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
      expectAgreement(found, expected);
    },
    300_000,
  );
});
