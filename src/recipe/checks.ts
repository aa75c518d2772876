import type { z } from 'zod';
import { patchMapSide } from './networks.ts';
import type { RecipeFields } from './recipe-fields.ts';

type Fail = (path: readonly string[], message: string) => void;

/**
 * Reports what no value alone shows: keys that exclude or need each other, networks that do not fit. Silent
 * while some value breaks its own rule: what follows from that one would only hide it.
 */
export function checkCombinations(recipe: RecipeFields, context: z.core.$RefinementCtx): void {
  if (context.issues.length > 0) return;
  const fail: Fail = (path, message) => {
    context.addIssue({ code: 'custom', path: [...path], message });
  };
  checkData(recipe, fail);
  checkTeacher(recipe, fail);
  checkDiscriminator(recipe, fail);
  checkStudent(recipe, fail);
  checkDistill(recipe, fail);
}

function checkData({ data }: RecipeFields, fail: Fail): void {
  const { source, path, repo } = data;
  if (source === 'hub') {
    if (repo === undefined)
      fail(['data', 'repo'], 'must be given for the source hub: owner/name of a data set');
    if (path !== undefined)
      fail(['data', 'path'], 'must be left out for the source hub, which has data.repo');
  } else {
    for (const key of ['repo', 'revision'] as const) {
      if (data[key] !== undefined)
        fail(['data', key], `must be left out for the source ${source}: it is for hub`);
    }
    if (source !== 'openmoji' && path === undefined) {
      fail(['data', 'path'], `must be given for the source ${source}: the folder of the pictures`);
    }
  }
  if (data.columns !== undefined && source !== 'hub' && source !== 'parquet') {
    fail(['data', 'columns'], `must be left out for the source ${source}: it is for parquet and hub`);
  }
}

function checkTeacher({ teacher, data }: RecipeFields, fail: Fail): void {
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
  if (
    generator?.type === 'unet' &&
    generator.levels !== undefined &&
    data.size % 2 ** generator.levels !== 0
  ) {
    const most = `${data.size} pixels can be halved ${halvings(data.size)} times`;
    fail(
      ['teacher', 'generator', 'levels'],
      `must be at most ${halvings(data.size)}: ${most}, got ${generator.levels}`,
    );
  }
}

function checkDiscriminator({ discriminator, data, teacher, distill }: RecipeFields, fail: Fail): void {
  if (discriminator.type === 'patch' && patchMapSide(data.size, discriminator.layers) < 1) {
    const { layers } = discriminator;
    const needed = `at least ${3 * 2 ** layers} for a patch discriminator of ${layers} layers`;
    fail(['data', 'size'], `must be ${needed} (discriminator.layers), got ${data.size}`);
  }
  if (discriminator.norm !== 'batch') return;
  const reason = 'its gradient penalty is per image, batch norm mixes images';
  for (const [path, train] of [
    [['teacher', 'train'], teacher.train],
    [['distill'], distill],
  ] as const) {
    if (train?.ganMode !== 'wgangp') continue;
    fail([...path, 'ganMode'], `must not be "wgangp" with discriminator.norm "batch": ${reason}`);
  }
}

function checkStudent({ student, distill, baselines, teacher }: RecipeFields, fail: Fail): void {
  if (distill && !student) fail(['student'], 'must be given where distill is: the network to train');
  if (baselines.length > 0 && !distill)
    fail(['baselines'], 'must be left out where there is no distill to compare with');
  if (!student) return;
  if (!distill) fail(['distill'], 'must be given where student is: how to train it');

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
  const count = student.widths?.length;
  if (generator.type === 'resnet' && count !== undefined && count !== 8 && count !== 6) {
    fail(
      ['student', 'widths'],
      `must be 8 numbers (or 6, as in older papers) for a resnet teacher, got ${count}`,
    );
  }
  if (student.separable && generator.type === 'unet') {
    fail(['student', 'separable'], 'must be false for a unet teacher: it has no residual blocks');
  }
}

function checkDistill({ distill, data }: RecipeFields, fail: Fail): void {
  if (!distill) return;
  if (distill.distill === 'none' && distill.taps) {
    fail(['distill', 'taps'], 'must be left out where distill.distill is "none"');
  }
  if (distill.distill === 'kernel-alignment' && distill.batch < 2) {
    fail(
      ['distill', 'batch'],
      `must be at least 2 for kernel-alignment, which compares images, got ${distill.batch}`,
    );
  }
  if (distill.cacheTeacher === true && data.jitter > 0) {
    fail(
      ['distill', 'cacheTeacher'],
      'must be false or "auto" where data.jitter is above 0: no crop comes twice',
    );
  }
}

const halvings = (size: number) => Math.log2(size & -size);
