import { readFileSync, statSync } from 'node:fs';
import { openSafetensors } from '../graph/safetensors.ts';
import { GanletError } from '../util/errors.ts';
import { fileError } from '../util/file-error.ts';
import { type StateTree, selectTensors, stateTree } from './state-dict.ts';
import { readArchive } from './torch/archive.ts';
import { readLegacy } from './torch/legacy.ts';
import { invalid } from './torch/problem.ts';
import type { StoredTensor, TorchDType } from './torch/storage.ts';

/** Node reads files of up to 2 GiB at once. */
const LARGEST = 2 ** 31 - 1;

export interface Checkpoint {
  readonly format: 'torch' | 'torch-legacy' | 'safetensors';
  /** Tensors and dictionaries of tensors by key; what else was saved beside them is left out. */
  readonly tree: StateTree;
}

/**
 * Opens a `.pth`/`.pt` file (zip archive or the format before PyTorch 1.6) or a `.safetensors` file, told apart by their
 * contents. Pickles are read as data: no code runs, and names that tensors do not need are refused. Tensors are copied out
 * of the file only when they are read.
 * Throws CHECKPOINT_INVALID for a damaged or foreign file, CHECKPOINT_UNSAFE naming what is not a tensor,
 * CHECKPOINT_TOO_LARGE for contents that its size does not allow, CHECKPOINT_UNSUPPORTED for other formats of PyTorch, and
 * the errors of files that cannot be read.
 */
export function readCheckpoint(path: string): Checkpoint {
  let bytes: Uint8Array;
  try {
    const { size } = statSync(path);
    if (size > LARGEST) {
      throw new GanletError(
        'CHECKPOINT_TOO_LARGE',
        `${path} must have less than 2 GiB, it has ${size} bytes`,
        {
          hint: 'save the tensors of this network alone',
        },
      );
    }
    bytes = readFileSync(path);
  } catch (error) {
    throw fileError('read', path, error);
  }
  return decodeCheckpoint(bytes, path);
}

/** As `readCheckpoint`, from the file's bytes; `file` names it in errors. */
export function decodeCheckpoint(bytes: Uint8Array, file = 'the file'): Checkpoint {
  const format = formatOf(bytes, file);
  switch (format) {
    case 'torch':
      return { format, tree: stateTree(readArchive(bytes, file), bytes.length, file) };
    case 'torch-legacy':
      return { format, tree: stateTree(readLegacy(bytes, file), bytes.length, file) };
    case 'safetensors': {
      const { tensors } = openSafetensors(bytes, file);
      const tree: StateTree = new Map();
      for (const [name, { type, shape, read }] of tensors) {
        const tensor: StoredTensor = {
          kind: 'tensor',
          dtype: type as TorchDType,
          shape,
          storage: name,
          read,
        };
        tree.set(name, tensor);
      }
      return { format, tree };
    }
  }
}

/**
 * The tensors of one network in a checkpoint, by name; `key` as in `selectTensors`.
 * Throws as `readCheckpoint` and `selectTensors` do.
 */
export function readStateDict(path: string, key?: string): Map<string, StoredTensor> {
  return selectTensors(readCheckpoint(path).tree, path, key);
}

function formatOf(bytes: Uint8Array, file: string): Checkpoint['format'] {
  const text = (from: number, to: number) => Buffer.from(bytes.subarray(from, to)).toString('latin1');
  if (text(0, 4) === 'PK\x03\x04') return 'torch';
  if (text(257, 262) === 'ustar') {
    throw new GanletError('CHECKPOINT_UNSUPPORTED', `${file} must be of PyTorch 0.2 or later, it is older`, {
      hint: 'load it with PyTorch and save it again',
    });
  }
  // The length of a safetensors header takes less than six bytes of its eight; the header begins with a brace.
  if (bytes.length >= 10 && bytes[6] === 0 && bytes[7] === 0 && bytes[8] === 0x7b) return 'safetensors';
  if (bytes.length < 16) throw invalid(file, `it has ${bytes.length} bytes`);
  return 'torch-legacy';
}
