import { z } from 'zod';
import { budgetSchema } from './budget.ts';
import { choice, listOf, number, section, text, whole } from './fields.ts';

export const searchers = ['auto', 'exhaustive', 'evolution', 'random'] as const;
export const qualities = ['frechet', 'kid', 'lpips', 'teacher-l1', 'miou'] as const;
export const objectives = ['quality', 'macs', 'latency', 'params', 'memory'] as const;

const part = number({ above: 0, max: 1 });

const evolutionSchema = section({
  population: whole({ min: 2, max: 100_000 }).default(100).describe('Vectors of each generation.'),
  generations: whole({ min: 1 }).default(500).describe('Generations at most.'),
  parents: part.default(0.25).describe('Part of the population that survives and has children.'),
  mutations: number({ min: 0, max: 1 })
    .default(0.5)
    .describe('Part of the children that are mutants of one parent; the others mix two.'),
  mutationProbability: part.default(0.2).describe('Chance of each number of a mutant to be drawn anew.'),
  weights: choice(['uniform', 'arithmetic', 'geometric'])
    .default('uniform')
    .describe('How the first generation is drawn: evenly, or narrow widths more often.'),
  ratio: number({ min: 1 })
    .default(2)
    .describe(
      'How much more often: the narrowest than the widest (arithmetic), or each than the next wider.',
    ),
  patience: whole({ min: 1 })
    .default(5)
    .describe('Ends after so many generations in which the best has not become half a percent better.'),
});

/** How the widths of the student are chosen. */
export const searchSchema = section({
  budget: budgetSchema
    .optional()
    .describe(
      "What the student may cost: a part of the teacher's multiply-adds (0.1x), multiply-adds (500M), milliseconds on this machine (12ms), or a section of several.",
    ),
  searcher: choice(searchers)
    .default('auto')
    .describe(
      'How vectors are tried; auto tries all where at most 512 are within the budget, else evolution.',
    ),
  quality: choice(qualities)
    .optional()
    .describe(
      'What is made small, on pictures held out of the training split: Fréchet or kernel distance of features from the true pictures, perceptual distance from them, distance from the teacher, or how much of label maps is not found again in the pictures (miou, for emoji-labels). By default frechet, or teacher-l1 for pictures or data too few for it.',
    ),
  features: text('the name of a feature network or the path of an .onnx file')
    .optional()
    .describe('The network of frechet, kid (emoji, inception, vgg16) or lpips (alex, vgg, squeeze).'),
  objectives: listOf(choice(objectives), 'a list of "quality" and costs', 1)
    .default(['quality'])
    .describe('With costs besides quality a front is kept, of vectors that no other beats in everything.'),
  evaluations: whole({ min: 1 }).default(500).describe('Vectors the random searcher tries.'),
  finalists: whole({ min: 1, max: 1000 })
    .default(5)
    .describe('The best vectors, which are scored again on other pictures; the best of those wins.'),
  pictures: whole({ min: 2 })
    .default(256)
    .describe('Pictures a vector is scored on, at most; the held-out ones may be fewer.'),
  workers: whole({ min: 1, max: 1024 })
    .optional()
    .describe('Processes that evaluate, one thread each; by default as many as there are cores.'),
  widths: z
    .string({ error: 'must be a width vector, written 32_24_16_…' })
    .regex(/^\d+(\.\d+)?(_\d+(\.\d+)?)*$/, { error: 'must be a width vector, written 32_24_16_…' })
    .optional()
    .describe('A vector given by hand: there is no search.'),
  evolution: evolutionSchema.prefault({}).describe('Settings of that searcher.'),
});

export type SearchConfig = z.output<typeof searchSchema>;
