import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { folderMetrics } from '../../src/metrics/metric-names.ts';
import { featureNetwork } from '../../src/metrics/networks/find.ts';
import { built, folderWith } from '../cli/ganlet.ts';
import { tinyNetwork } from '../metrics/tiny-network.ts';
import { readPage } from './markdown.ts';

const page = readPage('docs/metrics.md');

test('the lines of docs/metrics.md measure sets, features, paths and planes', () => {
  const folder = folderWith();
  const code = page.blocks.find(({ language }) => language === 'js')!.text;
  writeFileSync(join(folder, 'snippet.mjs'), code.replace("from 'ganlet'", `from '${built('index.js')}'`));
  const { status, stdout, stderr } = spawnSync(process.execPath, ['snippet.mjs'], {
    cwd: folder,
    encoding: 'utf8',
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const [meter, distances, path, separability] = stdout.split('\n');
  expect(meter).toBe('FD-emoji-64 true');
  expect(distances!.split(' ').map(Number).every(Number.isFinite)).toBe(true);
  expect(path).toMatch(/^path length \d[\d.]+ of \d+$/);
  expect(Number(separability!.split(' ')[1])).toBeCloseTo(1, 1);
});

test('docs/metrics.md has a row for each metric', () => {
  for (const metric of folderMetrics) expect(page.prose).toMatch(new RegExp(`^\\|.*\`${metric}\``, 'm'));
});

test('the card in docs/metrics.md is one that is read', async () => {
  const folder = folderWith();
  mkdirSync(join(folder, 'net'));
  writeFileSync(join(folder, 'net/net.onnx'), tinyNetwork(4, 16));
  const text = page.blocks.find(({ language }) => language === 'json')!.text;
  writeFileSync(join(folder, 'net/net.card.json'), text.replace(/ *"sha256".*\n/, ''));
  expect(await featureNetwork(join(folder, 'net/net.onnx'))).toMatchObject({
    frechet: 'FD-dinov2s-384',
    output: { token: 0 },
  });
});
