import { z } from 'zod';
import { choice, flag, number, section, text, whole } from './fields.ts';

const channelCounts = z.literal([1, 3], { error: 'must be 1 (grey) or 3 (colour)' });

/** Where the image pairs come from and how a batch is made of them. */
export const dataSchema = section({
  source: choice(['openmoji', 'aligned', 'folders', 'parquet', 'hub']).describe(
    'openmoji: outline and colour of the emoji in the npm package of that name; aligned: a folder of pictures, each holding A and B side by side; folders: two folders A and B with the same file names; parquet: a folder of Parquet files; hub: a data set of such files on the Hugging Face hub.',
  ),
  path: text('the path of a folder')
    .optional()
    .describe(
      "Folder of the pictures, relative to the recipe's folder; for openmoji the npm package's, where it is not found by itself.",
    ),
  repo: text('the name of a data set on the hub, owner/name', /^[\w.-]+\/[\w.-]+$/)
    .optional()
    .describe('For hub: the data set.'),
  revision: text('a branch, tag or commit').optional().describe('For hub: its version; by default main.'),
  columns: section({
    a: text('the name of a column').default('imageA').describe('Holds A of each pair.'),
    b: text('the name of a column').default('imageB').describe('Holds B of each pair.'),
  })
    .optional()
    .describe('For parquet and hub: the columns of the pictures; by default imageA and imageB.'),
  size: whole({ min: 16, max: 1024, multipleOf: 4 }).describe('Side of the square images, in pixels.'),
  flip: flag().default(true).describe('Mirror a training pair left to right, every second time.'),
  jitter: number({ min: 0, max: 1 })
    .default(0)
    .describe(
      'Enlarge a training pair by this fraction, then crop it at a random place; 0 is off, pix2pix uses 0.117.',
    ),
  direction: choice(['AtoB', 'BtoA'])
    .default('AtoB')
    .describe('Which side is the condition: AtoB makes B from A.'),
  onBadImage: choice(['error', 'skip'])
    .default('error')
    .describe('What an unreadable picture does: stop the run, or be left out and counted.'),
  greyscale: choice(['reject', 'expand'])
    .default('reject')
    .describe(
      'What a picture of one channel is where three are wanted: a bad picture, or its grey repeated.',
    ),
  channels: section({
    condition: channelCounts.default(3).describe('Channels of the image that is given.'),
    image: channelCounts.default(3).describe('Channels of the image that is made.'),
  })
    .prefault({})
    .describe('1 is grey, 3 is colour.'),
});

export type DataConfig = z.output<typeof dataSchema>;
