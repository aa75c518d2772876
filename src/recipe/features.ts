import { dirname, resolve } from 'node:path';
import type { z } from 'zod';
import { choice, flag, listOf, number, section, text, whole } from './fields.ts';
import { type LoadOptions, loadChecked } from './load.ts';
import { emojiStyles } from './names.ts';
import type { Locate } from './problems.ts';
import { computeFields, nameField } from './run-fields.ts';

const dataSchema = section({
  source: choice(['emoji-styles'])
    .default('emoji-styles')
    .describe('emoji-styles: emoji as several sets draw them, from npm packages.'),
  styles: listOf(choice(emojiStyles), 'a list of at least two drawing styles', 2)
    .default([...emojiStyles])
    .describe('The sets; the first is the one whose distances are measured.'),
  path: text('the path of a folder')
    .optional()
    .describe(
      "A folder with the sets' npm packages in its node_modules, relative to the recipe's, where they are not found by themselves.",
    ),
  size: whole({ min: 16, max: 256, multipleOf: 16 }).default(64).describe('Side of the pictures, in pixels.'),
});

const networkSchema = section({
  baseWidth: whole({ min: 1, max: 1024 })
    .default(16)
    .describe('Channels of the first of four stages; each stage halves the picture and doubles them.'),
  blocks: whole({ min: 0, max: 16 })
    .default(1)
    .describe('Residual blocks of two convolutions in each stage.'),
  dimension: whole({ min: 1, max: 2048 }).default(64).describe('Features of a picture.'),
});

const trainSchema = section({
  steps: whole({ min: 1 }).describe('Training steps.'),
  batch: whole({ min: 2, max: 4096 }).default(32).describe('Pictures per step.'),
  lr: number({ above: 0, max: 1 }).default(3e-3).describe('Learning rate of Adam.'),
  beta1: number({ min: 0, below: 1 }).default(0.9).describe("Adam's decay of the mean gradient."),
  beta2: number({ min: 0, below: 1 }).default(0.999).describe("Adam's decay of the mean squared gradient."),
  schedule: choice(['constant', 'linear', 'cosine'])
    .default('cosine')
    .describe('How the learning rate goes to zero: not at all, along a line, along half a cosine.'),
  constantFraction: number({ min: 0, max: 1 })
    .default(0)
    .describe('Part of the steps before the linear schedule begins to fall.'),
  ema: number({ min: 0, below: 1 })
    .default(0.998)
    .describe('Decay of the running average of the weights, which is what is kept; 0 is off.'),
  smoothing: number({ min: 0, below: 1 })
    .default(0.1)
    .describe('Share of every target that is spread over all classes.'),
  lambdaStyle: number({ min: 0 })
    .default(1)
    .describe('Weight of telling styles apart; of subgroups it is 1.'),
  lambdaDamage: number({ min: 0 })
    .default(1)
    .describe('Weight of telling damaged pictures from untouched ones; 0 leaves that head away.'),
  tick: whole({ min: 1 }).default(250).describe('Steps between lines of the log.'),
  checkpointSeconds: number({ min: 0 })
    .default(60)
    .describe('Seconds between saved states, from which an interrupted run goes on.'),
});

const augmentSchema = section({
  flip: flag().default(true).describe('Mirror a picture left to right, every second time.'),
  shift: number({ min: 0, max: 0.5 }).default(0.06).describe('Largest move, as a fraction of the side.'),
  scale: number({ min: 0, max: 1 }).default(0.15).describe('Largest change of size, as a fraction.'),
  rotate: number({ min: 0, max: 180 }).default(12).describe('Largest turn, in degrees.'),
  ink: number({ min: 0, max: 1 })
    .default(0.1)
    .describe('Largest change of the distance from white, as a fraction; channels differ by a third of it.'),
  grain: number({ min: 0, max: 255 })
    .default(4)
    .describe('Largest noise that does not yet count as damage: its standard deviation in levels of 255.'),
  damaged: number({ min: 0, max: 1 })
    .default(0.5)
    .describe('Part of the pictures that are blurred, noisy, wrongly coloured, patchy or smudged.'),
});

/** A recipe for a feature network: a classifier of emoji, of which the last layer but one is kept. */
export const featuresSchema = section({
  name: nameField('the network and the run'),
  ...computeFields,
  data: dataSchema.prefault({}).describe('The pictures.'),
  augment: augmentSchema.prefault({}).describe('How pictures are changed at random in training.'),
  network: networkSchema.prefault({}).describe('The network.'),
  train: trainSchema.describe('How it is trained.'),
});

export type FeaturesRecipe = z.output<typeof featuresSchema>;

export interface LoadedFeaturesRecipe {
  /** Checked, defaults filled in, paths absolute. */
  recipe: FeaturesRecipe;
  /** The recipe's file, as it was named. */
  file: string;
  locate: Locate;
}

/** Reads a recipe for a feature network, as `loadRecipe` reads one of generators; throws as that. */
export function loadFeaturesRecipe(file: string, options: LoadOptions = {}): LoadedFeaturesRecipe {
  const { value, locate } = loadChecked(featuresSchema, file, options, '`ganlet schema --for features`');
  const { data } = value;
  const path = data.path === undefined ? {} : { path: resolve(dirname(resolve(file)), data.path) };
  return { recipe: { ...value, data: { ...data, ...path } }, file, locate };
}
