import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cycleTraining } from '../../../src/pipeline/teach/cycle.ts';
import { onlineTraining } from '../../../src/pipeline/teach/online.ts';
import { pairsTraining } from '../../../src/pipeline/teach/pairs.ts';
import { trainingFor, trainings } from '../../../src/pipeline/teach/trainings.ts';
import { loadRecipe } from '../../../src/recipe/load.ts';
import { classSource } from '../../support/class-source.ts';
import { labelSource } from '../../support/label-source.ts';
import { unpairedSource } from '../../support/unpaired-source.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ganlet-trainings-'));
  mkdirSync(join(folder, 'data'));
  writeFileSync(
    join(folder, 'tiny.yaml'),
    `name: tiny
data: {source: aligned, path: data, size: 16}
teacher:
  generator: {type: unet, baseWidth: 4}
  train: {steps: 1, batch: 1, cycle: {lambdaIdentity: 0.5}}
discriminator: {type: patch, baseWidth: 4, layers: 1}
`,
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const recipeWith = (...set: string[]) => loadRecipe(join(folder, 'tiny.yaml'), { set }).recipe;

test('what a recipe asks for comes before what its data is', () => {
  const online = recipeWith('preset=online');
  expect(trainingFor(online, labelSource(16))).toBe(onlineTraining);
  expect(trainingFor(online, unpairedSource(16))).toBe(onlineTraining);
  expect(trainingFor(recipeWith(), unpairedSource(16))).toBe(cycleTraining);
  for (const source of [labelSource(16), classSource(16)])
    expect(trainingFor(recipeWith(), source)).toBe(pairsTraining);
});

test('each training tells what the data cannot give it, asked or not', () => {
  const told = (source: Parameters<typeof trainingFor>[1], ...set: string[]) => {
    const paths: string[] = [];
    for (const { check } of trainings)
      check?.(recipeWith(...set), source, (path) => paths.push(path.join('.')));
    return paths;
  };
  expect(told(unpairedSource(16))).toEqual([]);
  expect(told(unpairedSource(16), 'preset=online')).toEqual(['online']);
  expect(told(unpairedSource(16, { grey: true }))).toEqual(['teacher.train.cycle.lambdaIdentity']);
  expect(told(labelSource(16))).toEqual(['teacher.train.cycle']);
});
