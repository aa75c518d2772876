import type { Node, Value } from '../graph/graph.ts';

/**
 * Whether a norm has no parameters of its own and is written with a scale of ones and a shift of zeros. An instance norm is
 * known by the numbers. A batch norm with parameters begins with the same ones, so there the constants' names, `ones64` and
 * `zeros64`, have to say it.
 */
export function isPlainNorm({
  op,
  inputs,
}: Pick<Node, 'op'> & { inputs: readonly (Value | null)[] }): boolean {
  const [, scale, shift] = inputs;
  if (op === 'InstanceNormalization') return isFilled(scale, 1) && isFilled(shift, 0);
  if (op !== 'BatchNormalization') return false;
  return isNamed(scale, 'ones', 1) && isNamed(shift, 'zeros', 0);
}

function isNamed(value: Value | null | undefined, name: string, fill: number): boolean {
  return !!value && new RegExp(`^(.*/)?${name}\\d+(_\\d+)?$`).test(value.name) && isFilled(value, fill);
}

function isFilled(value: Value | null | undefined, fill: number): boolean {
  return !!value?.tensor && Array.prototype.every.call(value.tensor.data, (x: number) => x === fill);
}
