import type { z } from 'zod';
import { checkData } from './check-data.ts';
import { checkEncoder } from './check-encoder.ts';
import { checkOnline } from './check-online.ts';
import { checkSearch } from './check-search.ts';
import { checkSpade } from './check-spade.ts';
import { checkSupernet } from './check-supernet.ts';
import { checkTraining } from './check-training.ts';
import type { Fail } from './fields.ts';
import { checkMultiscale } from './multiscale.ts';
import {
  type DiscriminatorConfig,
  type DiscriminatorType,
  type GeneratorSection,
  type GeneratorType,
  generators,
} from './networks.ts';
import { checkPatch } from './patch.ts';
import { checkProjection } from './projection.ts';
import type { RecipeFields } from './recipe-fields.ts';
import { checkResnet } from './resnet.ts';
import { checkSngan } from './sngan.ts';
import { checkUnet } from './unet.ts';

/** Reports where a network does not fit the rest of the recipe. */
type NetworkCheck<Section> = (section: Section, recipe: RecipeFields, fail: Fail) => void;

const generatorChecks: {
  readonly [T in GeneratorType]: NetworkCheck<Extract<GeneratorSection, { type: T }>>;
} = { resnet: checkResnet, unet: checkUnet, spade: checkSpade, sngan: checkSngan };

const discriminatorChecks: {
  readonly [T in DiscriminatorType]: NetworkCheck<Extract<DiscriminatorConfig, { type: T }>>;
} = { patch: checkPatch, pixel: () => {}, multiscale: checkMultiscale, projection: checkProjection };

/**
 * Reports what no value alone shows: keys that exclude or need each other, networks that do not fit. Silent
 * while some value breaks its own rule: what follows from that one would only hide it.
 */
export function checkCombinations(recipe: RecipeFields, context: z.core.$RefinementCtx): void {
  if (context.issues.length > 0) return;
  const fail: Fail = (path, message) => {
    context.addIssue({ code: 'custom', path: [...path], message });
  };
  checkEngine(recipe, fail);
  checkData(recipe, fail);
  checkTeacher(recipe, fail);
  checkDiscriminator(recipe, fail);
  checkStudent(recipe, fail);
  checkNetworks(recipe, fail);
  checkEncoder(recipe, fail);
  checkTraining(recipe, fail);
  checkDistill('distill', recipe.distill, recipe.data, fail);
  checkDistill('supernet', recipe.supernet, recipe.data, fail);
  checkDistill('finetune', recipe.finetune, recipe.data, fail);
  checkOnline(recipe, fail);
  checkSupernet(recipe, fail);
  checkSearch(recipe, fail);
}

function checkEngine({ backend, provider }: RecipeFields, fail: Fail): void {
  if (backend === 'tfjs' && provider !== 'cpu')
    fail(['provider'], 'must be left out for the backend tfjs: it is for onnxruntime');
}

function checkTeacher({ teacher }: RecipeFields, fail: Fail): void {
  const { model, generator, train } = teacher;
  if (model !== undefined) {
    const both = 'must be left out where teacher.model is given: that teacher is trained already';
    if (generator) fail(['teacher', 'generator'], both);
    if (train) fail(['teacher', 'train'], both);
    return;
  }
  if (!generator && !train) {
    fail(['teacher'], 'must have a model (a trained .onnx file), or a generator and train (to train one)');
    return;
  }
  if (!generator)
    fail(['teacher', 'generator'], 'must be given where teacher.train is: the network to train');
  if (!train) fail(['teacher', 'train'], 'must be given where teacher.generator is: how to train it');
}

function checkDiscriminator(
  { discriminator, teacher, distill, supernet, finetune }: RecipeFields,
  fail: Fail,
): void {
  if (!('norm' in discriminator) || discriminator.norm !== 'batch') return;
  const reason = 'its gradient penalty is per image, batch norm mixes images';
  for (const [path, train] of [
    [['teacher', 'train'], teacher.train],
    [['distill'], distill],
    [['supernet'], supernet],
    [['finetune'], finetune],
  ] as const) {
    if (train?.ganMode !== 'wgangp') continue;
    fail([...path, 'ganMode'], `must not be "wgangp" with discriminator.norm "batch": ${reason}`);
  }
}

function checkStudent(
  { student, distill, online, supernet, search, baselines, teacher }: RecipeFields,
  fail: Fail,
): void {
  if (distill && !student) fail(['student'], 'must be given where distill is: the network to train');
  if (baselines.length > 0 && !distill && !search && !online)
    fail(['baselines'], 'must be left out where there is no student to compare with');
  if (!student) return;
  if (!distill && !supernet && !online)
    fail(['distill'], 'must be given where student is, or supernet: how to train it');

  const given = (['baseWidth', 'widths', 'ratio'] as const).filter((key) => student[key] !== undefined);
  if (given.length === 0) fail(['student'], 'must have one of baseWidth, widths and ratio');
  for (const extra of given.slice(1))
    fail(['student', extra], `must be left out where student.${given[0]} is given`);

  const { generator } = teacher;
  if (!generator) return;
  const widest = `the teacher's baseWidth`;
  if (student.baseWidth !== undefined && student.baseWidth > generator.baseWidth) {
    fail(
      ['student', 'baseWidth'],
      `must be at most ${generator.baseWidth}, ${widest}, got ${student.baseWidth}`,
    );
  }
  student.widths?.forEach((width, index) => {
    if (width <= generator.baseWidth) return;
    fail(
      ['student', 'widths', String(index)],
      `must be at most ${generator.baseWidth}, ${widest}, got ${width}`,
    );
  });
  if (student.separable === true && !generators[generator.type].separable) {
    const why = `for a ${generator.type} teacher: it has no residual blocks`;
    fail(['student', 'separable'], `must be false or a list of layers ${why}`);
  }
  if (Array.isArray(student.separable) && student.widths && generators[generator.type].hasWidths) {
    fail(
      ['student', 'widths'],
      'must be left out where student.separable names layers: give baseWidth or ratio',
    );
  }
}

function checkNetworks(recipe: RecipeFields, fail: Fail): void {
  const { generator } = recipe.teacher;
  const { discriminator } = recipe;
  if (generator) {
    const check = generatorChecks[generator.type] as NetworkCheck<GeneratorSection>;
    check(generator, recipe, fail);
  }
  const check = discriminatorChecks[discriminator.type] as NetworkCheck<DiscriminatorConfig>;
  check(discriminator, recipe, fail);
}

function checkDistill(
  section: string,
  config: RecipeFields['distill'],
  data: RecipeFields['data'],
  fail: Fail,
): void {
  if (!config) return;
  if (config.distill === 'none' && config.taps) {
    fail([section, 'taps'], `must be left out where ${section}.distill is "none"`);
  }
  if (config.distill === 'kernel-alignment' && config.batch < 2) {
    fail(
      [section, 'batch'],
      `must be at least 2 for kernel-alignment, which compares images, got ${config.batch}`,
    );
  }
  if (config.cacheTeacher === true && data.jitter > 0) {
    fail(
      [section, 'cacheTeacher'],
      'must be false or "auto" where data.jitter is above 0: no crop comes twice',
    );
  }
}
