import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ganletHere } from '../cli/here.ts';
import { anchorOf, pages, readPage, root, target } from './markdown.ts';

const documentation = pages([
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'docs',
  'teachers/README.md',
  'students/README.md',
]);

/** What the documentation may run. */
const programs = ['./ganlet', 'cd', 'ganlet', 'git', 'node', 'npm', 'npx', 'python3'];

const helpOf = async (args: string[], pattern: RegExp) =>
  [...(await ganletHere([...args, '--help'], root)).stdout.matchAll(pattern)].map(([, found]) => found!);
const optionsOf = (args: string[]) => helpOf(args, /^ +(?:-\w, )?--([\w-]+)/gm);
const verbs = await helpOf([], /^ {2}ganlet (\w+)/gm);
const options = new Map<string, string[]>();
for (const verb of verbs) options.set(verb, await optionsOf([verb]));
const shared = await optionsOf([]);

test('the help lists verbs and options to compare with', () => {
  expect(verbs).toContain('run');
  expect(options.get('run')).toContain('dry-run');
  expect(shared).toContain('version');
});

/** Commands in a text, one a line, comments gone: `npx ganlet run a.yaml && …` is two. */
function commands(text: string): string[] {
  return text
    .split(/\n|&&/)
    .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
    .filter((line) => line !== '');
}

/** What is wrong with `ganlet <verb> --flag …`, or nothing. */
function wrongUse(command: string): string | undefined {
  const [, rest] = /^(?:npx )?ganlet (.*)$/.exec(command) ?? [];
  if (rest === undefined) return undefined;
  const words = rest.match(/'[^']*'|\S+/g) ?? [];
  const verb = words.find((word) => !word.startsWith('-'));
  if (verb?.startsWith('<')) return undefined;
  if (verb !== undefined && !verbs.includes(verb)) return `${command}: no verb ${verb}`;
  const known = verb === undefined ? shared : options.get(verb)!;
  const unknown = words.filter((word) => word.startsWith('--')).map((word) => word.slice(2).split('=')[0]!);
  const missing = unknown.find((option) => !known.includes(option));
  return missing === undefined ? undefined : `${command}: no option --${missing}`;
}

/** A path of this repository: in one of its folders, nothing left open. */
function isPath(text: string): boolean {
  return /^(src|test|docs|recipes|teachers|bench|students|\.ci)\/[\w./-]+$/.test(text);
}

describe.each(documentation)('$path', (page) => {
  const shell = page.blocks.filter(({ language }) => language === 'sh').flatMap(({ text }) => commands(text));

  test('links lead to files and headings that are there', () => {
    const broken = page.links.filter((link) => {
      if (/^https?:/.test(link)) return false;
      const { path, anchor } = target(page, link);
      if (!existsSync(join(root, path))) return true;
      return anchor !== undefined && !readPage(path).headings.map(anchorOf).includes(anchor);
    });
    expect(broken).toEqual([]);
  });

  test('paths of the repository are there', () => {
    const words = shell.flatMap((command) => command.split(/\s+/));
    const missing = [...page.codes, ...words].filter((text) => isPath(text) && !existsSync(join(root, text)));
    expect(missing).toEqual([]);
  });

  test('verbs and options of ganlet are there', () => {
    const written = [...page.codes, ...page.blocks.flatMap(({ text }) => commands(text))];
    expect(written.map(wrongUse).filter((problem) => problem !== undefined)).toEqual([]);
  });

  test('shell blocks run known programs, scripts and tests only', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object };
    const unknown = shell.filter((command) => {
      const [program, ...args] = command.replace(/^([A-Z_]+=\S+ )+/, '').split(/\s+/) as [
        string,
        ...string[],
      ];
      if (!programs.includes(program)) return true;
      if (program === 'npx') return !['ganlet', 'vitest'].includes(args[0]!);
      return program === 'npm' && args[0] === 'run' && !(args[1]! in scripts);
    });
    expect(unknown).toEqual([]);
  });
});

test('every page of docs is linked from the README', () => {
  const linked = documentation[0]!.links.map((link) => target(documentation[0]!, link).path);
  const all = documentation.map(({ path }) => path).filter((path) => path.startsWith('docs/'));
  expect(all.filter((path) => !linked.includes(path))).toEqual([]);
});
