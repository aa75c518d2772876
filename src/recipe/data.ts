import { z } from 'zod';
import { choice, flag, listOf, number, oneOf, section, text, whole } from './fields.ts';
import { emojiStyles } from './names.ts';
import { type DataSourceName, dataSources, sources, usualStyles, usualValues } from './sources.ts';

const channelCounts = z.literal([1, 3], { error: 'must be 1 (grey) or 3 (colour)' });

const sourceRule = {
  error: `must be ${oneOf([...dataSources.map((word) => JSON.stringify(word)), '"hub:owner/name"'])}`,
};

/** `hub:owner/name` is told apart before, see `withRepo`. */
const source = z
  .union(
    [z.enum(dataSources, sourceRule), z.string(sourceRule).regex(/^hub:[\w.-]+\/[\w.-]+$/, sourceRule)],
    sourceRule,
  )
  .transform((word): DataSourceName => dataSources.find((name) => name === word) ?? 'hub');

const labelsRule = { error: 'must be how many labels there are, from 2 to 255, or a list of their names' };

const labels = z.union(
  [
    z.int(labelsRule).min(2, labelsRule).max(255, labelsRule),
    z.array(z.string(labelsRule).regex(/\S/, labelsRule), labelsRule).min(2, labelsRule).max(255, labelsRule),
  ],
  labelsRule,
);

const column = () => text('the name of a column').optional();

const dataFields = section({
  source: source.describe(`${dataSources.map((name) => `${name}: ${sources[name].says}`).join('; ')}.`),
  path: text('the path of a folder')
    .optional()
    .describe(
      "Folder of the pictures, relative to the recipe's folder; for openmoji the npm package's, for other emoji one with the packages in its node_modules, where they are not found by themselves.",
    ),
  repo: text('the name of a data set on the hub, owner/name', /^[\w.-]+\/[\w.-]+$/)
    .optional()
    .describe('For hub: the data set.'),
  revision: text('a branch, tag or commit').optional().describe('For hub: its version; by default main.'),
  columns: section({
    a: column().describe('Holds A of each pair; by default imageA.'),
    b: column().describe('Holds B of each pair; by default imageB.'),
    image: column().describe(
      'Holds pictures that are no pairs; by default img or image, whichever there is.',
    ),
    label: column().describe(
      'Holds their classes, by default label where there is such a column; beside a or b the classes of pairs.',
    ),
  })
    .optional()
    .describe(
      'For parquet and hub: the columns, a, b and label of pairs, or image and label; left out, what the files have.',
    ),
  labels: labels
    .optional()
    .describe(
      'For labelmap: how many labels there are, or their names. For emoji-labels: how many colours, 12 by default.',
    ),
  dontCare: whole({ min: 1, max: 65535 })
    .optional()
    .describe('For labelmap: a value that is no label, 255 in many data sets, and becomes one label more.'),
  edges: flag()
    .optional()
    .describe('For labelmap: also give the edges between objects, from the instance maps.'),
  from: choice(emojiStyles)
    .optional()
    .describe(
      `For emoji-pairs and emoji-labels: whose drawing is given; by default ${usualStyles['emoji-pairs'].from} for pairs, ${usualStyles['emoji-labels'].from} for labels.`,
    ),
  to: choice(emojiStyles)
    .optional()
    .describe(
      `For emoji-pairs and emoji-labels: whose drawing is made; by default ${usualStyles['emoji-pairs'].to}.`,
    ),
  aligned: flag()
    .optional()
    .describe(
      'For emoji-pairs: whether training knows which drawings belong together, true by default; measuring always does.',
    ),
  styles: listOf(choice(emojiStyles), 'a list of at least one drawing style', 1)
    .optional()
    .describe(
      `For emoji-classes: whose drawings are shown; by default those of ${usualStyles['emoji-classes'].styles.join()}.`,
    ),
  classes: text('the path of a file')
    .optional()
    .describe(
      'For aligned, folders and labelmap: a file with a line "name,class" for each pair; the class is given to the generator besides.',
    ),
  categories: flag()
    .optional()
    .describe(
      'For emoji-pairs and emoji-labels: give the category besides ("animals-nature", "food-drink", …).',
    ),
  size: whole({ min: 16, max: 1024, multipleOf: 4 }).describe('Side of the square images, in pixels.'),
  flip: flag().default(true).describe('Mirror a training pair left to right, every second time.'),
  jitter: number({ min: 0, max: 1 })
    .default(0)
    .describe(
      'Enlarge a training pair by this fraction, then crop it at a random place; 0 is off, pix2pix uses 0.117.',
    ),
  direction: choice(['AtoB', 'BtoA'])
    .default(usualValues.direction)
    .describe('For sources of two sides: which one is the condition; AtoB makes B from A.'),
  onBadImage: choice(['error', 'skip'])
    .default(usualValues.onBadImage)
    .describe('For files: what an unreadable picture does: stop the run, or be left out and counted.'),
  greyscale: choice(['reject', 'expand'])
    .default(usualValues.greyscale)
    .describe(
      'For files: what a picture of one channel is where three are wanted: a bad picture, or its grey repeated.',
    ),
  channels: section({
    condition: channelCounts.default(3).describe('Channels of the image that is given, where one is.'),
    image: channelCounts.default(3).describe('Channels of the image that is made.'),
  })
    .prefault({})
    .describe('1 is grey, 3 is colour.'),
});

/** Where the images come from and how a batch is made of them. */
export const dataSchema = z.preprocess(withRepo, dataFields);

/** `source: hub:owner/name` as `source: hub` and `repo: owner/name`. */
function withRepo(data: unknown, context: z.core.$RefinementCtx): unknown {
  if (typeof data !== 'object' || data === null || !('source' in data)) return data;
  const { source } = data;
  if (typeof source !== 'string' || !/^hub:[\w.-]+\/[\w.-]+$/.test(source)) return data;
  if ('repo' in data)
    context.addIssue({
      code: 'custom',
      path: ['repo'],
      message: `must be left out where data.source is ${source}`,
    });
  return { repo: source.slice('hub:'.length), ...data, source: 'hub' };
}

export type DataConfig = z.output<typeof dataSchema>;
