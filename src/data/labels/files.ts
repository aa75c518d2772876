import { readdir } from 'node:fs/promises';
import { join, parse, sep } from 'node:path';
import { GanletError } from '../../util/errors.ts';
import { fileError } from '../../util/file-error.ts';
import { findSplits, needDataFolder } from '../folder/find-splits.ts';
import type { BadImage, Split } from '../source.ts';

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
  (split) => ({
    label: join('gtFine', split),
    image: join('leftImg8bit', split),
    instance: join('gtFine', split),
  }),
];

/** How names end that say what a file is, in Cityscapes. */
const ending = /_(leftImg8bit|gt(?:Fine|Coarse)_([A-Za-z]+))$/;

/** The endings that are of a kind; of several in one folder the first. Other files of such names are drawings and the like. */
const endings: Readonly<Record<Kind, readonly string[]>> = {
  label: ['labelIds', 'labelTrainIds'],
  image: ['leftImg8bit'],
  instance: ['instanceIds'],
};

const patterns: Readonly<Record<Kind, RegExp>> = {
  label: /\.png$/i,
  image: /\.(png|jpe?g|webp)$/i,
  instance: /\.png$/i,
};

const words: Readonly<Record<Kind, string>> = {
  label: 'label map',
  image: 'image',
  instance: 'instance map',
};

/**
 * Finds the label maps of each split with their images, sorted by name: `<split>/labels`, `labels/<split>`, `<split>_label` or
 * `gtFine/<split>`, deep. Splits are held out as in `findSplits`. Also returns the files that cannot be paired. Throws DATA_MISSING
 * and DATA_SPLIT_MISSING naming the folders looked for.
 */
export async function findLabelFiles(
  path: string,
  instances: boolean,
): Promise<{ found: Record<Split, LabelFiles[]>; lonely: BadImage[] }> {
  needDataFolder(path);
  const lonely: BadImage[] = [];
  const kinds: Kind[] = instances ? ['label', 'image', 'instance'] : ['label', 'image'];
  const lookedFor = (split: string) => layouts.map((layout) => join(path, layout(split).label));
  const found = await findSplits<LabelFiles>({
    path,
    lookedFor,
    hint: 'put label maps into train/labels and test/labels, images into train/images and test/images',
    async find(split) {
      const entries = await findSplit(path, split, kinds, lonely);
      if (entries || split !== '') return entries;
      throw new GanletError(
        'DATA_MISSING',
        `${path} must have label maps, looked for ${lookedFor('train').join(', ')} and ${join(path, 'labels')}`,
        { hint: 'put them into train/labels, their images into train/images, and so on (see docs/data.md)' },
      );
    },
  });
  return { found, lonely };
}

async function findSplit(
  path: string,
  split: string,
  kinds: readonly Kind[],
  lonely: BadImage[],
): Promise<LabelFiles[] | undefined> {
  for (const layout of layouts) {
    const folders = layout(split);
    const files: Partial<Record<Kind, Map<string, string[]>>> = {};
    for (const kind of kinds) {
      const those = await listed(path, folders[kind], kind);
      if (kind === 'label' && !those) break;
      files[kind] = those ?? new Map();
    }
    const { label: labels, image: images } = files;
    if (!labels) continue;
    const entries: LabelFiles[] = [];
    for (const name of labels.keys()) {
      const named = kinds.map((kind) => ({ kind, those: files[kind]!.get(name) ?? [] }));
      const twice = named.filter(({ those }) => those.length > 1);
      const missing = named.find(({ those }) => those.length === 0);
      const [label, image, instance] = named.map(({ those }) => those[0]) as [string, string, string?];
      for (const { kind, those } of twice) lonely.push(...ofOneName(words[kind], those));
      if (missing && twice.length === 0)
        lonely.push({
          name: label,
          reason: `has no ${words[missing.kind]} of that name in ${folders[missing.kind]}`,
        });
      if (missing || twice.length > 0) continue;
      entries.push({
        id: split === '' ? name : `${split}/${name}`,
        label: join(path, label),
        image: join(path, image),
        ...(instance !== undefined && { instance: join(path, instance) }),
      });
    }
    for (const [name, those] of images!) {
      if (labels.has(name)) continue;
      for (const image of those)
        lonely.push({ name: image, reason: `has no label map of that name in ${folders.label}` });
    }
    return entries;
  }
  return undefined;
}

/** Each of some files that would be of the same pair, and what keeps it from that. */
function ofOneName(what: string, files: readonly string[]): BadImage[] {
  return files.map((name, i) => ({
    name,
    reason: `must be the only ${what} of its name, there is ${files[i === 0 ? 1 : 0]} too`,
  }));
}

/** The files of a kind below a folder by the name that pairs them, sorted; undefined without such a folder. */
async function listed(path: string, folder: string, kind: Kind): Promise<Map<string, string[]> | undefined> {
  let all: string[];
  try {
    all = await readdir(join(path, folder), { recursive: true });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw fileError('list', join(path, folder), error);
  }
  const files = all
    .map((name) => name.split(sep).join('/'))
    .filter((name) => patterns[kind].test(name) && !name.split('/').some((part) => part.startsWith('.')))
    .sort()
    .map((name) => {
      const { dir, name: stem } = parse(name);
      const plain = stem.replace(ending, '');
      const [, whole, content] = ending.exec(stem) ?? [];
      return { name, key: dir === '' ? plain : `${dir}/${plain}`, is: content ?? whole };
    });
  const wanted = endings[kind].find((word) => files.some(({ is }) => is === word));
  const byName = new Map<string, string[]>();
  for (const { name, key, is } of files) {
    if (is !== undefined && is !== wanted) continue;
    byName.set(key, [...(byName.get(key) ?? []), join(folder, name)]);
  }
  return byName;
}
