import { z } from 'zod';
import { choice, flag, listOf, number, section, text, whole } from './fields.ts';

const trainShape = {
  steps: whole({ min: 1 }).describe('Training steps: one update of each network.'),
  batch: whole({ min: 1, max: 4096 }).describe('Image pairs per step.'),
  lr: number({ above: 0, max: 1 }).default(2e-4).describe('Learning rate of Adam, for both networks.'),
  lrDiscriminator: number({ above: 0, max: 1 })
    .optional()
    .describe(
      "The discriminator's own learning rate, in the place of lr (TTUR: 4e-4 beside lr 1e-4, beta1 0).",
    ),
  beta1: number({ min: 0, below: 1 }).default(0.5).describe("Adam's decay of the mean gradient."),
  beta2: number({ min: 0, below: 1 }).default(0.999).describe("Adam's decay of the mean squared gradient."),
  schedule: choice(['constant', 'linear', 'cosine'])
    .default('linear')
    .describe('How the learning rate goes to zero: not at all, along a line, along half a cosine.'),
  constantFraction: number({ min: 0, max: 1 })
    .default(0.5)
    .describe('Part of the steps before the linear schedule begins to fall.'),
  ganMode: choice(['hinge', 'lsgan', 'vanilla', 'wgangp']).default('hinge').describe('The adversarial loss.'),
  lambdaGan: number({ min: 0 }).default(1).describe('Weight of the adversarial loss.'),
  lambdaRecon: number({ min: 0 })
    .default(100)
    .describe(
      'Weight of the reconstruction loss; by default 0 for a teacher of type sngan, which no picture shows what to make.',
    ),
  recon: choice(['l1', 'l2', 'smooth-l1']).default('l1').describe('Distance of the reconstruction loss.'),
  // Without defaults: trainings that were begun before these keys existed go on.
  lambdaFeature: number({ min: 0 })
    .optional()
    .describe("Weight of feature matching: of the distance of the discriminator's inner activations."),
  lambdaPerceptual: number({ min: 0 })
    .optional()
    .describe("Weight of the perceptual loss: of the distance of a frozen network's activations."),
  perceptual: text('"emoji", "vgg19" or the path of an .onnx file', /^(emoji|vgg19)$|\.onnx$/i)
    .optional()
    .describe(
      'The network of the perceptual loss: emoji (what it is when left out), vgg19, or an .onnx file with its card.',
    ),
  diffaugment: listOf(
    choice(['color', 'translation', 'cutout']),
    'a list of "color", "translation" and "cutout"',
  )
    .default([])
    .describe(
      'Differentiable augmentations of all that the discriminator sees; against overfitting on few images.',
    ),
  ema: number({ min: 0, below: 1 })
    .default(0.999)
    .describe('Decay of the running average of the weights, which is what is kept; 0 is off.'),
  init: choice(['normal', 'xavier', 'kaiming', 'orthogonal'])
    .default('normal')
    .describe('How weights that start at random are drawn.'),
  initGain: number({ above: 0 })
    .default(0.02)
    .describe(
      'Scale of those weights: the standard deviation for normal, a factor for xavier and orthogonal.',
    ),
  tick: whole({ min: 1 }).default(100).describe('Steps between lines of the log.'),
  snapshot: whole({ min: 0 })
    .default(0)
    .describe(
      'Steps between networks that are kept as snapshots/step-N.onnx, at the next tick; 0 keeps only the last.',
    ),
  samples: whole({ min: 0, max: 64 }).default(8).describe('Images on the sample sheet drawn at each tick.'),
  checkpointSeconds: number({ min: 0 })
    .default(60)
    .describe('Seconds between saved states, from which an interrupted run goes on.'),
};

/** How a network is trained: shared by `teacher.train` and `distill`. */
export const trainSchema = section(trainShape);

/** The keys of every training with a teacher. */
export const distillShape = {
  ...trainShape,
  lambdaDistill: number({ min: 0 }).default(1).describe('Weight of the distillation loss.'),
  distill: choice(['adaptor', 'kernel-alignment', 'none'])
    .default('adaptor')
    .describe(
      "How inner activations are compared: squared error after a learned 1×1 convolution to the teacher's width, alignment of their Gram matrices over the batch, or not at all.",
    ),
  taps: listOf(text('the name of a value in the generator'), 'a list of at least one name of a value', 1)
    .optional()
    .describe('Values of the generator whose activations are compared; by default spread over its trunk.'),
  reconTarget: choice(['auto', 'truth', 'teacher'])
    .default('auto')
    .describe(
      "What the student's image is compared with; auto is the truth where there are pairs and the teacher has no latent vector.",
    ),
  cacheTeacher: z
    .union([flag(), z.literal('auto')], { error: 'must be true, false or "auto"' })
    .default('auto')
    .describe(
      "Keep the teacher's outputs instead of running it at every step; auto does so where memory allows.",
    ),
  initDiscriminator: choice(['auto', 'teacher', 'random'])
    .default('auto')
    .describe(
      'Start from the discriminator trained with the teacher, or from random weights; auto takes the former where it is kept beside the teacher.',
    ),
};

/** How the student is trained: as any generator, and to agree with its teacher. */
export const distillSchema = section(distillShape);

export type TrainConfig = z.output<typeof trainSchema>;
export type DistillConfig = z.output<typeof distillSchema>;
