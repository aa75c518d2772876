import type { z } from 'zod';
import type { Fail } from './fields.ts';
import type { RecipeFields } from './recipe-fields.ts';
import { type spade, spadeWidthCount } from './spade.ts';
import { defaultUpsampling, upsamplings } from './upsampling.ts';

/** Reports a SPADE generator that does not fit the images, and widths it does not have. */
export function checkSpade(
  generator: z.output<typeof spade>,
  { data, student }: RecipeFields,
  fail: Fail,
): void {
  const { upsampling = defaultUpsampling(data.size) } = generator;
  const multiple = 2 ** upsamplings[upsampling];
  if (data.size % multiple !== 0) {
    const reason = `a spade generator with upsampling "${upsampling}" doubles the size ${upsamplings[upsampling]} times`;
    fail(['data', 'size'], `must be a multiple of ${multiple}: ${reason}, got ${data.size}`);
  }
  const count = spadeWidthCount(upsampling);
  const given = student?.widths?.length;
  if (given !== undefined && given !== count) {
    fail(['student', 'widths'], `must be ${count} numbers for a spade teacher, got ${given}`);
  }
}
