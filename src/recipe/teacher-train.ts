import type { z } from 'zod';
import { cycleSchema } from './cycle.ts';
import { section } from './fields.ts';
import { trainSchema } from './training.ts';

/** How a teacher is trained: as any generator, and what each kind of training adds in a section of its own. */
export const teacherTrainSchema = section({
  ...trainSchema.shape,
  cycle: cycleSchema
    .optional()
    .describe('For unpaired data: the losses and the image pools of CycleGAN, in place of a reconstruction.'),
});

export type TeacherTrainConfig = z.output<typeof teacherTrainSchema>;
