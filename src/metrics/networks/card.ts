import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { cardPath } from '../../models/card-path.ts';
import { GanletError } from '../../util/errors.ts';
import { exists } from '../../util/exists.ts';
import { fileError } from '../../util/file-error.ts';
import { resizeModes } from '../resize.ts';

const numbers = (rule: z.ZodType<number>) => z.array(rule).length(3);

const described = z.looseObject({
  name: z.string().regex(/^[A-Za-z0-9][\w.-]*$/, 'must be letters, digits, "-", "_" and "."'),
  kind: z.literal('features'),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
  input: z.looseObject({
    name: z.string(),
    size: z.int().min(1).max(4096),
    layout: z.enum(['NCHW', 'NHWC']).default('NCHW'),
    channels: z.enum(['RGB', 'BGR']).default('RGB'),
    mean: numbers(z.number().min(-2).max(2)),
    std: numbers(z.number().positive().max(2)),
    resize: z.enum(resizeModes),
  }),
  output: z.looseObject({
    name: z.string(),
    dimension: z.int().min(1).max(65_536),
    token: z.int().min(0).optional(),
  }),
  logits: z.looseObject({ name: z.string(), classes: z.int().min(2) }).optional(),
});

/**
 * What a card says of a feature network: `mean` and `std` are those of pixels on [0, 1], red, green, blue, whatever the order of
 * the channels; `output.dimension` numbers a picture, for an output of [pictures, tokens, dimension] those of `output.token` (0 is
 * the class token of vision transformers); `logits` only where there are class scores.
 */
export type FeatureCard = z.infer<typeof described>;

const imported = z.looseObject({
  sha256: z.string(),
  imported: z.looseObject({
    kind: z.string(),
    sha256: z.string(),
    linear: z.looseObject({ sha256: z.string() }).optional(),
  }),
});

/** A card that `ganlet import` wrote: what the network is follows from its kind. */
export type ImportedCard = z.infer<typeof imported>;

/**
 * The card of the network in `path`: `<name>.card.json`, else `card.json` beside it. Throws FEATURES_CARD_MISSING without one and
 * FEATURES_CARD_INVALID, naming the key, for one that does not say what is needed.
 */
export function readFeatureCard(path: string): FeatureCard | ImportedCard {
  const file = [cardPath(path), join(dirname(path), 'card.json')].find(exists);
  if (file === undefined) {
    throw new GanletError(
      'FEATURES_CARD_MISSING',
      `${path} must come with a card of its preprocessing, there is no ${basename(cardPath(path))} and no card.json beside it`,
      { hint: 'docs/metrics.md shows what a card of a feature network says' },
    );
  }
  const content = parse(file);
  const own = imported.safeParse(content);
  if (own.success) return own.data;
  const { data, error } = described.safeParse(content);
  if (data) return data;
  const [issue] = error.issues;
  const where = issue!.path.join('.') || 'its content';
  throw new GanletError(
    'FEATURES_CARD_INVALID',
    `${file} must be the card of a feature network, ${where} is not right: ${issue!.message}`,
    { hint: 'docs/metrics.md shows what it says; mean and std are those of pixels on [0, 1]' },
  );
}

function parse(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw fileError('read', file, error);
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new GanletError('FEATURES_CARD_INVALID', `${file} must be JSON, it is not`, {
      hint: 'docs/metrics.md shows what the card of a feature network says',
      cause,
    });
  }
}
