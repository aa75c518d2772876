import type { z } from 'zod';
import { number, section, whole } from './fields.ts';
import { trainSchema } from './training.ts';

/** What CycleGAN adds to the training of a teacher; `lambdaIdentity` depends on the data where it is left out. */
export const cycleSchema = section({
  lambdaCycle: number({ min: 0 })
    .default(10)
    .describe(
      'Weight of the loss between a picture and what both generators, one after the other, make of it.',
    ),
  lambdaIdentity: number({ min: 0 })
    .optional()
    .describe(
      'Weight, as a part of lambdaCycle, of the loss that keeps a generator from changing pictures of its own target domain; by default 0.5, and 0 where the domains differ in channels.',
    ),
  pool: whole({ min: 0, max: 1000 })
    .default(50)
    .describe('Pictures made earlier that each discriminator sees again; 0 shows it only new ones.'),
});

/** How a teacher is trained: as any generator, and by cycles where the data has no pairs. */
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

/** The settings of a CycleGAN with every default filled in. */
export interface CycleConfig {
  lambdaCycle: number;
  lambdaIdentity: number;
  pool: number;
}

/** The settings a recipe gives, or the paper's: λ 10, identity 0.5 where it can be, pools of 50 (Zhu et al. 2017, §5.2, §7.1). */
export function resolveCycle(
  given: z.output<typeof cycleSchema> | undefined,
  channels: { condition: number; image: number },
): CycleConfig {
  const { lambdaCycle, pool, lambdaIdentity } = cycleSchema.parse(given ?? {});
  const same = channels.condition === channels.image;
  return { lambdaCycle, lambdaIdentity: lambdaIdentity ?? (same ? 0.5 : 0), pool };
}
