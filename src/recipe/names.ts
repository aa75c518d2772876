/** The words a recipe and the command line share. No imports, so that `ganlet --help` stays quick. */

/** The stages of a run, in the order in which they run. */
export const stages = [
  'teach',
  'distill',
  'supernet',
  'search',
  'finetune',
  'export',
  'evaluate',
  'table',
] as const;
export type Stage = (typeof stages)[number];

/** Networks that are trained only to be compared with the student. */
export const baselines = ['naive', 'uniform'] as const;
export type Baseline = (typeof baselines)[number];

/** What the steps of a baseline are as many as, where there is a search. */
export const baselineStepRules = ['total', 'finetune'] as const;

/** What computes. auto: the fastest on the machine. */
export const backends = ['auto', 'onnxruntime', 'tfjs'] as const;

/** Where ONNX Runtime computes. */
export const providers = ['cpu', 'webgpu', 'cuda'] as const;
export type Provider = (typeof providers)[number];

/** What the networks of a run are measured by. */
export const evaluateMetrics = [
  'l1',
  'psnr',
  'ssim',
  'ms-ssim',
  'lpips',
  'frechet',
  'kid',
  'pr',
  'dc',
  'is',
  'ppl',
  'diversity',
  'miou',
  'accuracy',
] as const;

export const norms = ['instance', 'batch'] as const;
export type Norm = (typeof norms)[number];

export const paddings = ['reflect', 'replicate', 'zero'] as const;
export type Padding = (typeof paddings)[number];

/** Sets of emoji drawings, by their style. */
export const emojiStyles = ['openmoji', 'noto', 'twemoji', 'fluent-flat'] as const;
export type EmojiStyle = (typeof emojiStyles)[number];

/** Verbs that have recipes of their own kind; all verbs of stages share those of `run`. */
export const recipeKinds = ['run', 'features'] as const;
export type RecipeKind = (typeof recipeKinds)[number];
