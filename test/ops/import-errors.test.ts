import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { float32, Graph, int64 } from '../../src/graph/graph.ts';
import { encodeOnnx } from '../../src/graph/onnx.ts';
import { relu } from '../../src/ops/activation.ts';
import { conv } from '../../src/ops/conv.ts';
import { loadOnnx, saveOnnx } from '../../src/ops/import-onnx.ts';
import { GanletError } from '../../src/util/errors.ts';
import { type Raw, type RawNode, rawModel } from './raw-model.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ganlet-import-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function errorOf(load: () => unknown): GanletError {
  try {
    load();
  } catch (error) {
    if (error instanceof GanletError) return error;
    throw new Error('the error must be a GanletError', { cause: error });
  }
  throw new Error('there must be an error');
}

function smallGraph(): Graph {
  const graph = new Graph('small');
  graph.metadata.set('card', 'a student');
  const x = graph.input('x', 'float32', ['batch', 2, 4, 4]);
  const w = graph.constant(float32([3, 2, 3, 3], new Float32Array(54).fill(0.5)), 'w');
  graph.output(relu(conv(x, w, { pads: [1, 1, 1, 1] })), 'y');
  return graph;
}

describe('files that are not whole models', () => {
  const bytes = encodeOnnx(smallGraph());

  test('every beginning of a file is refused by name', () => {
    expect(loadOnnx(bytes).nodes.length).toBe(2);
    for (let length = 0; length < bytes.length; length++) {
      const { code, message } = errorOf(() => loadOnnx(bytes.subarray(0, length), 'cut.onnx'));
      expect([code, length]).toEqual(['ONNX_INVALID', length]);
      expect(message).toContain('cut.onnx');
    }
  });

  test('a file with damaged bytes loads or is refused, and nothing else happens', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        (changes) => {
          const damaged = bytes.slice();
          for (const [at, byte] of changes) damaged[at] = byte;
          try {
            expect(loadOnnx(damaged)).toBeInstanceOf(Graph);
          } catch (error) {
            expect(error).toBeInstanceOf(GanletError);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  test.each([
    ['nothing', ''],
    ['text', 'plain text, not a model, long enough to hold a message or two'],
    ['JSON', '{"ir_version": 8, "graph": {"node": []}}'],
    ['a picture', Buffer.from('89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489', 'hex')],
    [
      'PyTorch’s zip',
      Buffer.from('504b0304000008080000000000000000000000000000000000000d0000006172636869', 'hex'),
    ],
  ])('%s is refused by the name of its file', (name, contents) => {
    const path = join(folder, `${name}.onnx`);
    writeFileSync(path, contents);
    const { code, message, hint } = errorOf(() => loadOnnx(path));
    expect(code).toBe('ONNX_INVALID');
    expect(message).toContain(path);
    expect(hint).toMatch(/truncated or of another format/);
  });

  test('a file that is not there is refused by its name', () => {
    const { code, message } = errorOf(() => loadOnnx(join(folder, 'absent.onnx')));
    expect(code).toBe('FILE_MISSING');
    expect(message).toContain('absent.onnx');
    expect(errorOf(() => loadOnnx(folder)).code).toBe('IS_A_FOLDER');
  });
});

const one = (node: Partial<RawNode>, rest: Partial<Raw> = {}): Raw => ({
  opset: 17,
  inputs: { x: [2, 3, 4, 4] },
  nodes: [{ op: 'Relu', name: 'stem', in: ['x'], out: ['y'], ...node }],
  outputs: ['y'],
  ...rest,
});

const refused: [what: string, raw: Raw, code: string, message: RegExp, hint?: RegExp][] = [
  [
    'an opset that is too old',
    one({}, { opset: 9 }),
    'OPSET_UNSUPPORTED',
    /opset 11 to 21, it is of 9/,
    /opset_version=17/,
  ],
  ['an opset that is too new', one({}, { opset: 25 }), 'OPSET_UNSUPPORTED', /it is of 25/],
  [
    'an unknown operator',
    one({ op: 'NonMaxSuppression' }),
    'OP_UNSUPPORTED',
    /operator NonMaxSuppression \(node "stem"\)/,
  ],
  [
    'an operator of another domain',
    one({ op: 'Gelu', domain: 'com.microsoft' }),
    'OP_UNSUPPORTED',
    /com\.microsoft\.Gelu \(node "stem"\)/,
  ],
  ['an operator called like a method', one({ op: 'constructor' }), 'OP_UNSUPPORTED', /operator constructor/],
  ['Upsample', one({ op: 'Upsample' }), 'OP_UNSUPPORTED', /Upsample/, /Resize/],
  ['noise drawn inside', one({ op: 'RandomNormalLike' }), 'OP_UNSUPPORTED', /RandomNormalLike/, /input/],
  [
    'channels that do not fit',
    one({ op: 'Conv', in: ['x', 'w'] }, { constants: { w: float32([2, 4, 3, 3], new Float32Array(72)) } }),
    'SHAPE_MISMATCH',
    /Conv "stem": input channels 3 must match weight channels 4/,
  ],
  [
    'shapes that do not broadcast',
    one({ op: 'Add', in: ['x', 'b'] }, { constants: { b: float32([3], [1, 2, 3]) } }),
    'SHAPE_MISMATCH',
    /Add "stem": shapes \[2, 3, 4, 4\] and \[3\] must broadcast/,
  ],
  [
    'a reshape of the wrong size',
    one({ op: 'Reshape', in: ['x', 's'] }, { constants: { s: int64([7, -1]) } }),
    'SHAPE_MISMATCH',
    /Reshape "stem": \[2, 3, 4, 4\] must be divisible into \[7, -1\]/,
  ],
  ['a missing input', one({ op: 'Add', in: ['x'] }), 'SHAPE_MISMATCH', /Add "stem": input 1 must be given/],
  [
    'a missing first input',
    one({ op: 'Gelu', in: [''] }, { opset: 20 }),
    'SHAPE_MISMATCH',
    /Gelu "stem": input 0 must be given/,
  ],
  ['a value that nothing computes', one({ in: ['z'] }), 'ONNX_INVALID', /Relu "stem" uses "z"/],
  [
    'an output that nothing computes',
    one({}, { outputs: ['z'] }),
    'ONNX_INVALID',
    /output "z" must be computed/,
  ],
  [
    'a name given twice',
    one(
      {},
      {
        nodes: [
          { op: 'Relu', in: ['x'], out: ['y'] },
          { op: 'Tanh', in: ['x'], out: ['y'] },
        ],
      },
    ),
    'ONNX_INVALID',
    /name "y" must be given once/,
  ],
  [
    'batch norm in training mode',
    one(
      { op: 'BatchNormalization', in: ['x', 'a', 'a', 'a', 'a'], attributes: { training_mode: 1 } },
      { constants: { a: float32([3], [1, 2, 3]) } },
    ),
    'OP_UNSUPPORTED',
    /BatchNormalization "stem": training mode/,
    /eval/,
  ],
  [
    'dropout in training mode',
    one(
      { op: 'Dropout', in: ['x', 'r', 't'] },
      { constants: { r: float32([], [0.5]), t: { dtype: 'bool', shape: [], data: Uint8Array.of(1) } } },
    ),
    'OP_UNSUPPORTED',
    /Dropout "stem": training mode/,
  ],
  [
    'antialiased resizing',
    one(
      { op: 'Resize', in: ['x', '', 's'], attributes: { mode: 'linear', antialias: 1 } },
      { opset: 18, constants: { s: float32([4], [1, 1, 0.5, 0.5]) } },
    ),
    'OP_UNSUPPORTED',
    /Resize "stem": antialias must be 0/,
  ],
  [
    'cropping while resizing',
    one(
      {
        op: 'Resize',
        in: ['x', '', 's'],
        attributes: { coordinate_transformation_mode: 'tf_crop_and_resize' },
      },
      { constants: { s: float32([4], [1, 1, 2, 2]) } },
    ),
    'SHAPE_MISMATCH',
    /Resize "stem": coordinate_transformation_mode must be one of/,
  ],
  [
    'wrapping pads',
    one(
      { op: 'Pad', in: ['x', 'p'], attributes: { mode: 'wrap' } },
      { opset: 19, constants: { p: int64([0, 0, 1, 1, 0, 0, 1, 1]) } },
    ),
    'SHAPE_MISMATCH',
    /Pad "stem": mode must be constant, reflect or edge, got wrap/,
  ],
  [
    'an axis out of range',
    one({ op: 'Softmax', attributes: { axis: 4 } }),
    'SHAPE_MISMATCH',
    /Softmax "stem": axis 4 must lie in \[-4, 4\)/,
  ],
];

describe('models that cannot be read say why, and where', () => {
  test.each(refused)('%s', (_, raw, code, message, hint) => {
    const error = errorOf(() => loadOnnx(rawModel(raw), 'net.onnx'));
    expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)]);
    expect(error.message).toMatch(/^net\.onnx/);
    if (hint) expect(error.hint).toMatch(hint);
  });
});

test('a saved graph is whole, and readable again', async () => {
  const path = join(folder, 'deep/down/small.onnx');
  await saveOnnx(smallGraph(), path);
  expect(new Uint8Array(readFileSync(path))).toEqual(new Uint8Array(encodeOnnx(smallGraph())));
  expect(loadOnnx(path).metadata.get('card')).toBe('a student');
});
