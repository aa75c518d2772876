import { float32, type Graph, showShape, type Value } from '../../graph/graph.ts';
import { batchStatistics, trainableParameters } from '../../ops/parameters.ts';
import { GanletError } from '../../util/errors.ts';
import type { StoredTensor } from '../torch/storage.ts';

/** The tensors of one network in a checkpoint, by the names it gives them. */
export type StateDict = ReadonlyMap<string, StoredTensor>;

/** Our parameter names → the names in the checkpoint. */
export type ParameterNames = ReadonlyMap<string, string>;

export interface LoadOptions {
  /** What the checkpoint should be, for errors: `a ResNet of 9 blocks`. */
  what: string;
  file: string;
  /** Tensors of the checkpoint that the network does without. */
  ignore?: (name: string) => boolean;
}

/**
 * Fills the network's parameters and batch-norm statistics with a checkpoint's tensors, as float32, and returns it.
 * `names` says where each lies; one that it does not mention has the same name in both. Counters of batches are ignored.
 * Throws CHECKPOINT_MISMATCH listing what is missing, unexpected or of another shape (the first five of each), and
 * CHECKPOINT_INVALID for a tensor with infinite or undefined numbers.
 */
export function loadParameters(
  graph: Graph,
  tensors: StateDict,
  names: ParameterNames,
  options: LoadOptions,
): Graph {
  const { what, file, ignore = () => false } = options;
  const missing: string[] = [];
  const reshaped: string[] = [];
  const used = new Set<string>();
  const found: [Value, StoredTensor][] = [];
  for (const value of [...trainableParameters(graph), ...batchStatistics(graph)]) {
    const name = names.get(value.name) ?? value.name;
    const tensor = tensors.get(name);
    used.add(name);
    if (!tensor) missing.push(`${name} ${showShape(value.shape)}`);
    else if (showShape(tensor.shape) !== showShape(value.shape)) {
      reshaped.push(`${name} ${showShape(value.shape)}, got ${showShape(tensor.shape)}`);
    } else found.push([value, tensor]);
  }
  const unexpected = [...tensors.keys()].filter(
    (name) => !used.has(name) && !name.endsWith('num_batches_tracked') && !ignore(name),
  );
  const problems = [
    ...listed('missing', missing),
    ...listed('of another shape', reshaped),
    ...listed('unexpected', unexpected),
  ];
  if (problems.length > 0) throw mismatch(file, what, problems.join('; '));
  for (const [value, tensor] of found)
    value.tensor = float32(tensor.shape, finite(toFloat32(tensor), value.name, file));
  return graph;
}

/** The checkpoint is not of the network that was asked for. */
export function mismatch(file: string, what: string, found: string): GanletError {
  return new GanletError('CHECKPOINT_MISMATCH', `${file} must hold ${what}; ${found}`, {
    hint: 'name the network that was saved, or choose its dictionary with --key',
  });
}

/** The first names of a checkpoint, for errors. */
export function namesIn(tensors: StateDict): string {
  const names = [...tensors.keys()];
  return `it has ${names.slice(0, 5).join(', ')}${names.length > 5 ? `, … (${names.length} tensors)` : ''}`;
}

/** The shape of the tensor called `name`; throws CHECKPOINT_MISMATCH unless it is there with `rank` axes of at least 1. */
export function shapeOf(
  tensors: StateDict,
  name: string,
  rank: number,
  what: string,
  file: string,
): readonly number[] {
  const shape = tensors.get(name)?.shape;
  if (!shape) throw mismatch(file, what, `${name} is missing, ${namesIn(tensors)}`);
  if (shape.length === rank && shape.every((d) => d > 0 && d <= 2 ** 20)) return shape;
  throw mismatch(file, what, `${name} must have ${rank} axes, its shape is ${showShape(shape)}`);
}

/**
 * Checks that the tensors have at least `needed` numbers in all, so that a network whose widths come from a damaged file is
 * refused before memory is taken for it. Throws CHECKPOINT_MISMATCH.
 */
export function checkRoom(needed: number, tensors: StateDict, what: string, file: string): void {
  let held = 0;
  for (const { shape } of tensors.values()) held += shape.reduce((a, b) => a * b, 1);
  if (needed > held) throw mismatch(file, what, `its widths need ${needed} numbers, it has ${held}`);
}

function listed(label: string, items: readonly string[]): string[] {
  if (items.length === 0) return [];
  const more = items.length > 5 ? `, … (${items.length} in all)` : '';
  return [`${label}: ${items.slice(0, 5).join(', ')}${more}`];
}

function finite(data: Float32Array, name: string, file: string): Float32Array {
  const at = data.findIndex((x) => !Number.isFinite(x));
  if (at < 0) return data;
  throw new GanletError(
    'CHECKPOINT_INVALID',
    `${file} must hold finite weights, element ${at} of ${name} is ${data[at]}`,
    {
      hint: 'its training diverged, or the file is damaged',
    },
  );
}

/** A tensor's elements as float32, whatever their type. */
export function toFloat32(tensor: StoredTensor): Float32Array {
  const { dtype, data } = tensor.read();
  if (data instanceof Float32Array) return data;
  if (dtype === 'float16') return Float32Array.from(data as Uint16Array, fromFloat16);
  return Float32Array.from(data as ArrayLike<number | bigint>, Number);
}

/** IEEE 754 binary16: a sign, five bits of exponent (bias 15) and ten of fraction. */
function fromFloat16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}
