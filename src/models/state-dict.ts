import { GanletError } from '../util/errors.ts';
import { invalid, tooLarge } from './torch/problem.ts';
import { describe, isKind, itemsOf, type PyKey, type PyValue } from './torch/python.ts';
import { itemBytes, type StoredTensor } from './torch/storage.ts';

/** Dictionaries of tensors inside one another, as a checkpoint keeps them. */
export type StateTree = Map<string, StoredTensor | StateTree>;

const DEEPEST = 32;

/**
 * The tensors of an object that was saved and the dictionaries they are in; lists count as dictionaries of "0", "1", ….
 * Numbers, text and empty dictionaries are left out. Throws CHECKPOINT_INVALID for dictionaries more than 32 deep or without
 * a tensor, and CHECKPOINT_TOO_LARGE when the tensors together are far larger than the file of `fileBytes`.
 */
export function stateTree(object: PyValue, fileBytes: number, file: string): StateTree {
  let bytes = 0;
  // Compressed archives may hold some times their size, and tensors may share storages.
  const limit = 100 * fileBytes + 2 ** 26;
  // What is referred to again and again is walked once, so that the time is linear in the file; a cycle ends at undefined.
  const done = new Map<PyValue, StateTree | undefined>();
  const walk = (value: PyValue, depth: number): StateTree | undefined => {
    const children = childrenOf(value);
    if (!children || done.has(value)) return done.get(value);
    if (depth > DEEPEST) throw invalid(file, `its dictionaries are more than ${DEEPEST} deep`);
    done.set(value, undefined);
    const tree: StateTree = new Map();
    for (const [key, child] of children) {
      if (isKind(child, 'tensor')) {
        bytes += child.shape.reduce((a, b) => a * b, 1) * itemBytes[child.dtype];
        if (bytes > limit)
          throw tooLarge(file, `the tensors of its ${fileBytes} bytes have more than ${limit}`);
        tree.set(`${key}`, child);
      } else {
        const inner = walk(child, depth + 1);
        if (inner) tree.set(`${key}`, inner);
      }
    }
    if (tree.size === 0) return undefined;
    done.set(value, tree);
    return tree;
  };
  if (isKind(object, 'tensor')) return new Map([['tensor', object]]);
  const tree = walk(object, 0);
  if (!tree) throw invalid(file, `it holds ${describe(object)} without tensors`);
  return tree;
}

function childrenOf(value: PyValue): Iterable<[PyKey | number, PyValue]> | undefined {
  return isKind(value, 'dict') ? value.entries : itemsOf(value)?.entries();
}

/** Keys under which training programs keep the network's tensors, the ones to prefer first. */
const usual = [
  'params_ema',
  'ema',
  'netG_A',
  'netG',
  'generator',
  'G',
  'state_dict',
  'model_state_dict',
  'model',
  'net',
  'params',
];

/**
 * The tensors of one network: of the dictionary at `key` (a path such as `netG` or `models/netG`), else those at the top,
 * else those of the only dictionary that has any, or of the first with a usual name (`params_ema`, `netG`, `state_dict`, …).
 * The prefixes `module.` of DataParallel and `_orig_mod.` of torch.compile are taken off.
 * Throws CHECKPOINT_KEY listing the keys when there is no such dictionary or no telling which.
 */
export function selectTensors(tree: StateTree, file: string, key?: string): Map<string, StoredTensor> {
  let at = tree;
  for (const part of key === undefined ? [] : tree.has(key) ? [key] : key.split('/')) {
    const next = at.get(part);
    if (!next || isTensor(next))
      throw unknownKey(`${file} must have a dictionary of tensors at "${key}"`, at);
    at = next;
  }
  for (;;) {
    const tensors = [...at].filter((entry): entry is [string, StoredTensor] => isTensor(entry[1]));
    const inner = [...at].filter((entry): entry is [string, StateTree] => !isTensor(entry[1]));
    const named = usual.find((word) => inner.some(([name]) => name === word));
    // A counter kept as a tensor beside the network's dictionary does not make the top the network.
    const chosen = inner.find(([name, { size }]) => name === named && size > tensors.length);
    if (!chosen && tensors.length > 0) return withoutPrefixes(new Map(tensors));
    if (!chosen && inner.length > 1) throw unknownKey(`${file} must say which dictionary is the network`, at);
    at = (chosen ?? inner[0]!)[1];
  }
}

function isTensor(value: StoredTensor | StateTree): value is StoredTensor {
  return 'kind' in value;
}

function withoutPrefixes(tensors: Map<string, StoredTensor>): Map<string, StoredTensor> {
  for (const prefix of ['module.', '_orig_mod.', 'module.']) {
    if (![...tensors.keys()].every((name) => name.startsWith(prefix) && name.length > prefix.length))
      continue;
    tensors = new Map([...tensors].map(([name, tensor]) => [name.slice(prefix.length), tensor]));
  }
  return tensors;
}

function unknownKey(message: string, tree: StateTree): GanletError {
  const keys = [...tree.keys()];
  const shown = keys.slice(0, 8).map((name) => `"${name}"`);
  return new GanletError(
    'CHECKPOINT_KEY',
    `${message}, it has ${shown.join(', ')}${keys.length > 8 ? ', …' : ''}`,
    {
      hint: 'choose one with --key',
    },
  );
}
