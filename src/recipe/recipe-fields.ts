import { z } from 'zod';
import { dataSchema } from './data.ts';
import { choice, listOf, number, section, text, whole, width } from './fields.ts';
import { baselineStepRules, baselines, evaluateMetrics } from './names.ts';
import { discriminatorSchema, generatorSchema } from './networks.ts';
import { onlineSchema } from './online.ts';
import { presets } from './preset.ts';
import { computeFields, nameField } from './run-fields.ts';
import { searchSchema } from './search.ts';
import { supernetSchema } from './supernet.ts';
import { teacherTrainSchema } from './teacher-train.ts';
import { distillSchema } from './training.ts';

const widthsRule = { error: 'must be whole numbers from 1 to 1024, written [32, 24, 16] or 32_24_16' };

const widths = z
  .union([z.array(width).min(1, widthsRule), z.string().regex(/^\d+(_\d+)*$/, widthsRule)], widthsRule)
  .transform((value) => (typeof value === 'string' ? value.split('_').map(Number) : value))
  .refine((list) => list.every((entry) => entry >= 1 && entry <= 1024), widthsRule);

const teacherSchema = section({
  model: text('the path of an .onnx file', /\.onnx$/i)
    .optional()
    .describe("A trained generator, relative to the recipe's folder; instead of generator and train."),
  generator: generatorSchema.optional().describe('The network to train as the teacher; instead of model.'),
  train: teacherTrainSchema.optional().describe('How to train it.'),
});

const separableRule = {
  error: 'must be true, false, "auto", or a list of layers as ganlet inspect names them',
};
const separable = z.union(
  [
    z.boolean(separableRule),
    z.literal('auto', separableRule),
    listOf(text('the name of a layer'), separableRule.error, 1),
  ],
  separableRule,
);

const studentSchema = section({
  baseWidth: width.optional().describe('Channels of the first layer; all others keep their ratio to it.'),
  widths: widths
    .optional()
    .describe(
      'A width for each channel group, in units of base width, as in 32_24_16_…: instead of baseWidth or ratio.',
    ),
  ratio: number({ above: 0, max: 1 })
    .optional()
    .describe(
      "Width as a fraction of the teacher's, for every channel group: instead of baseWidth or widths.",
    ),
  separable: separable
    .default(false)
    .describe(
      'Depthwise and 1×1 convolutions in the place of dense ones, fewer parameters and multiply-adds: in the residual blocks of a resnet and an sngan and where label maps scale and shift in a spade (true), there where the teacher has such layers (auto), or of the layers named as ganlet inspect does.',
    ),
  initFrom: choice(['teacher', 'random'])
    .default('teacher')
    .describe(
      "Start from the teacher's most important channels where shapes correspond, or from random weights.",
    ),
});

const metrics = choice(evaluateMetrics);

const evaluateSchema = section({
  metrics: listOf(metrics, `a list of at least one of ${evaluateMetrics.join(', ')}`, 1)
    .default(['l1', 'psnr', 'ssim'])
    .describe(
      'Measures of the distance between made and true images: picture by picture (l1, psnr, ssim, ms-ssim, lpips), or as two sets by features (frechet, kid, pr, dc, is); and of what a latent vector does: the perceptual path length between vectors (ppl), the distance of images made for one condition (diversity); and of how much of label maps is found again in the images, for emoji-labels (miou, accuracy).',
    ),
  features: text('the name of a feature network or the path of an .onnx file')
    .default('emoji')
    .describe(
      'The network whose features frechet, kid, pr, dc and is compare: emoji, inception, vgg16, or an .onnx file with its card.',
    ),
  lpips: text('the name of a network of LPIPS or the path of an .onnx file')
    .default('alex')
    .describe('The network of lpips, ppl and diversity: alex, vgg, squeeze, or an .onnx file.'),
  paths: whole({ min: 20, max: 1_000_000 })
    .default(1000)
    .describe('For ppl: pairs of latent vectors; 50,000 in published numbers.'),
  split: choice(['test', 'val', 'train']).default('test').describe('Which part of the data is measured on.'),
});

/** A recipe's keys and their rules, one by one; what they must be together is in `checkCombinations`. */
export const recipeFields = section({
  name: nameField('the run'),
  preset: choice(presets)
    .optional()
    .describe(
      'Fills in the sections that are left out. full: separable teacher, distilled student, supernet, all widths tried, fine-tuning; fast: supernet from random weights, evolution; online: student trained together with a wider teacher.',
    ),
  ...computeFields,
  data: dataSchema.describe('Where the image pairs come from.'),
  teacher: teacherSchema.describe(
    'A trained generator (model), or one to train first (generator and train).',
  ),
  discriminator: discriminatorSchema
    .prefault({ type: 'patch' })
    .describe('The network that tells real images from made ones.'),
  student: studentSchema
    .optional()
    .describe('The small generator: exactly one of baseWidth, widths and ratio.'),
  distill: distillSchema.optional().describe('How the student is trained.'),
  online: onlineSchema
    .optional()
    .describe(
      'What the student learns by where it is trained together with its teacher, in the place of distill.',
    ),
  supernet: supernetSchema
    .optional()
    .describe('How all widths of the student are trained together, for a search to choose from.'),
  search: searchSchema.optional().describe('How the widths of the student are chosen.'),
  finetune: distillSchema
    .optional()
    .describe('How the student that was chosen is trained on; left out, it stays as it was cut out.'),
  baselines: listOf(choice(baselines), 'a list of "naive" and "uniform"')
    .default([])
    .describe(
      'For comparison, trained as many steps (see baselineSteps). naive: the same small network without the teacher; uniform: one of evenly narrowed layers with as many multiply-adds as the student that was searched.',
    ),
  baselineSteps: choice(baselineStepRules)
    .default('total')
    .describe(
      'Where there is a search, how long baselines are trained: as supernet and fine-tuning together (total), or as fine-tuning alone (finetune).',
    ),
  evaluate: evaluateSchema.prefault({}).describe('What is measured.'),
});

/** A recipe as written, each key checked by itself, defaults filled in. */
export type RecipeFields = z.output<typeof recipeFields>;
export type StudentConfig = z.output<typeof studentSchema>;
export type EvaluateConfig = z.output<typeof evaluateSchema>;
