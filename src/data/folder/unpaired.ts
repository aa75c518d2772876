import { join } from 'node:path';
import { GanletError } from '../../util/errors.ts';
import { sha256Json } from '../../util/hash.ts';
import { type FileOptions, type OpenFiles, openFiles } from '../open-files.ts';
import { countsAndIds } from '../parts.ts';
import { type ImageFile, imageReading } from '../single-image.ts';
import { type Channels, colourChannels, type Source, type Split, splits } from '../source.ts';
import { images } from './files.ts';
import { findSplits, needDataFolder } from './find-splits.ts';

export interface UnpairedOptions extends FileOptions {
  /** The folder with trainA, trainB, testA, testB and perhaps valA, valB. */
  path: string;
  /** Side in pixels to which pictures are resized, aspect not kept. */
  size: number;
  /** AtoB (default): pictures of A are the conditions, those of B what they shall become the like of. */
  direction?: 'AtoB' | 'BtoA';
  channels?: Channels;
  greyscale?: 'reject' | 'expand';
}

type Domain = 'A' | 'B';

/**
 * Two folders of pictures that have nothing to do with each other, in the layout of CycleGAN: trainA, trainB, testA, testB, or
 * train/A and so on. Without val folders a tenth of each training folder is held out. There are no true pairs: the image of a
 * pair is just one of the other domain. Throws DATA_MISSING, DATA_SPLIT_MISSING, DATA_BAD_IMAGES, DATA_EMPTY, and DATA_TOO_FEW for a domain with a
 * single training picture.
 */
export async function unpairedSource(options: UnpairedOptions): Promise<Source> {
  const {
    path,
    size,
    direction = 'AtoB',
    channels = colourChannels,
    greyscale = 'reject',
    onProgress,
  } = options;
  needDataFolder(path);
  const [given, made]: [Domain, Domain] = direction === 'AtoB' ? ['A', 'B'] : ['B', 'A'];
  const files = { A: await findDomain(path, 'A'), B: await findDomain(path, 'B') };
  const countOf = (domain: Domain) => splits.reduce((sum, split) => sum + files[domain][split].length, 0);
  for (const domain of ['A', 'B'] as const) {
    if (files[domain].train.length < 2) throw tooFew(path, domain, files[domain].train.length);
  }
  const total = countOf('A') + countOf('B');
  const open = (domain: Domain, held: number, before: number) =>
    openFiles(
      path,
      files[domain],
      imageReading(size, held as 1 | 3, greyscale, `image of domain ${domain}`),
      {
        ...options,
        memory: (options.memory ?? 512 * 2 ** 20) / 2,
        ...(onProgress && { onProgress: (done) => onProgress(before + done, total) }),
      },
    );
  const conditions = await open(given, channels.condition, 0);
  const targets = await open(made, channels.image, countOf(given));
  for (const [domain, { entries }] of [
    [given, conditions],
    [made, targets],
  ] as const) {
    if (entries.train.length < 2) throw tooFew(path, domain, entries.train.length);
  }
  const { counts: targetCounts } = countsAndIds(targets.entries);
  const content = (opened: OpenFiles<ImageFile, Uint8Array>) =>
    splits.map((split) => opened.entries[split].map(({ id }, i) => [id, ...opened.digests[split][i]!]));
  return {
    name: 'unpaired',
    size,
    condition: { kind: 'image', channels: channels.condition },
    channels,
    ...countsAndIds(conditions.entries),
    skipped: [...conditions.skipped, ...targets.skipped],
    hash: sha256Json({
      layout: 'unpaired',
      reading: { size, direction, channels, greyscale },
      content: [content(conditions), content(targets)],
    }),
    truth: false,
    unpaired: { counts: targetCounts, image: targets.get },
    async pair(split, index) {
      const condition = await conditions.get(split, index);
      return { condition, image: await targets.get(split, index % targetCounts[split]) };
    },
  };
}

async function findDomain(path: string, domain: Domain): Promise<Record<Split, ImageFile[]>> {
  const foldersOf = (split: Split) => [`${split}${domain}`, join(split, domain)];
  return findSplits<ImageFile>({
    path,
    what: `folder of domain ${domain}`,
    async find(split) {
      if (split === '') return undefined;
      for (const folder of foldersOf(split)) {
        const names = await images(join(path, folder));
        // An empty folder is a mistake everywhere; only val folders may be missing.
        if (names?.length === 0) throw empty(path, domain, folder);
        if (names)
          return names.map((name) => ({ id: `${split}${domain}/${name}`, path: join(path, folder, name) }));
      }
      return undefined;
    },
    lookedFor: (split) => foldersOf(split).map((folder) => join(path, folder)),
    hint: 'put the pictures into trainA, trainB, testA and testB',
  });
}

function empty(path: string, domain: Domain, folder: string): GanletError {
  return new GanletError(
    'DATA_EMPTY',
    `domain ${domain} must have images in ${join(path, folder)}, it has none`,
    {
      hint: 'add PNG, JPEG or WebP images',
    },
  );
}

function tooFew(path: string, domain: Domain, count: number): GanletError {
  return new GanletError(
    'DATA_TOO_FEW',
    `domain ${domain} of ${path} must have at least 2 images to train on, it has ${count}`,
    {
      hint: `add images to train${domain}: without a folder val${domain} a tenth of them, at least one, is held out, so that it needs 3`,
    },
  );
}
