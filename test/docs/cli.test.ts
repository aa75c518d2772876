import { expect, test } from 'vitest';
import { ganletHere } from '../cli/here.ts';
import { readPage } from './markdown.ts';

const { prose } = readPage('docs/cli.md');

test('docs/cli.md has a row for every verb, as the help writes it', async () => {
  const { stdout } = await ganletHere(['--help']);
  const verbs = [...stdout.matchAll(/^ {2}ganlet (\S+(?: [<[]\S+)*)/gm)].map(([, verb]) => verb);
  const rows = [...prose.matchAll(/^\| `([^`-]+)` \| /gm)].map(([, verb]) => verb);
  expect(rows.toSorted()).toEqual(verbs.toSorted());
});

test('docs/cli.md speaks of every option', async () => {
  const verbs = [...prose.matchAll(/^\| `(\w+)/gm)].map(([, verb]) => verb!);
  expect(verbs.length).toBeGreaterThan(5);
  const options: string[] = [];
  for (const verb of verbs) {
    const { stdout } = await ganletHere([verb, '--help']);
    options.push(...[...stdout.matchAll(/^ +(?:-\w, )?(--[\w-]+)/gm)].map(([, option]) => option!));
  }
  const { blocks } = readPage('docs/cli.md');
  const text = [prose, ...blocks.map((block) => block.text)].join('\n');
  const named = new Set(text.match(/--[\w-]+/g));
  expect([...new Set(options)].filter((option) => !named.has(option))).toEqual([]);
});
