import { fillDict, type PickleHost } from './pickle.ts';
import { invalid, unsafe } from './problem.ts';
import { describe, isKind, itemsOf, type PyName, type PyValue } from './python.ts';
import { type StoredTensor, type TorchDType, type TorchStorage, viewStorage } from './storage.ts';

const storageTypes: Record<string, TorchDType | 'untyped'> = {
  FloatStorage: 'float32',
  DoubleStorage: 'float64',
  HalfStorage: 'float16',
  BFloat16Storage: 'bfloat16',
  LongStorage: 'int64',
  IntStorage: 'int32',
  ShortStorage: 'int16',
  CharStorage: 'int8',
  ByteStorage: 'uint8',
  BoolStorage: 'bool',
  UntypedStorage: 'untyped',
};

const dtypeNames: Record<string, TorchDType> = {
  ...Object.fromEntries(Object.values(storageTypes).flatMap((d) => (d === 'untyped' ? [] : [[d, d]]))),
  float: 'float32',
  double: 'float64',
  half: 'float16',
  long: 'int64',
  int: 'int32',
  short: 'int16',
};

/** A storage as a pickle names it, before its bytes are known. */
export interface StorageRequest {
  key: string;
  dtype: TorchDType | 'untyped';
  count: number;
  /** Of the legacy format: the storage is this part, in elements, of the one called `key`. */
  part?: { key: string; offset: number; count: number };
}

/**
 * The names that tensors need: `collections.OrderedDict` and the plain containers, the functions with which
 * `torch.save` rebuilds tensors, storage and element types. `storage` finds a storage.
 */
export function torchHost(storage: (request: StorageRequest) => TorchStorage, file: string): PickleHost {
  const names = new Map<string, PyName>();
  const define = (name: string, call?: PyName['call']) => {
    names.set(name, { kind: 'name', name, ...(call && { call }) });
  };
  const bad = (name: string, args: readonly PyValue[]) =>
    invalid(
      file,
      `${name} is called with ${args.length === 0 ? 'nothing' : args.map(describe).join(', ').slice(0, 200)}`,
    );

  const dict = (name: string, first: number) => (args: readonly PyValue[]) => {
    const made = { kind: 'dict' as const, entries: new Map() };
    const given = args[first];
    if (args.length > first + 1) throw bad(name, args);
    if (isKind(given, 'dict')) for (const [key, value] of given.entries) made.entries.set(key, value);
    else if (given !== undefined) {
      for (const pair of itemsOf(given) ?? [given]) {
        const items = itemsOf(pair);
        if (items?.length !== 2) throw bad(name, args);
        fillDict(made, items, file);
      }
    }
    return made;
  };
  const sequence = (name: string, kind: 'list' | 'tuple' | 'set') => (args: readonly PyValue[]) => {
    const items = args.length === 0 ? [] : itemsOf(args[0]);
    if (!items || args.length > 1) throw bad(name, args);
    return { kind, items: [...items] };
  };
  define('collections.OrderedDict', dict('collections.OrderedDict', 0));
  define('collections.defaultdict', dict('collections.defaultdict', 1));
  define('torch.Size', sequence('torch.Size', 'tuple'));
  for (const module of ['builtins', '__builtin__']) {
    define(`${module}.dict`, dict(`${module}.dict`, 0));
    for (const kind of ['list', 'tuple', 'set'] as const) {
      define(`${module}.${kind}`, sequence(`${module}.${kind}`, kind));
    }
  }
  for (const [type] of Object.entries(storageTypes)) {
    for (const module of ['torch', 'torch.cuda', 'torch.storage']) define(`${module}.${type}`);
  }
  for (const name of Object.keys(dtypeNames)) define(`torch.${name}`);

  const view = (name: string, args: readonly PyValue[], dtype?: TorchDType): StoredTensor => {
    const [source, offset, shape, strides] = args;
    const [sizes, steps] = [itemsOf(shape), itemsOf(strides)];
    if (!isKind(source, 'storage') || typeof offset !== 'number' || !sizes || !steps) throw bad(name, args);
    const type = dtype ?? source.dtype;
    if (type === 'untyped') throw invalid(file, 'a tensor views an untyped storage without saying its type');
    return viewStorage(source, type, offset, sizes as number[], steps as number[], file);
  };
  for (const name of ['torch._utils._rebuild_tensor', 'torch._utils._rebuild_tensor_v2']) {
    define(name, (args) => view(name, args));
  }
  const v3 = 'torch._utils._rebuild_tensor_v3';
  define(v3, (args) => {
    const type = args[6];
    const dtype = isKind(type, 'name') ? dtypeNames[type.name.replace('torch.', '')] : undefined;
    if (!dtype || (isKind(args[0], 'storage') && args[0].dtype !== 'untyped' && args[0].dtype !== dtype))
      throw bad(v3, args);
    return view(v3, args, dtype);
  });
  const parameter = 'torch._utils._rebuild_parameter';
  define(parameter, (args) => {
    if (!isKind(args[0], 'tensor')) throw bad(parameter, args);
    return args[0];
  });

  return {
    find: (name) => names.get(name),
    persistent(id) {
      const items = itemsOf(id);
      const [tag, type, key, , count, part] = items ?? [];
      if (tag !== 'storage') {
        const what =
          typeof tag === 'string' ? `"${tag.slice(0, 40)}"` : typeof id === 'string' ? 'text' : describe(id);
        throw unsafe(file, `refers to an object outside by a persistent id of kind ${what}`);
      }
      const dtype = isKind(type, 'name') ? storageTypes[type.name.replace(/^.*\./, '')] : undefined;
      const whole = (x: PyValue | undefined): x is number => Number.isSafeInteger(x) && (x as number) >= 0;
      if (!dtype || typeof key !== 'string' || !whole(count))
        throw invalid(file, 'the persistent id of a storage is broken');
      const request = { key, dtype, count };
      const view = itemsOf(part);
      if (!view) return storage(request);
      const [own, offset, size] = view;
      if (typeof own !== 'string' || !whole(offset) || !whole(size))
        throw invalid(file, 'the view of a storage is broken');
      return storage({ ...request, part: { key: own, offset, count: size } });
    },
  };
}
