import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as ganlet from '../../src/index.ts';

const root = join(import.meta.dirname, '../..');
const before = process.cwd();
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ganlet-docs-'));
  process.chdir(folder);
});
afterAll(() => {
  process.chdir(before);
  rmSync(folder, { recursive: true });
});

function blocks(page: string): string[] {
  const text = readFileSync(join(root, page), 'utf8');
  return [...text.matchAll(/```js\n(.*?)```/gs)].map(([, code]) => code!);
}

const importPattern = /^import \{([^}]*)\} from 'ganlet';$/m;

/** Runs a program of a page as it stands there, but for where `ganlet` comes from; returns what it logs. */
async function run(code: string): Promise<unknown[][]> {
  const lines: unknown[][] = [];
  const AsyncFunction = (async () => {}).constructor as new (
    ...args: string[]
  ) => (...args: unknown[]) => Promise<void>;
  const body = code.replace(importPattern, 'const {$1} = ganlet;');
  await new AsyncFunction('ganlet', 'console', body)(ganlet, {
    log: (...line: unknown[]) => lines.push(line),
  });
  return lines;
}

describe('the library’s page', () => {
  test('its first program trains the network of a file and saves it', async () => {
    const [program] = blocks('docs/library.md');
    const lines = await run(program!);
    const losses = lines.map(([, loss]) => loss as number);
    expect(losses.length).toBe(7);
    expect(losses.at(-1)).toBeLessThan(losses[0]! / 2);

    const trained = ganlet.loadOnnx('trained.onnx');
    expect([...trained.constants.keys()]).toEqual(['hidden.weight', 'hidden.bias', 'out.weight']);
    const points = Array.from({ length: 81 }, (_, i) => i / 20 - 2);
    const errorOf = async (file: string) => {
      const { y } = await ganlet.runGraph(ganlet.loadOnnx(file), { x: ganlet.float32([81, 1], points) });
      return points.reduce((sum, p, i) => sum + ((y!.data[i] as number) - Math.sin(2 * p)) ** 2, 0);
    };
    expect(await errorOf('trained.onnx')).toBeLessThan((await errorOf('sine.onnx')) / 2);
  });
});

test.each(['docs/library.md', 'README.md'])('what %s imports is exported', (page) => {
  const names = blocks(page).flatMap((code) =>
    [...code.matchAll(new RegExp(importPattern, 'gm'))].flatMap(([, list]) =>
      list!.split(',').map((n) => n.trim()),
    ),
  );
  expect(names.length).toBeGreaterThan(0);
  expect(names.filter((name) => name !== '' && !(name in ganlet))).toEqual([]);
});
