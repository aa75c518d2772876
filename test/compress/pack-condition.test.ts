import { expect, test } from 'vitest';
import { onnxruntime, runGraph } from '../../src/backend/onnxruntime.ts';
import { adaptClassInput } from '../../src/compress/adapt-class.ts';
import { channelGroups } from '../../src/compress/groups.ts';
import { channelScores, selectChannels } from '../../src/compress/importance.ts';
import { narrow } from '../../src/compress/narrow.ts';
import { packCondition, packedInputs, unpackCondition } from '../../src/compress/pack-condition.ts';
import { checkGraph } from '../../src/graph/check.ts';
import { float32, type Graph, int64 } from '../../src/graph/graph.ts';
import { encodeOnnx } from '../../src/graph/onnx.ts';
import { generatorInputs } from '../../src/models/generator-inputs.ts';
import { resnetGenerator } from '../../src/models/resnet.ts';
import { loadOnnx } from '../../src/ops/import-onnx.ts';
import { rng } from '../../src/util/rng.ts';
import { classedTeacher } from '../support/classed-teacher.ts';
import { latentGenerator } from '../support/latent-generator.ts';

const backend = onnxruntime({ threads: 1 });
const [classes, size] = [4, 8];
const ids = [2, 0, 3];
const pictures = rng(1, 'pictures').fillNormal(new Float32Array(3 * 3 * size * size));
const x = float32([3, 3, size, size], pictures);
const oneHot = float32(
  [3, classes],
  ids.flatMap((id) => Array.from({ length: classes }, (_, k) => Number(k === id))),
);
const both = float32(
  [3, 3 + classes, size, size],
  ids.flatMap((id, n) => [
    ...pictures.subarray(n * 3 * size * size, (n + 1) * 3 * size * size),
    ...Array.from({ length: classes * size * size }, (_, p) => Number(Math.floor(p / size ** 2) === id)),
  ]),
);
const made = async (graph: Graph, feeds: Parameters<typeof runGraph>[1]) =>
  (await runGraph(graph, feeds, backend)).made!.data as Float32Array;

test('a picture and a class in one input give what they give in two, to the bit', async () => {
  const graph = classedTeacher(classes, 'one-hot');
  const packed = packCondition(graph);
  checkGraph(packed);
  expect(generatorInputs(packed).condition!.shape).toEqual(['batch', 3 + classes, 'h', 'w']);
  expect(packedInputs(packed)).toEqual({ picture: 'x', class: 'y', channels: 3, classes });
  expect(await made(packed, { x: both })).toEqual(await made(graph, { x, y: oneHot }));
});

test('the same of a class that is a number', async () => {
  const graph = classedTeacher(classes, 'number');
  const packed = packCondition(adaptClassInput(graph));
  const expected = await made(graph, { x, y: int64(ids) });
  const found = await made(packed, { x: both });
  expect(Math.max(...found.map((v, i) => Math.abs(v - expected[i]!)))).toBeLessThan(1e-6);
});

test('what was made of a packed network, narrowed and read from a file, has its two inputs again', async () => {
  const packed = packCondition(classedTeacher(classes, 'one-hot'));
  const groups = channelGroups(packed);
  const half = ({ narrowable, width }: { narrowable: boolean; width: number }) =>
    narrowable ? width / 2 : undefined;
  const scores = channelScores(packed, { groups });
  const narrowed = loadOnnx(encodeOnnx(narrow(packed, selectChannels(groups, half, scores), groups)), 'it');
  const unpacked = loadOnnx(encodeOnnx(unpackCondition(narrowed)), 'it');
  expect(unpacked.inputs.map(({ name, shape }) => [name, ...shape])).toEqual([
    ['x', 'batch', 3, 'h', 'w'],
    ['y', 'batch', classes],
  ]);
  expect(packedInputs(unpacked)).toBeUndefined();
  expect(unpacked.nodes.length).toBe(classedTeacher(classes, 'one-hot').nodes.length);
  expect(await made(unpacked, { x, y: oneHot })).toEqual(await made(narrowed, { x: both }));
});

test('other networks stay as they are', () => {
  const picture = resnetGenerator({ baseWidth: 4, blocks: 1, size: 16 });
  // A vector that nothing calls a class may be a latent one.
  for (const graph of [picture, latentGenerator(16)]) {
    expect(packCondition(graph)).toBe(graph);
    expect(unpackCondition(graph)).toBe(graph);
  }
});
