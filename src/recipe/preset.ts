import { isSection } from './fields.ts';
import { generators, isGeneratorType } from './networks.ts';

/** Whole pipelines that a recipe can name instead of writing its sections. */
export const presets = ['full', 'fast', 'online'] as const;
export type Preset = (typeof presets)[number];

type Section = Readonly<Record<string, unknown>>;

/** Steps of a first student, where a recipe does not say; the supernet has twice as many. */
const steps = 20_000;
const batch = 4;

/**
 * A recipe's data with the sections that its `preset` stands for; what is written in the recipe stays. A budget is not part of
 * them. Data without a preset, or with one that is not known, is returned as it is.
 *
 * - `full`: a separable teacher, a student cut from it and distilled, its supernet, every vector tried, fine-tuning.
 * - `fast`: the teacher as it is, a supernet as wide from random weights, evolution; fine-tuning only where it is asked for.
 * - `online`: no search; a student of a quarter of the width is trained together with its teacher (Ren et al. 2021).
 */
export function withPreset(data: unknown): unknown {
  if (!isSection(data) || !presets.includes(data.preset as Preset)) return data;
  return merged(sections[data.preset as Preset](data), data);
}

const sections: Record<Preset, (recipe: Section) => Section> = { full, fast, online };

function full(recipe: Section): Section {
  const separable = canSeparate(recipe);
  const own = sectionOf(recipe.distill);
  const count = typeof own.steps === 'number' ? own.steps : steps;
  const size = own.batch ?? batch;
  const { generator } = sectionOf(recipe.teacher);
  return {
    ...(isSection(generator) && separable && { teacher: { generator: { separable } } }),
    student: { ...widthOf(recipe, 0.75), separable, initFrom: 'teacher' },
    distill: { steps: count, batch: size },
    supernet: { steps: 2 * count, batch: size, widths: [1, 0.75, 0.5] },
    // A U-Net, or a teacher from elsewhere, may have too many groups to try all their widths.
    search: { searcher: separable === true ? 'exhaustive' : 'auto' },
    finetune: { steps: count, batch: size },
  };
}

function fast(recipe: Section): Section {
  const own = sectionOf(recipe.supernet);
  const count = typeof own.steps === 'number' ? own.steps : 2 * steps;
  const size = own.batch ?? batch;
  return {
    student: { ...widthOf(recipe, 1), separable: canSeparate(recipe), initFrom: 'random' },
    supernet: {
      steps: count,
      batch: size,
      from: 'random',
      widths: [1, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25],
    },
    search: { searcher: 'evolution' },
    ...(isSection(recipe.finetune) && { finetune: { steps: Math.ceil(count / 2), batch: size } }),
  };
}

function online(recipe: Section): Section {
  const separable = canSeparate(recipe);
  const { generator, train, model } = sectionOf(recipe.teacher);
  const own = sectionOf(train);
  return {
    ...(model === undefined && {
      teacher: {
        ...(isSection(generator) && separable && { generator: { separable } }),
        train: { steps: 2 * steps, batch: own.batch ?? batch },
      },
    }),
    student: { ...widthOf(recipe, 0.25), separable, initFrom: 'random' },
    online: {},
  };
}

/** The student's width, unless the recipe gives one in another way. */
function widthOf(recipe: Section, ratio: number): Section {
  const { baseWidth, widths } = sectionOf(recipe.student);
  return baseWidth === undefined && widths === undefined ? { ratio } : {};
}

/** What `separable` makes so is in residual blocks; whether a trained teacher has some shows when it is opened. */
function canSeparate(recipe: Section): boolean | 'auto' {
  const { generator } = sectionOf(recipe.teacher);
  if (!isSection(generator)) return 'auto';
  return !isGeneratorType(generator.type) || generators[generator.type].separable;
}

/** `over` in the place of `under`, sections key by key. */
function merged(under: Section, over: Section): Section {
  const result: Record<string, unknown> = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const below = under[key];
    result[key] = isSection(below) && isSection(value) ? merged(below, value) : value;
  }
  return result;
}

const sectionOf = (value: unknown): Section => (isSection(value) ? value : {});
