import { GanletError } from '../../util/errors.ts';
import { type StorageRequest, torchHost } from './names.ts';
import { readPickle } from './pickle.ts';
import { invalid, tooLarge } from './problem.ts';
import type { PyValue } from './python.ts';
import { itemBytes, type TorchStorage } from './storage.ts';
import { openZip } from './zip.ts';

/** The longest description of tensors that is read: 64 MiB describe some hundred thousand. */
const LONGEST = 2 ** 26;

/**
 * What `torch.save` has written since PyTorch 1.6: a zip archive of `<name>/data.pkl`, `<name>/byteorder` and one entry
 * `<name>/data/<key>` for each storage. Throws CHECKPOINT_INVALID, CHECKPOINT_UNSAFE, CHECKPOINT_TOO_LARGE.
 */
export function readArchive(bytes: Uint8Array, file: string): PyValue {
  const entries = openZip(bytes, file);
  const pickles = [...entries.keys()].filter((name) => /^([^/]+\/)?data\.pkl$/.test(name));
  if (pickles.length !== 1) throw invalid(file, 'its archive has no data.pkl');
  const root = pickles[0]!.slice(0, -'data.pkl'.length);
  if (entries.has(`${root}constants.pkl`)) {
    throw new GanletError(
      'CHECKPOINT_UNSUPPORTED',
      `${file} must be a state dict, it is a TorchScript program`,
      {
        hint: 'save the tensors alone: torch.save(torch.jit.load(path).state_dict(), other)',
      },
    );
  }
  const description = entries.get(`${root}data.pkl`)!;
  if (description.size > LONGEST) throw tooLarge(file, `its data.pkl has ${description.size} bytes`);
  const order = entries.get(`${root}byteorder`);
  const endian = order && order.size < 16 ? new TextDecoder().decode(order.read()) : 'little';
  if (endian !== 'little' && endian !== 'big')
    throw invalid(file, 'its byte order is neither little nor big');

  const storages = new Map<string, TorchStorage>();
  const find = ({ key, dtype, count, part }: StorageRequest): TorchStorage => {
    if (part) throw invalid(file, 'its storages have views, which is not of this format');
    const known = storages.get(key);
    if (known) {
      if (known.dtype !== dtype || known.count !== count)
        throw invalid(file, `the storage "${key}" has two types`);
      return known;
    }
    const entry = entries.get(`${root}data/${key}`);
    if (!entry) throw invalid(file, `the storage "${key}" is missing`);
    const wanted = count * (dtype === 'untyped' ? 1 : itemBytes[dtype]);
    if (entry.size < wanted)
      throw invalid(file, `the storage "${key}" must have ${wanted} bytes, it has ${entry.size}`);
    let contents: Uint8Array | undefined;
    const bytes = () => {
      contents ??= entry.read();
      return contents;
    };
    const made: TorchStorage = {
      kind: 'storage',
      key,
      dtype,
      count,
      bytes,
      littleEndian: endian === 'little',
    };
    storages.set(key, made);
    return made;
  };
  return readPickle(description.read(), 0, torchHost(find, file), file).value;
}
