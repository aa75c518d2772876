/** The words a recipe and the command line share. No imports, so that `ganlet --help` stays quick. */

/** The stages of a run, in the order in which they run. */
export const stages = ['teach', 'distill', 'export', 'evaluate', 'table'] as const;
export type Stage = (typeof stages)[number];

/** Where the arithmetic runs. */
export const providers = ['cpu', 'webgpu', 'cuda'] as const;
export type Provider = (typeof providers)[number];

export const norms = ['instance', 'batch'] as const;
export type Norm = (typeof norms)[number];

export const paddings = ['reflect', 'replicate', 'zero'] as const;
export type Padding = (typeof paddings)[number];
