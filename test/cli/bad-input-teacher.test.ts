import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema, TensorProto_DataLocation } from 'onnx-buf';
import { describe, expect, test } from 'vitest';
import { type Dim, type DType, float32, Graph, type Value } from '../../src/graph/graph.ts';
import { encodeOnnx } from '../../src/graph/onnx.ts';
import { relu, tanh } from '../../src/ops/activation.ts';
import { conv } from '../../src/ops/conv.ts';
import { add, div, mul, sqrt } from '../../src/ops/elementwise.ts';
import { ganletHere, runHere } from './here.ts';
import { tinyFolders } from './tiny-run.ts';

const recipe = `name: tiny
threads: 1
data: {source: aligned, path: pictures, size: 16}
teacher: {model: foreign.onnx}
discriminator: {type: patch, baseWidth: 4, layers: 1}
student: {ratio: 0.5}
distill: {taps: [inner], steps: 2, batch: 2, samples: 0}
`;
const folderOf = tinyFolders({ recipe });

interface Changes {
  shape?: Dim[];
  dtype?: DType;
  channels?: number;
  stride?: number;
  finish?: (y: Value) => Value;
}

/** Two convolutions that make a picture of a picture, with something wrong. */
function foreign({ shape = ['n', 3, 'h', 'w'], dtype = 'float32', ...rest }: Changes = {}): Graph {
  const { channels = 3, stride = 1, finish = tanh } = rest;
  const graph = new Graph('foreign');
  const x = graph.input('x', dtype, shape);
  if (dtype !== 'float32') {
    graph.output(relu(x), 'y');
    return graph;
  }
  const weight = (name: string, out: number, into: number) => {
    const values = Array.from({ length: out * into * 9 }, (_, i) => 0.2 * Math.sin(i + 1));
    return graph.constant(float32([out, into, 3, 3], values), name);
  };
  const pads = [1, 1, 1, 1];
  const inner = relu(conv(x, weight('w1', 8, shape[1] as number), { pads, strides: [stride, stride] }));
  const y = conv(graph.named(inner, 'inner'), weight('w2', channels, 8), { pads });
  graph.output(finish(y), 'y');
  return graph;
}

function secondInput(): Graph {
  const graph = new Graph('two');
  const [x, z] = ['x', 'z'].map((name) => graph.input(name, 'float32', ['n', 3, 'h', 'w']));
  graph.output(add(x!, z!), 'y');
  return graph;
}

async function distil(bytes: Uint8Array, ...set: string[]) {
  const folder = await folderOf();
  writeFileSync(join(folder, 'foreign.onnx'), bytes);
  const stderr = await runHere(folder, { set });
  const trained = existsSync(join(folder, 'runs/tiny/distill'));
  return { stderr, trained, file: join(folder, 'foreign.onnx') };
}

describe('a teacher that makes no such pictures is refused with what it does, and nothing is trained', () => {
  const wanted = 'must turn [1, 3, 16, 16] into [1, 3, 16, 16], it turns';
  const sizes = 'make data.size and data.channels those the network was trained with';
  const single = 'export the generator alone, with one picture as its input';
  const floats = 'export it in float32, without the steps that turn bytes into numbers and back';
  const open = 'export it with an open batch axis (dynamic_axes in PyTorch)';

  test.each([
    ['two inputs', secondInput(), '[n, 3, h, w] and [n, 3, h, w] into [n, 3, h, w]', single],
    ['whole numbers', foreign({ dtype: 'int32' }), 'int32 [n, 3, h, w] into int32 [n, 3, h, w]', floats],
    [
      'half precision',
      foreign({ dtype: 'float16' }),
      'float16 [n, 3, h, w] into float16 [n, 3, h, w]',
      floats,
    ],
    ['four channels', foreign({ shape: ['n', 4, 'h', 'w'] }), '[n, 4, h, w] into [n, 3, h, w]', sizes],
    ['another size', foreign({ shape: ['n', 3, 32, 32] }), '[n, 3, 32, 32] into [n, 3, 32, 32]', sizes],
    ['grey pictures', foreign({ channels: 1 }), '[n, 3, h, w] into [n, 1, h, w]', sizes],
    [
      'half the size',
      foreign({ stride: 2 }),
      '[n, 3, h, w] into [n, 3, floor((h + 1)/2), floor((w + 1)/2)]',
      sizes,
    ],
    ['a batch of four', foreign({ shape: [4, 3, 'h', 'w'] }), '[4, 3, h, w] into [4, 3, h, w]', open],
  ])('%s', async (_, graph, found, help) => {
    const { file, ...outcome } = await distil(encodeOnnx(graph));
    expect(outcome).toEqual({
      stderr: `error: ${file} ${wanted} ${found}\n  help: ${help}\n`,
      trained: false,
    });
  });

  test('a batch of one', async () => {
    const { file, stderr, trained } = await distil(encodeOnnx(foreign({ shape: [1, 3, 16, 16] })));
    const found = `the teacher ${file} must take any number of pictures at a time, it takes exactly 1`;
    expect({ stderr, trained }).toEqual({ stderr: `error: ${found}\n  help: ${open}\n`, trained: false });
  });

  test.each([
    ['not finite', (y: Value) => sqrt(y), /must make finite pictures, it does not/],
    ['infinite', (y: Value) => div(y, 0), /must make finite pictures, it does not/],
    [
      'from 0 to 255',
      (y: Value) => add(mul(tanh(y), 127.5), 127.5),
      /must make pictures in \[−1, 1\], it makes values in \[\d+\.?\d*, \d+\.?\d*\]/,
    ],
  ])('pictures that are %s', async (_, finish, why) => {
    const { stderr, trained } = await distil(encodeOnnx(foreign({ finish })));
    expect(stderr).toMatch(/^error: the teacher \S+foreign\.onnx .*\n {2}help: .*\n$/);
    expect(stderr).toMatch(why);
    expect(trained).toBe(false);
  });

  test('pictures from 0 to 1 are a warning: they may be meant', async () => {
    const finish = (y: Value) => add(mul(tanh(y), 0.5), 0.5);
    const folder = await folderOf();
    writeFileSync(join(folder, 'foreign.onnx'), encodeOnnx(foreign({ finish })));
    const { status, stderr } = await ganletHere(['distill', 'tiny.yaml', '--quiet'], folder);
    expect(status).toBe(0);
    expect(stderr).toMatch(/^warning: the pictures of the teacher lie in \[0\.\d+, 0\.\d+\], .* 2x − 1 at/);
  });
});

describe('a file that cannot be read as a network is refused by node', () => {
  const edited = (change: (model: ReturnType<typeof decode>) => void) => {
    const model = decode(encodeOnnx(foreign()));
    change(model);
    return toBinary(ModelProtoSchema, model);
  };
  const decode = (bytes: Uint8Array) => fromBinary(ModelProtoSchema, bytes);

  test.each([
    [
      'an operator we do not know',
      edited(({ graph }) => Object.assign(graph!.node[1]!, { opType: 'Warp', name: 'the warp' })),
      ': operator Warp (node "the warp") is not supported',
      'replace it in the network by operators of the standard domain, and export again',
    ],
    [
      'an operator of another domain',
      edited(({ graph }) => Object.assign(graph!.node[1]!, { domain: 'com.example', name: 'mine' })),
      ': operator com.example.Relu (node "mine") is not supported',
      'replace it in the network by operators of the standard domain, and export again',
    ],
    [
      'a newer opset',
      edited(({ opsetImport }) => Object.assign(opsetImport[0]!, { version: 25n })),
      ' must be of opset 11 to 21, it is of 25',
      'export the model again with opset_version=17, or convert it with onnx.version_converter',
    ],
    [
      'weights in another file',
      edited(({ graph }) => {
        graph!.initializer[0]!.dataLocation = TensorProto_DataLocation.EXTERNAL;
      }),
      ': initializer "w1" keeps its data in another file',
      'export the model without control flow, with its weights inside the file',
    ],
    [
      'a text',
      Buffer.from('hello, this is no network'),
      ' must be an ONNX model, it cannot be decoded',
      'the file may be truncated or of another format; export or download it again',
    ],
  ])('%s', async (_, bytes, found, help) => {
    const { file, ...outcome } = await distil(bytes);
    expect(outcome).toEqual({
      stderr: `error: ${file}${found}\n  help: ${help}\n`,
      trained: false,
    });
  });
});

describe('a student that cannot be made of this teacher', () => {
  test.each([
    [
      'distill.taps=[nowhere]',
      'distill.taps must name values of the teacher, it has no "nowhere"',
      'among its values are',
    ],
    [
      'student={widths: [99]}',
      'the student must not be wider than its teacher, group "w1" has 99 channels instead of 8',
      'set student.initFrom to random, or narrow the student',
    ],
    [
      'student={baseWidth: 4}',
      'the width of a student of a foreign teacher must be given as ratio or widths, got baseWidth',
      'set student.ratio instead of student.baseWidth',
    ],
    [
      'distill.initDiscriminator=teacher',
      'distill.initDiscriminator teacher needs discriminator.onnx beside FILE, there is none',
      'set distill.initDiscriminator to random, or train the teacher in this run',
    ],
  ])('%s', async (set, error, help) => {
    const { file, stderr, trained } = await distil(encodeOnnx(foreign()), set);
    expect(trained).toBe(false);
    expect(stderr.split('\n')[0]).toBe(`error: ${error.replace('FILE', file)}`);
    expect(stderr.split('\n')[1]).toMatch(new RegExp(`^  help: ${help}`));
  });

  test('leaves the recipe of an earlier run beside its results', async () => {
    const folder = await folderOf();
    writeFileSync(join(folder, 'foreign.onnx'), encodeOnnx(foreign()));
    const stages = ['--stages', 'distill', '--quiet'];
    expect((await ganletHere(['run', 'tiny.yaml', ...stages], folder)).status).toBe(0);
    const before = readFileSync(join(folder, 'runs/tiny/recipe.yaml'), 'utf8');
    expect(
      (await ganletHere(['run', 'tiny.yaml', ...stages, '--set', 'distill.taps=[x]'], folder)).status,
    ).toBe(1);
    expect(readFileSync(join(folder, 'runs/tiny/recipe.yaml'), 'utf8')).toBe(before);
  });
});
