import { z } from 'zod';
import { type Condition, mostClasses } from '../data/source.ts';

const level = z.int().min(0).max(255);

const labels = z
  .array(z.looseObject({ name: z.string(), colour: z.tuple([level, level, level]) }))
  .min(1)
  .max(mostClasses);

const classes = z.array(z.string()).min(1).max(mostClasses);

/** What a card says a network is given: needed to draw for it, since the file has only the number of channels. */
export const conditionSchema: z.ZodType<Condition> = z.discriminatedUnion('kind', [
  z.looseObject({
    kind: z.literal('image'),
    channels: z.union([z.literal(1), z.literal(3)]),
    classes: classes.exactOptional(),
  }),
  z.looseObject({ kind: z.literal('labels'), labels, edges: z.boolean(), classes: classes.exactOptional() }),
  z.looseObject({ kind: z.literal('class'), classes }),
  z.looseObject({ kind: z.literal('none') }),
]);
