import { type StorageRequest, torchHost } from './names.ts';
import { readPickle } from './pickle.ts';
import { invalid } from './problem.ts';
import { itemsOf, type PyValue } from './python.ts';
import { itemBytes, type TorchStorage } from './storage.ts';

/** First pickle of a legacy file. */
const MAGIC = 0x1950a86a20f9469cfc6cn;
const VERSION = 1001;

/**
 * What `torch.save` wrote before PyTorch 1.6 (and writes with `_use_new_zipfile_serialization=False`): pickles of a magic
 * number, the version, facts about the machine, the object and the keys of its storages, then each storage as a 64-bit
 * count of elements and its bytes, always little-endian. Throws CHECKPOINT_INVALID, CHECKPOINT_UNSAFE.
 */
export function readLegacy(bytes: Uint8Array, file: string): PyValue {
  const requested = new Map<string, StorageRequest>();
  const contents = new Map<string, Uint8Array>();
  const storage = (request: StorageRequest): TorchStorage => {
    const { key, dtype, count, part } = request;
    const known = requested.get(key);
    if (known && (known.dtype !== dtype || known.count !== count)) {
      throw invalid(file, `the storage "${key}" has two types`);
    }
    requested.set(key, request);
    const item = dtype === 'untyped' ? 1 : itemBytes[dtype];
    const [from, length] = part ? [part.offset, part.count] : [0, count];
    if (from + length > count) throw invalid(file, `a view of the storage "${key}" reaches beyond it`);
    return {
      kind: 'storage',
      key,
      dtype,
      count: length,
      littleEndian: true,
      bytes: () => contents.get(key)!.subarray(from * item, (from + length) * item),
    };
  };
  const host = torchHost(storage, file);
  let at = 0;
  const next = (): PyValue => {
    const { value, end } = readPickle(bytes, at, host, file);
    at = end;
    return value;
  };
  if (next() !== MAGIC) throw invalid(file, 'it begins with another pickle');
  const version = next();
  if (version !== VERSION) throw invalid(file, `its version must be ${VERSION}`);
  next();
  const object = next();
  const keys = itemsOf(next());
  if (!keys) throw invalid(file, 'the list of its storages is missing');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const key of keys) {
    const request = typeof key === 'string' ? requested.get(key) : undefined;
    if (!request || contents.has(request.key)) throw invalid(file, 'the list of its storages is wrong');
    if (at + 8 > bytes.length) throw invalid(file, `its storage "${request.key}" is cut off`);
    const count = Number(view.getBigInt64(at, true));
    if (count !== request.count) {
      throw invalid(
        file,
        `its storage "${request.key}" must have ${request.count} elements, it has ${count}`,
      );
    }
    const length = count * (request.dtype === 'untyped' ? 1 : itemBytes[request.dtype]);
    at += 8;
    if (at + length > bytes.length) throw invalid(file, `its storage "${request.key}" is cut off`);
    contents.set(request.key, bytes.subarray(at, at + length));
    at += length;
  }
  const absent = [...requested.keys()].find((key) => !contents.has(key));
  if (absent !== undefined) throw invalid(file, `its storage "${absent}" is missing`);
  return object;
}
