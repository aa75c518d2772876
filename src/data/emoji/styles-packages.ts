import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { EmojiStyle } from '../../recipe/names.ts';
import { GanletError } from '../../util/errors.ts';
import { fileError } from '../../util/file-error.ts';
import type { OpenmojiEntry } from './openmoji-concepts.ts';

/** A set of emoji drawings that is published on npm. */
export interface DrawingSet {
  /** npm package, and the version that recipes were made with. */
  package: string;
  version: string;
  author: string;
  licence: string;
  url: string;
}

/** The drawing sets by the name of their style. */
export const drawingSets = {
  openmoji: {
    package: 'openmoji',
    version: '17.0.0',
    author: 'OpenMoji – the open-source emoji and icon project',
    licence: 'CC BY-SA 4.0',
    url: 'https://openmoji.org',
  },
  noto: {
    package: '@iconify-json/noto',
    version: '1.2.9',
    author: 'Google Inc',
    licence: 'Apache-2.0',
    url: 'https://github.com/googlefonts/noto-emoji',
  },
  twemoji: {
    package: '@iconify-json/twemoji',
    version: '1.2.5',
    author: 'Twitter and other contributors',
    licence: 'CC BY 4.0',
    url: 'https://github.com/jdecked/twemoji',
  },
  'fluent-flat': {
    package: '@iconify-json/fluent-emoji-flat',
    version: '1.2.6',
    author: 'Microsoft Corporation',
    licence: 'MIT',
    url: 'https://github.com/microsoft/fluentui-emoji',
  },
} as const satisfies Record<EmojiStyle, DrawingSet>;

/** What `openmoji/data/openmoji.json` says about one emoji. */
export interface EmojiEntry extends OpenmojiEntry {
  group: string;
  subgroups: string;
}

/** The drawings of one style. */
export interface Drawings {
  style: EmojiStyle;
  version: string;
  /** The SVG text of an emoji by `plainHexcode`, or undefined where this style has none. */
  svg(hexcode: string): Promise<string | undefined>;
}

/** Code points without variation selectors, which sets write or leave out as they like: "263A-FE0F" → "263a". */
export function plainHexcode(hexcode: string): string {
  return hexcode
    .toLowerCase()
    .split('-')
    .filter((point) => point !== 'fe0f')
    .join('-');
}

/**
 * The list of all emoji, from the openmoji package. `folder` is where to look for packages; by default beside this package
 * and in the current project. Throws DATA_PACKAGE_MISSING and DATA_PACKAGE_INVALID.
 */
export async function emojiEntries(folder?: string): Promise<EmojiEntry[]> {
  const place = join(await findPackage(drawingSets.openmoji, folder), 'data/openmoji.json');
  const entries = await readJson(place, drawingSets.openmoji);
  const fields = ['hexcode', 'annotation', 'group', 'subgroups'] as const;
  const right = (entry: Partial<EmojiEntry> | null) =>
    fields.every((field) => typeof entry?.[field] === 'string') && /^[0-9A-F-]+$/i.test(entry!.hexcode!);
  if (!Array.isArray(entries) || !entries.every(right))
    throw damaged(place, `must list emoji with ${fields.join(', ')}, it does not`, drawingSets.openmoji);
  return entries;
}

/** The version of the package with that list. Throws as `emojiEntries`. */
export async function emojiListVersion(folder?: string): Promise<string> {
  return versionOf(await findPackage(drawingSets.openmoji, folder), drawingSets.openmoji);
}

/** Opens one style. Throws DATA_PACKAGE_MISSING and DATA_PACKAGE_INVALID. */
export async function openDrawings(style: EmojiStyle, folder?: string): Promise<Drawings> {
  const set = drawingSets[style];
  const place = await findPackage(set, folder);
  const version = await versionOf(place, set);
  if (style === 'openmoji') return { style, version, svg: await openmojiDrawings(place, folder) };
  const icons = (await readJson(join(place, 'icons.json'), set)) as IconSet;
  const chars = (await readJson(join(place, 'chars.json'), set)) as Record<string, string>;
  if (typeof icons?.icons !== 'object' || typeof chars !== 'object')
    throw damaged(place, 'must have drawings in icons.json and their code points in chars.json', set);
  const names = new Map(Object.entries(chars).map(([hexcode, name]) => [plainHexcode(hexcode), name]));
  return {
    style,
    version,
    svg: async (hexcode) => {
      const name = names.get(hexcode);
      return name === undefined ? undefined : iconSvg(icons, name);
    },
  };
}

async function openmojiDrawings(place: string, folder?: string): Promise<Drawings['svg']> {
  const entries = await emojiEntries(folder);
  const files = new Map(entries.map(({ hexcode }) => [plainHexcode(hexcode), hexcode]));
  return async (hexcode) => {
    const file = files.get(hexcode);
    if (file === undefined) return undefined;
    return readText(join(place, 'color/svg', `${file}.svg`), drawingSets.openmoji);
  };
}

/** The part of Iconify's format that emoji use: https://iconify.design/docs/types/iconify-json.html */
interface IconSet {
  icons: Record<string, Icon>;
  /** Other names; those that also turn or mirror their parent have more keys. */
  aliases?: Record<string, { parent: string }>;
  width?: number;
  height?: number;
}

interface Icon {
  body: string;
  width?: number;
  height?: number;
}

function iconSvg(set: IconSet, name: string): string | undefined {
  const alias = set.aliases?.[name];
  const icon = set.icons[name] ?? (alias && Object.keys(alias).length === 1 && set.icons[alias.parent]);
  if (!icon) return undefined;
  const [width, height] = [icon.width ?? set.width ?? 16, icon.height ?? set.height ?? 16];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}">${icon.body}</svg>`;
}

/** The folder of an installed package. */
async function findPackage(set: DrawingSet, folder?: string): Promise<string> {
  const places = folder ? [folder] : [import.meta.dirname, process.cwd()];
  for (const from of places) {
    try {
      return dirname(createRequire(join(from, 'package.json')).resolve(`${set.package}/package.json`));
    } catch {}
  }
  throw new GanletError(
    'DATA_PACKAGE_MISSING',
    folder
      ? `data.path must be a folder with the npm package "${set.package}" in its node_modules, ${folder} has none`
      : `the drawings of emoji need the npm package "${set.package}", which is not installed`,
    {
      hint:
        `npm install ${set.package}@${set.version}, ` +
        (set.package === drawingSets.openmoji.package
          ? 'which lists the emoji of all styles'
          : 'or choose other styles in the recipe'),
    },
  );
}

async function versionOf(place: string, set: DrawingSet): Promise<string> {
  return ((await readJson(join(place, 'package.json'), set)) as { version: string }).version;
}

async function readJson(path: string, set: DrawingSet): Promise<unknown> {
  const text = await readText(path, set);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw damaged(path, 'must be JSON, it is not', set, cause);
  }
}

async function readText(path: string, set: DrawingSet): Promise<string> {
  return readFile(path, 'utf8').catch((cause) => {
    const reason = fileError('read', path, cause).message.split(': ').at(-1);
    throw damaged(path, `cannot be read: ${reason}`, set, cause);
  });
}

/** DATA_PACKAGE_INVALID for a file of a package. */
export function damaged(path: string, what: string, set: DrawingSet, cause?: unknown): GanletError {
  return new GanletError('DATA_PACKAGE_INVALID', `${path} ${what}`, {
    hint: `the package is damaged or of another version: npm install ${set.package}@${set.version}`,
    cause,
  });
}
