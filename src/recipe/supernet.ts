import { z } from 'zod';
import { choice, flag, number, section, whole } from './fields.ts';
import { distillShape } from './training.ts';

const widthRule = { error: 'must be a list of numbers above 0, or such a list for each name' };
const widthList = z.array(z.number(widthRule).positive(widthRule), widthRule).min(1, widthRule);

export const widthSamplings = ['uniform', 'arithmetic', 'geometric', 'sandwich', 'budget'] as const;

/** How all widths of the student are trained together. */
export const supernetSchema = section({
  ...distillShape,
  widths: z
    .union([widthList, z.record(z.string(), widthList)], widthRule)
    .default([1, 0.75, 0.5, 0.25])
    .describe(
      'The widths a search may choose from: a list for all channel groups, or one by name (the others keep their full width). In units of base width, or parts of the full width where all are at most 1.',
    ),
  sampling: choice(widthSamplings)
    .default('uniform')
    .describe(
      'The widths of each step: all equally often, narrow ones more often (arithmetic, geometric), the widest, the narrowest and one at random in every step (sandwich), or those that cost about what search.budget allows (budget).',
    ),
  samplingRatio: number({ min: 1 })
    .default(2)
    .describe(
      'How much more often: the narrowest than the widest (arithmetic), or each than the next wider.',
    ),
  drift: flag()
    .default(false)
    .describe(
      'Weights outside of the sampled widths move on by their momentum, as in the original code, instead of staying as they are.',
    ),
  from: choice(['auto', 'distill', 'teacher', 'random'])
    .default('auto')
    .describe(
      'Start from the distilled student, cut from the teacher, or from random weights; auto is the distilled student where there is one, else student.initFrom.',
    ),
  holdout: number({ above: 0, max: 0.5 })
    .default(0.1)
    .describe('Part of the training split that is kept from the supernet, for the search to score on.'),
  probe: whole({ min: 0, max: 256 })
    .default(16)
    .describe(
      'Held-out pictures on which the widest, narrowest and two random widths are measured at each tick.',
    ),
});

export type SupernetConfig = z.output<typeof supernetSchema>;
