import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../src');

/** Folders from the top of the toolkit to its bottom: each may import itself and those after it. */
const layers = [
  'cli',
  'report',
  'demo',
  'pipeline',
  'search',
  'train',
  'metrics',
  'compress',
  'models',
  'data',
  'backend',
  'autodiff',
  'ops',
  'graph',
  'recipe',
  'util',
];

const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));

function importsOf(file: string): string[] {
  const source = readFileSync(join(root, file), 'utf8');
  return [...source.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)].map(([, target]) =>
    relative(root, resolve(root, dirname(file), target!)),
  );
}

describe('the folders of src', () => {
  it('are all known layers', () => {
    const folders = new Set(files.filter((file) => file.includes('/')).map((file) => file.split('/')[0]!));
    expect([...folders].filter((folder) => !layers.includes(folder))).toEqual([]);
  });

  it('import only downwards', () => {
    const upward: string[] = [];
    for (const file of files.filter((name) => name.includes('/'))) {
      const from = layers.indexOf(file.split('/')[0]!);
      for (const target of importsOf(file)) {
        const [folder] = target.split('/');
        const to = layers.indexOf(folder!);
        if (to < from) upward.push(`${file} imports ${target}`);
      }
    }
    expect(upward).toEqual([]);
  });

  it('hold no file over 400 lines', () => {
    const long = files
      .map((file) => [file, readFileSync(join(root, file), 'utf8').split('\n').length] as const)
      .filter(([, lines]) => lines > 400);
    expect(long).toEqual([]);
  });

  it('let only graph/ know protobuf', () => {
    const users = files.filter((file) =>
      /from '(@bufbuild|onnx-buf)/.test(readFileSync(join(root, file), 'utf8')),
    );
    expect(users.filter((file) => !file.startsWith('graph/'))).toEqual([]);
  });
});
