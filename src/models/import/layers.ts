import { type ParameterNames, type StateDict, shapeOf } from './load.ts';

/** A convolution of ours and where a checkpoint keeps it and the norm after it. */
export interface LayerPlace {
  ours: string;
  theirs: string;
  norm?: string;
}

const normTensors = { weight: 'weight', bias: 'bias', mean: 'running_mean', var: 'running_var' };

/** Names of all tensors that the layers may have. */
export function parameterNames(layers: readonly LayerPlace[]): ParameterNames {
  const names = new Map<string, string>();
  for (const { ours, theirs, norm } of layers) {
    for (const part of ['weight', 'bias']) names.set(`${ours}.${part}`, `${theirs}.${part}`);
    if (norm === undefined) continue;
    for (const [our, their] of Object.entries(normTensors))
      names.set(`${ours}.norm.${our}`, `${norm}.${their}`);
  }
  return names;
}

/** The norm after the layer `place`: batch norm has weights, instance norm nothing. */
export function normAfter(tensors: StateDict, { norm }: LayerPlace): 'batch' | 'instance' {
  return tensors.has(`${norm}.weight`) ? 'batch' : 'instance';
}

/** Statistics that instance norms kept before PyTorch 0.4 and nothing used. */
export function unusedStatistics(layers: readonly LayerPlace[]): (name: string) => boolean {
  const names = new Set(layers.flatMap(({ norm }) => [`${norm}.running_mean`, `${norm}.running_var`]));
  return (name) => names.has(name);
}

/** Channels out, in, and the kernel's side of the convolution `name`. */
export function kernelOf(tensors: StateDict, name: string, what: string, file: string) {
  const [out, channels, side] = shapeOf(tensors, `${name}.weight`, 4, what, file) as [number, number, number];
  return { out, in: channels, side };
}
