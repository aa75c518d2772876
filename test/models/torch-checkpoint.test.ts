import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { importNetwork } from '../../src/models/import/kinds.ts';
import { toFloat32 } from '../../src/models/import/load.ts';
import { selectTensors } from '../../src/models/state-dict.ts';
import { decodeCheckpoint, readCheckpoint, readStateDict } from '../../src/models/torch-checkpoint.ts';
import { GanletError } from '../../src/util/errors.ts';
import { rng } from '../../src/util/rng.ts';
import { readSafetensors, tensorsUnder } from '../support/safetensors.ts';

const folder = join(import.meta.dirname, '../fixtures/checkpoints');
const at = (file: string) => join(folder, file);
const expected = tensorsUnder(readSafetensors(at('expected.safetensors')), 'tensors');

const saved = ['tensors.pth', 'tensors-legacy.pth', 'tensors-deflated.pth', 'tensors-big-endian.pth'];

describe.each([...saved, 'tensors.safetensors'])('%s', (file) => {
  const key = file.endsWith('.pth') ? 'state' : undefined;

  test('every element type, view and shape is read as PyTorch has it', () => {
    const tensors = readStateDict(at(file), key);
    for (const [name, { shape, data }] of expected) {
      const tensor = tensors.get(name)!;
      expect(tensor.shape, name).toEqual(shape);
      expect([...toFloat32(tensor)], name).toEqual([...data]);
    }
    expect([...tensors.keys()].filter((name) => !expected.has(name))).toEqual(['empty']);
    expect(tensors.get('empty')!.read()).toEqual({
      dtype: 'float32',
      shape: [0, 3],
      data: new Float32Array(),
    });
  });

  test('types stay as they are where the toolkit has them', () => {
    const tensors = readStateDict(at(file), key);
    const types = [...tensors].slice(0, 10).map(([name, tensor]) => [name, tensor.read().dtype]);
    expect(Object.fromEntries(types)).toEqual({
      float32: 'float32',
      float64: 'float64',
      float16: 'float16',
      bfloat16: 'float32',
      int64: 'int64',
      int32: 'int32',
      int16: 'int32',
      int8: 'int8',
      uint8: 'uint8',
      bool: 'bool',
    });
  });
});

test('views of one storage are told by its name, copies are not', () => {
  const tensors = readStateDict(at('tensors.pth'), 'state');
  const storage = (name: string) => tensors.get(name)!.storage;
  expect(storage('tail')).toBe(storage('float32'));
  expect(storage('transposed')).toBe(storage('float32'));
  expect(storage('parameter')).not.toBe(storage('float32'));
});

describe('the dictionary of the network', () => {
  test('can be named, also by its path', () => {
    const { tree } = readCheckpoint(at('tensors.pth'));
    expect([...selectTensors(tree, 'f', 'more/deep/0').keys()]).toEqual(['w']);
    expect([...selectTensors(tree, 'f', 'more').keys()]).toEqual(['w']);
  });

  test('must be named where there are several', () => {
    expect(() => readStateDict(at('tensors.pth'))).toThrow(
      expect.objectContaining({
        code: 'CHECKPOINT_KEY',
        message: expect.stringContaining('which dictionary is the network, it has "state", "more"'),
        hint: 'choose one with --key',
      }),
    );
    expect(() => readStateDict(at('tensors.pth'), 'netG')).toThrow(
      'a dictionary of tensors at "netG", it has "state"',
    );
  });

  test('is found by a usual name', () => {
    const names = [...readStateDict(at('mobile_resnet_9blocks.pth')).keys()];
    expect(names).toHaveLength(2 * (6 + 36));
    expect(names[0]).toBe('model.1.weight');
  });

  test('loses the prefix of DataParallel', () => {
    expect(readStateDict(at('resnet_9blocks-batch-dropout.pth')).has('model.10.conv_block.6.weight')).toBe(
      true,
    );
  });
});

/** A pickle of opcodes and arguments, latin1. */
const bytes = (...parts: (string | number)[]) =>
  Uint8Array.from(parts.flatMap((p) => (typeof p === 'number' ? [p] : [...Buffer.from(p, 'latin1')])));
const MAGIC = '\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.';
const HEADER = `${MAGIC}\x80\x02M\xe9\x03.\x80\x02}.`;
/** A legacy file of this object, without storages. */
const legacy = (...object: (string | number)[]) => bytes(HEADER, '\x80\x02', ...object, '.', '\x80\x02].');
const u32 = (n: number) => String.fromCharCode(n & 255, (n >> 8) & 255, (n >> 16) & 255, (n >> 24) & 255);

function failure(read: () => unknown): GanletError {
  try {
    read();
  } catch (error) {
    expect(error).toBeInstanceOf(GanletError);
    return error as GanletError;
  }
  throw new Error('it was accepted');
}

describe('pickles that do more than describe tensors are refused by name, and nothing runs', () => {
  test.each([
    ['malicious-system.pth', /posix\.system|nt\.system/],
    ['malicious-system-legacy.pth', /posix\.system|nt\.system/],
    ['malicious-eval.pth', /__builtin__\.eval|builtins\.eval/],
    ['malicious-eval-legacy.pth', /__builtin__\.eval|builtins\.eval/],
    ['malicious-numpy.pth', /numpy\..*_reconstruct/],
    ['malicious-numpy-legacy.pth', /numpy\..*_reconstruct/],
    ['malicious-module.pth', /torch\.nn\.modules\.linear\.Linear/],
  ])('%s', (file, name) => {
    const error = failure(() => readCheckpoint(at(file)));
    expect(error.code).toBe('CHECKPOINT_UNSAFE');
    expect(error.message).toMatch(name);
    expect(error.hint).toContain('nothing was executed');
    expect(existsSync('/tmp/ganlet-was-here')).toBe(false);
  });

  test('all of them are covered', () => {
    expect(readdirSync(folder).filter((name) => name.startsWith('malicious-'))).toHaveLength(7);
  });

  test.each<[what: string, object: (string | number)[], message: string]>([
    ['a bare GLOBAL', ['cos\nsystem\n'], 'names os.system'],
    [
      'a name put together on the stack',
      ['X', u32(2), 'os', 'X', u32(6), 'system', '\x93'],
      'names os.system',
    ],
    ['an attribute of an allowed module', ['ctorch\nload\n'], 'names torch.load'],
    [
      'a dotted path through an allowed name',
      ['ccollections\nOrderedDict.fromkeys\n'],
      'names collections.OrderedDict.fromkeys',
    ],
    ['a method of an object prototype', ['cObject\nconstructor\n'], 'names Object.constructor'],
    ['__proto__', ['c__proto__\n__proto__\n'], 'names __proto__.__proto__'],
    ['an old-style instance', ['(ios\nsystem\n'], 'makes an instance of os.system'],
    ['an object by OBJ', ['(ccollections\nOrderedDict\no'], 'makes an instance of collections.OrderedDict'],
    [
      'an object by NEWOBJ',
      ['ccollections\nOrderedDict\n)\x81'],
      'makes an instance of collections.OrderedDict',
    ],
    ['a call of text', ['X', u32(4), 'eval', ')R'], 'calls a string'],
    ['a call of a type that is no function', ['ctorch\nFloatStorage\n)R'], 'calls torch.FloatStorage'],
    ['a call of a number', ['K\x01)R'], 'calls a number'],
    ['attributes of a list', [']}b'], 'sets attributes of a list'],
    ['the extension registry', ['\x82\x01'], 'extension registry'],
    ['buffers outside', ['\x97'], 'buffers outside the file'],
    [
      'a persistent id of a module',
      ['(X', u32(6), 'module', 'ctorch\nFloatStorage\ntQ'],
      'persistent id of kind "module"',
    ],
    ['a persistent id that is text', ['Pstorage\n'], 'persistent id of kind text'],
    [
      'a persistent id that is a name',
      ['ccollections\nOrderedDict\nQ'],
      'persistent id of kind collections.OrderedDict',
    ],
    ['a name with control characters', ['c\x1b[2Jos\nsystem\n'], 'names ?[2Jos.system'],
  ])('%s', (_, object, message) => {
    const error = failure(() => decodeCheckpoint(legacy(...object)));
    expect(error.code).toBe('CHECKPOINT_UNSAFE');
    expect(error.message).toContain(message);
  });

  test('a pickle that is no checkpoint at all is named too', () => {
    const plain = bytes('\x80\x02cos\nsystem\n', 'X', u32(6), 'ls -la', '\x85R.');
    expect(failure(() => decodeCheckpoint(plain)).message).toContain('names os.system');
  });
});

describe('pickles made to exhaust time or memory end soon', () => {
  test.each<[what: string, object: (string | number)[], code: string]>([
    // 40 lists, each holding the one before twice: 2⁴⁰ paths.
    [
      'a memo bomb',
      [
        ']q\x00',
        ...Array.from(
          { length: 40 },
          (_, i) => `](h${String.fromCharCode(i)}h${String.fromCharCode(i)}eq${String.fromCharCode(i + 1)}`,
        ),
      ],
      'CHECKPOINT_INVALID',
    ],
    ['a list inside itself', [']q\x00h\x00a'], 'CHECKPOINT_INVALID'],
    ['100,000 lists inside one another', [']'.repeat(100_000), 'a'.repeat(99_999)], 'CHECKPOINT_INVALID'],
    ['100,000 open marks', ['('.repeat(100_000)], 'CHECKPOINT_INVALID'],
    ['an integer of a billion digits', ['\x8b', u32(1_000_000_000)], 'CHECKPOINT_INVALID'],
    ['an integer of 100,000 bytes', ['\x8b', u32(100_000), '\x7f'.repeat(100_000)], 'CHECKPOINT_INVALID'],
    ['text of four gigabytes', ['X', '\xff\xff\xff\xff'], 'CHECKPOINT_INVALID'],
    ['text of 2⁶⁴ bytes', ['\x8d', '\xff'.repeat(8)], 'CHECKPOINT_INVALID'],
    ['keys that are lists', [']q\x00}h\x00h\x00s'], 'CHECKPOINT_INVALID'],
    [
      'a storage of 2⁵³ numbers',
      [
        '(X',
        u32(7),
        'storage',
        'ctorch\nFloatStorage\nX',
        u32(1),
        '0',
        'X',
        u32(3),
        'cpu',
        '\x8a\x07',
        '\xff'.repeat(6),
        '\x1f',
        'tQ',
      ],
      'CHECKPOINT_INVALID',
    ],
  ])('%s', (_, object, code) => {
    const start = performance.now();
    expect(failure(() => decodeCheckpoint(legacy(...object))).code).toBe(code);
    expect(performance.now() - start).toBeLessThan(2000);
  });

  /** A legacy file with one tensor of shape [rows, columns] and these strides over a storage of four numbers. */
  const tensor = (rows: number, columns: number, strides: [number, number], copies = 1, offset = 0) =>
    bytes(
      HEADER,
      '\x80\x02}(',
      ...Array.from({ length: copies }, (_, i) => [
        `X${u32(6)}${String(i).padStart(6, '0')}`,
        'ctorch._utils\n_rebuild_tensor_v2\n((',
        `X${u32(7)}storagectorch\nFloatStorage\nX${u32(1)}0X${u32(3)}cpuK\x04tQ`,
        `J${u32(offset)}J${u32(rows)}J${u32(columns)}\x86J${u32(strides[0])}J${u32(strides[1])}\x86`,
        '\x89}tR',
      ]).flat(),
      `u.\x80\x02](X${u32(1)}0e.`,
      '\x04\0\0\0\0\0\0\0',
      '\0\0\x80\x3f'.repeat(4),
    );

  test('the tensor itself is fine', () => {
    const [[, first]] = decodeCheckpoint(tensor(2, 2, [1, 2])).tree as never as [
      [string, { read(): unknown }],
    ];
    expect(first.read()).toEqual({ dtype: 'float32', shape: [2, 2], data: Float32Array.of(1, 1, 1, 1) });
  });

  test.each([
    ['a tensor that repeats one number 10¹² times', tensor(1e6, 1e6, [0, 0]), 'CHECKPOINT_TOO_LARGE'],
    ['a tensor beyond its storage', tensor(2, 3, [3, 1]), 'CHECKPOINT_INVALID'],
    ['a tensor that begins beyond its storage', tensor(1, 1, [1, 1], 1, 4), 'CHECKPOINT_INVALID'],
    ['a tensor of negative size', tensor(-2, -2, [1, 1]), 'CHECKPOINT_INVALID'],
    ['a tensor with negative strides', tensor(2, 2, [-1, 1]), 'CHECKPOINT_INVALID'],
    [
      'a thousand tensors that repeat a number a million times',
      tensor(1024, 1024, [0, 0], 1000),
      'CHECKPOINT_TOO_LARGE',
    ],
  ])('%s', (_, file, code) => {
    expect(failure(() => decodeCheckpoint(file)).code).toBe(code);
  });
});

describe('archives made to exhaust memory', () => {
  const original = readFileSync(at('tensors-deflated.pth'));

  /** The archive with the size that its directory gives the pickle replaced. */
  function withSize(size: number): Uint8Array {
    const copy = Buffer.from(original);
    const directory = copy.lastIndexOf(
      Buffer.from('PK\x01\x02'),
      copy.indexOf('data.pkl', copy.indexOf('PK\x01\x02')),
    );
    copy.writeUInt32LE(size, directory + 24);
    return copy;
  }

  test('a size beyond what the file makes believable is refused before it is unpacked', () => {
    expect(failure(() => decodeCheckpoint(withSize(2 ** 31))).code).toBe('CHECKPOINT_TOO_LARGE');
  });

  test('an entry that unpacks to another size than it says', () => {
    expect(failure(() => decodeCheckpoint(withSize(10))).code).toBe('CHECKPOINT_INVALID');
    expect(failure(() => decodeCheckpoint(withSize(100_000))).code).toBe('CHECKPOINT_INVALID');
  });
});

describe('files that are no checkpoints', () => {
  test.each([
    ['empty', new Uint8Array(), 'it has 0 bytes'],
    ['text', Buffer.from('{"weights": "none of the kind that is wanted"}'), 'its pickle is broken'],
    ['a zip archive of other things', Buffer.from('504b0506'.padEnd(44, '0'), 'hex'), 'its pickle is broken'],
  ])('%s', (_, file, message) => {
    const error = failure(() => decodeCheckpoint(file, 'net.pth'));
    expect(error.code).toBe('CHECKPOINT_INVALID');
    expect(error.message).toContain('net.pth must be a PyTorch checkpoint');
    expect(error.message).toContain(message);
  });

  test('a missing file', () => {
    expect(failure(() => readCheckpoint(at('none.pth'))).code).toBe('FILE_MISSING');
  });
});

describe('1,000 damaged checkpoints each give their tensors or a named error', () => {
  const files = [...saved, 'tensors.safetensors', 'pixel.pth', 'pixel-batch.safetensors'];
  const codes = new Set([
    'CHECKPOINT_INVALID',
    'CHECKPOINT_UNSAFE',
    'CHECKPOINT_TOO_LARGE',
    'CHECKPOINT_KEY',
    'CHECKPOINT_UNSUPPORTED',
    'TENSORS_INVALID',
    'CHECKPOINT_MISMATCH',
  ]);

  test.each(files.map((file, i) => [file, i] as const))('%s', (file, index) => {
    const original = readFileSync(at(file));
    const random = rng(7, `damage:${file}`);
    const below = (n: number) => random.int(0, n - 1);
    const seen = new Map<string, number>();
    const count = index === 0 ? 1000 - 142 * (files.length - 1) : 142;
    for (let n = 0; n < count; n++) {
      let damaged = Uint8Array.from(original);
      const kind = below(4);
      if (kind === 0) damaged = damaged.slice(0, below(damaged.length));
      else if (kind === 1)
        damaged.copyWithin(below(damaged.length), below(damaged.length), below(damaged.length));
      else for (let k = 0; k < (kind === 2 ? 1 : 8); k++) damaged[below(damaged.length)]! ^= 1 << below(8);
      try {
        const { tree } = decodeCheckpoint(damaged, file);
        for (const tensor of selectTensors(tree, file, tree.has('state') ? 'state' : undefined).values())
          tensor.read();
        if (file.startsWith('pixel')) importNetwork('pixel', { tensors: selectTensors(tree, file), file });
        seen.set('read', (seen.get('read') ?? 0) + 1);
      } catch (error) {
        if (!(error instanceof GanletError)) throw error;
        seen.set(error.code, (seen.get(error.code) ?? 0) + 1);
      }
    }
    expect([...seen.keys()].filter((code) => code !== 'read' && !codes.has(code))).toEqual([]);
    const refused = count - (seen.get('read') ?? 0);
    expect(refused).toBeGreaterThan(count / 4);
  });
});
