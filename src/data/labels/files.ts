import { readdir } from 'node:fs/promises';
import { join, parse, sep } from 'node:path';
import { GanletError } from '../../util/errors.ts';
import { fileError } from '../../util/file-error.ts';
import { hold, testFraction, valFraction } from '../folder/files.ts';
import type { BadImage, Split } from '../source.ts';
import { splits } from '../source.ts';

/** The files of one label map, its image, and where asked for the numbers of its objects. */
export interface LabelFiles {
  /** "train/0001": unique in the data set. */
  id: string;
  label: string;
  image: string;
  instance?: string;
}

type Kind = 'label' | 'image' | 'instance';

/** How data sets call the folders of a split, by layout. `split` is empty where there are no splits. */
const layouts: readonly ((split: string) => Record<Kind, string>)[] = [
  (split) => ({
    label: join(split, 'labels'),
    image: join(split, 'images'),
    instance: join(split, 'instances'),
  }),
  (split) => ({
    label: join('labels', split),
    image: join('images', split),
    instance: join('instances', split),
  }),
  (split) => ({ label: `${split}_label`, image: `${split}_img`, instance: `${split}_inst` }),
];

/** Endings of names that say what a file is, where those of a pair differ in them (Cityscapes). */
const suffix =
  /_(leftImg8bit|gtFine_(labelIds|labelTrainIds|instanceIds)|gtCoarse_(labelIds|labelTrainIds|instanceIds))$/;

/**
 * Finds the label maps of each split with their images, sorted by name: `<split>/labels`, `labels/<split>` or `<split>_label`,
 * deep. Splits are held out as in `findPairs`. Also returns the files that have no partner. Throws DATA_MISSING and
 * DATA_SPLIT_MISSING naming the folders looked for.
 */
export async function findLabelFiles(
  path: string,
  instances: boolean,
): Promise<{ found: Record<Split, LabelFiles[]>; lonely: BadImage[] }> {
  const lonely: BadImage[] = [];
  const found: Partial<Record<Split, LabelFiles[]>> = {};
  for (const split of splits) {
    const files = await findSplit(path, split, instances, lonely);
    if (files) found[split] = files;
  }
  if (!found.train && !found.val && !found.test) {
    const all = await findSplit(path, '', instances, lonely);
    if (!all) {
      throw new GanletError(
        'DATA_MISSING',
        `${path} must have label maps, looked for ${layouts.map((layout) => join(path, layout('train').label)).join(', ')} and ${join(path, 'labels')}`,
        { hint: 'put them into train/labels, their images into train/images, and so on (see docs/data.md)' },
      );
    }
    const { rest, held } = hold(all, testFraction);
    Object.assign(found, { train: rest, test: held });
  }
  const { train, test } = found;
  if (!train || !test) {
    const missing = train ? 'test' : 'train';
    throw new GanletError(
      'DATA_SPLIT_MISSING',
      `${path} must have a ${missing} split, looked for ${layouts.map((layout) => join(path, layout(missing).label)).join(', ')}`,
      {
        hint:
          missing === 'test' && found.val
            ? 'name the val folders "test": a part of train is then held out for the search'
            : 'put label maps into train/labels and test/labels, images into train/images and test/images',
      },
    );
  }
  const { rest, held } = hold(train, valFraction);
  return { found: found.val ? { train, val: found.val, test } : { train: rest, val: held, test }, lonely };
}

async function findSplit(
  path: string,
  split: string,
  instances: boolean,
  lonely: BadImage[],
): Promise<LabelFiles[] | undefined> {
  for (const layout of layouts) {
    const folders = layout(split);
    const labels = await listed(path, folders.label, /\.png$/i);
    if (!labels) continue;
    const images = (await listed(path, folders.image, /\.(png|jpe?g|webp)$/i)) ?? new Map<string, string>();
    const objects = instances ? ((await listed(path, folders.instance, /\.png$/i)) ?? new Map()) : undefined;
    const entries: LabelFiles[] = [];
    for (const [name, label] of labels) {
      const image = images.get(name);
      const instance: string | undefined = objects?.get(name);
      images.delete(name);
      const without = (what: string, where: string) =>
        lonely.push({ name: label, reason: `has no ${what} of that name in ${where}` });
      if (image === undefined) without('image', folders.image);
      else if (objects && instance === undefined) without('instance map', folders.instance);
      else
        entries.push({
          id: split === '' ? name : `${split}/${name}`,
          label: join(path, label),
          image: join(path, image),
          ...(instance !== undefined && { instance: join(path, instance) }),
        });
    }
    for (const image of images.values())
      lonely.push({ name: image, reason: `has no label map of that name in ${folders.label}` });
    return entries;
  }
  return undefined;
}

/** The files below a folder by the name that pairs them, sorted; undefined without such a folder. */
async function listed(
  path: string,
  folder: string,
  pattern: RegExp,
): Promise<Map<string, string> | undefined> {
  let all: string[];
  try {
    all = await readdir(join(path, folder), { recursive: true });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw fileError('list', join(path, folder), error);
  }
  const names = all.map((name) => name.split(sep).join('/')).filter((name) => pattern.test(name));
  return new Map(
    names
      .filter((name) => !name.split('/').some((part) => part.startsWith('.')))
      .sort()
      .map((name) => {
        const { dir, name: stem } = parse(name);
        const plain = stem.replace(suffix, '');
        return [dir === '' ? plain : `${dir}/${plain}`, join(folder, name)];
      }),
  );
}
