import type { z } from 'zod';
import { cycleSchema } from './cycle.ts';
import { number, section } from './fields.ts';
import { trainSchema } from './training.ts';

/** How a teacher is trained: as any generator, and what each kind of training adds in a section of its own. */
export const teacherTrainSchema = section({
  ...trainSchema.shape,
  lambdaKl: number({ above: 0 })
    .optional()
    .describe(
      'With teacher.generator.encoder: weight of the distance of its vectors from standard normal ones, a sum over the batch; by default 0.05.',
    ),
  cycle: cycleSchema
    .optional()
    .describe('For unpaired data: the losses and the image pools of CycleGAN, in place of a reconstruction.'),
});

export type TeacherTrainConfig = z.output<typeof teacherTrainSchema>;
