import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { GanletError } from '../../util/errors.ts';
import { fileError } from '../../util/file-error.ts';
import { sha256Json } from '../../util/hash.ts';
import { type FileOptions, openFiles } from '../open-files.ts';
import { countsAndIds } from '../parts.ts';
import { type ImageFile, imageReading } from '../single-image.ts';
import {
  type BadImage,
  type Channels,
  type Condition,
  colourChannels,
  mostClasses,
  type Source,
  type Split,
  splits,
} from '../source.ts';
import { images } from './files.ts';
import { findSplits, hold, needDataFolder } from './find-splits.ts';

export interface ImageFolderOptions extends FileOptions {
  path: string;
  /** Side in pixels to which pictures are resized, aspect not kept. */
  size: number;
  /** Only `image` counts. */
  channels?: Channels;
  greyscale?: 'reject' | 'expand';
}

interface ClassImage extends ImageFile {
  /** Name of its sub-folder; empty without classes. */
  class: string;
}

/**
 * A folder of pictures. Its sub-folders are classes (the layout of torchvision's ImageFolder), sorted by name, and the condition
 * is the class; with pictures directly in it there is no condition. Splits are folders `train`, `val` and `test`, held out as in
 * `findPairs` where they are missing. Throws DATA_MISSING, DATA_SPLIT_MISSING, DATA_CLASSES, DATA_BAD_IMAGES, DATA_EMPTY.
 */
export async function imageFolderSource(options: ImageFolderOptions): Promise<Source> {
  const { path, size, channels = colourChannels, greyscale = 'reject' } = options;
  const bad: BadImage[] = [];
  const found = await findImages(path, bad);
  const classes = checkClasses(path, found);
  const opened = await openFiles<ClassImage, Uint8Array>(
    path,
    found,
    imageReading(size, channels.image, greyscale),
    options,
    bad,
  );
  const { entries, digests } = opened;
  const condition: Condition = classes.length > 0 ? { kind: 'class', classes } : { kind: 'none' };
  const numbers = {} as Record<Split, Uint8Array[]>;
  for (const split of splits)
    numbers[split] = entries[split].map(({ class: name }) =>
      classes.length > 0 ? Uint8Array.of(classes.indexOf(name)) : new Uint8Array(),
    );
  return {
    name: 'folder',
    size,
    condition,
    channels: { condition: classes.length, image: channels.image },
    ...countsAndIds(entries),
    skipped: opened.skipped,
    ...(classes.join() === 'A,B' && {
      doubt: `A and B in ${path} are taken as two classes: for pairs of pictures of equal names set data.source to folders`,
    }),
    hash: sha256Json({
      layout: 'folder',
      reading: { size, image: channels.image, greyscale, classes },
      content: splits.map((split) => entries[split].map(({ id }, i) => [id, ...digests[split][i]!])),
    }),
    truth: false,
    async pair(split, index) {
      const image = await opened.get(split, index);
      return { condition: numbers[split][index]!, image };
    },
  };
}

/** The names of the training classes, sorted; those of other splits must be among them. */
function checkClasses(path: string, found: Readonly<Record<Split, readonly ClassImage[]>>): string[] {
  const namesOf = (split: Split) => [...new Set(found[split].map((image) => image.class))];
  const classes = namesOf('train')
    .filter((name) => name !== '')
    .sort();
  const fail = (message: string, hint: string) => {
    throw new GanletError('DATA_CLASSES', message, { hint });
  };
  for (const split of splits) {
    const strange = namesOf(split).find((name) =>
      name === '' ? classes.length > 0 : !classes.includes(name),
    );
    if (strange !== undefined)
      fail(
        `the ${split} split of ${path} must have the classes of train, it has ${strange === '' ? 'pictures without one' : strange}`,
        'the sub-folders of every split are its classes, or no split has any',
      );
  }
  if (classes.length > mostClasses)
    fail(
      `${path} must have at most ${mostClasses} classes, it has ${classes.length} sub-folders`,
      'each sub-folder is a class: put pictures that have none directly into train and test',
    );
  return classes;
}

async function findImages(path: string, bad: BadImage[]): Promise<Record<Split, ClassImage[]>> {
  needDataFolder(path);
  const folders = (await subfolders(path)) ?? [];
  return findSplits<ClassImage>({
    path,
    find: async (split) =>
      split === '' || folders.includes(split) ? imagesOf(join(path, split), split, bad) : undefined,
    lookedFor: (split) => [join(path, split)],
    hint: 'put the pictures, or the folders of classes, into sub-folders train and test, or all of them directly into data.path',
    hold: holdByClass,
  });
}

/** Holds a part of every class out, so that none is missing from training. */
function holdByClass(all: readonly ClassImage[], fraction: number): Record<'rest' | 'held', ClassImage[]> {
  const parts = [...new Set(all.map((image) => image.class))].map((name) =>
    hold(
      all.filter((image) => image.class === name),
      fraction,
    ),
  );
  return { rest: parts.flatMap(({ rest }) => rest), held: parts.flatMap(({ held }) => held) };
}

/** The pictures of a split: those of its sub-folders by class, or where it has none its own. */
async function imagesOf(folder: string, split: string, bad: BadImage[]): Promise<ClassImage[]> {
  const classes = (await subfolders(folder)) ?? [];
  const prefix = split === '' ? '' : `${split}/`;
  const loose = (await images(folder)) ?? [];
  const found: ClassImage[] = [];
  for (const name of classes) {
    for (const file of (await images(join(folder, name))) ?? [])
      found.push({ id: `${prefix}${name}/${file}`, path: join(folder, name, file), class: name });
  }
  if (found.length === 0)
    return loose.map((file) => ({ id: `${prefix}${file}`, path: join(folder, file), class: '' }));
  for (const file of loose)
    bad.push({ name: `${prefix}${file}`, reason: 'lies beside the folders of classes' });
  return found;
}

/** Names of the folders in a folder, sorted; undefined where there is none. */
async function subfolders(folder: string): Promise<string[] | undefined> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
      .map(({ name }) => name)
      .sort();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw fileError('list', folder, error);
  }
}
