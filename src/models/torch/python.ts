import type { StoredTensor, TorchStorage } from './storage.ts';

/** What a pickle may hold here: plain values, containers, names that are allowed, and tensors. */
export type PyValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PyList
  | PyDict
  | PyName
  | TorchStorage
  | StoredTensor;

/** A list, a tuple or a set. */
export interface PyList {
  readonly kind: 'list' | 'tuple' | 'set';
  readonly items: PyValue[];
}

export interface PyDict {
  readonly kind: 'dict';
  readonly entries: Map<PyKey, PyValue>;
}

/** Keys of dictionaries that are anything else are refused. */
export type PyKey = string | number | bigint | boolean | null;

/** A name of a module that is known and harmless; `call` builds what Python would. */
export interface PyName {
  readonly kind: 'name';
  readonly name: string;
  readonly call?: (args: readonly PyValue[]) => PyValue;
}

interface Kinds {
  list: PyList;
  tuple: PyList;
  set: PyList;
  dict: PyDict;
  name: PyName;
  storage: TorchStorage;
  tensor: StoredTensor;
}

export function isKind<K extends keyof Kinds>(value: PyValue | undefined, kind: K): value is Kinds[K] {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === kind;
}

/** The items of a list or tuple, or undefined. */
export function itemsOf(value: PyValue | undefined): readonly PyValue[] | undefined {
  return isKind(value, 'list') || isKind(value, 'tuple') ? value.items : undefined;
}

/** What a value is, in words for an error. */
export function describe(value: PyValue | undefined): string {
  if (value === undefined || value === null) return 'nothing';
  if (typeof value !== 'object') return `a ${typeof value}`;
  if (!('kind' in value)) return 'bytes';
  return value.kind === 'name' ? value.name : `a ${value.kind}`;
}
