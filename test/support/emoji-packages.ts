import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const require = createRequire(import.meta.url);
const drawings = ['color/svg', 'black/svg'];
const iconSets = ['noto', 'twemoji', 'fluent-emoji-flat'] as const;

interface Entry {
  hexcode: string;
  group: string;
  skintone: string | number;
}

/**
 * Installs the emoji packages into `folder`/node_modules with one in `every` of their emoji: true drawings, but few of them,
 * so that they are drawn in a moment. Returns the folder.
 */
export function emojiPackages(folder: string, every: number): string {
  const openmoji = dirname(require.resolve('openmoji/package.json'));
  const all = JSON.parse(readFileSync(join(openmoji, 'data/openmoji.json'), 'utf8')) as Entry[];
  const plain = all.filter(({ group, skintone }) => skintone === '' && /^(smil|anim|food|obj)/.test(group));
  const few = plain.filter((_, i) => i % every === 0);
  const target = join(folder, 'node_modules/openmoji');
  for (const part of ['data', ...drawings]) mkdirSync(join(target, part), { recursive: true });
  copyFileSync(join(openmoji, 'package.json'), join(target, 'package.json'));
  writeFileSync(join(target, 'data/openmoji.json'), JSON.stringify(few));
  for (const file of few.flatMap(({ hexcode }) => drawings.map((part) => `${part}/${hexcode}.svg`)))
    copyFileSync(join(openmoji, file), join(target, file));

  const kept = new Set(few.map(({ hexcode }) => withoutSelectors(hexcode)));
  for (const set of iconSets) {
    const from = dirname(require.resolve(`@iconify-json/${set}/package.json`));
    const to = join(folder, 'node_modules/@iconify-json', set);
    mkdirSync(to, { recursive: true });
    copyFileSync(join(from, 'package.json'), join(to, 'package.json'));
    const read = (file: string) => JSON.parse(readFileSync(join(from, file), 'utf8'));
    const chars = Object.entries(read('chars.json') as Record<string, string>).filter(([hexcode]) =>
      kept.has(withoutSelectors(hexcode)),
    );
    const { icons, aliases, ...rest } = read('icons.json');
    const names = new Set(chars.flatMap(([, name]) => [name, aliases?.[name]?.parent]));
    const few = (part: object) =>
      Object.fromEntries(Object.entries(part).filter(([name]) => names.has(name)));
    writeFileSync(join(to, 'chars.json'), JSON.stringify(Object.fromEntries(chars)));
    writeFileSync(
      join(to, 'icons.json'),
      JSON.stringify({ ...rest, icons: few(icons), aliases: few(aliases ?? {}) }),
    );
  }
  return folder;
}

const withoutSelectors = (hexcode: string) => hexcode.toUpperCase().replaceAll('-FE0F', '');
