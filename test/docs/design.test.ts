import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { converters } from '../../src/ops/import/convert.ts';
import { decompositions } from '../../src/ops/import/decompose.ts';
import { ops } from '../../src/ops/index.ts';
import { readPage, root } from './markdown.ts';

const { prose } = readPage('docs/design.md');

test('docs/design.md lists the operators that can be read', () => {
  const [, list = ''] = /<!-- operators -->([^<]*)<!-- \/operators -->/.exec(prose) ?? [];
  const known = new Set([ops, converters, decompositions].flatMap((table) => Object.keys(table)));
  expect(list.trim().split(/\s+/)).toEqual([...known].sort());
});

test('docs/design.md lists the folders of src', () => {
  const listed = [...prose.matchAll(/^\| `src\/(\w+)` \|/gm)].map(([, folder]) => folder!);
  const there = readdirSync(join(root, 'src'), { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  );
  expect(listed.sort()).toEqual(there.map(({ name }) => name).sort());
});
