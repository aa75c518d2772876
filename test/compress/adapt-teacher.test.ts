import { describe, expect, test } from 'vitest';
import { onnxruntime, runGraph } from '../../src/backend/onnxruntime.ts';
import { adaptTeacher, ownForm } from '../../src/compress/adapt-teacher.ts';
import { channelGroups } from '../../src/compress/groups.ts';
import { checkGraph } from '../../src/graph/check.ts';
import { float32, Graph } from '../../src/graph/graph.ts';
import { convolution } from '../../src/models/layers.ts';
import { resnetGenerator } from '../../src/models/resnet.ts';
import { checkTypes } from '../../src/ops/check-types.ts';
import { transpose } from '../../src/ops/layout.ts';
import { rng } from '../../src/util/rng.ts';
import { exported, loadExport } from './foreign.ts';
import { randomise } from './networks.ts';

const backend = onnxruntime({ threads: 1 });

async function run(graph: Graph, shape: readonly number[], data: Float32Array): Promise<Float32Array> {
  const results = await runGraph(graph, { [graph.inputs[0]!.name]: float32(shape, data) }, backend);
  return results[graph.outputs[0]!.name]!.data as Float32Array;
}

test('a network in our form is left as it is', () => {
  const graph = resnetGenerator({ baseWidth: 2, blocks: 1 });
  expect(adaptTeacher(graph)).toBe(graph);
});

describe.each(exported.filter((name) => typeof loadExport(name).inputs[0]!.shape[0] === 'number'))(
  '%s, exported for two pictures at a time',
  (name) => {
    test('takes any number of them, and makes of each what it made', async () => {
      const graph = loadExport(name);
      const opened = adaptTeacher(graph);
      checkGraph(opened);
      checkTypes(opened);
      expect(opened.inputs[0]!.shape[0]).toBe('batch');
      expect(opened.outputs[0]!.shape.slice(1)).toEqual(graph.outputs[0]!.shape.slice(1));
      const each = graph.inputs[0]!.shape.slice(1) as number[];
      const size = each.reduce((a, b) => a * b, 1);
      const pictures = rng(1, name).fillUniform(new Float32Array(3 * size), -1, 1);
      const three = await run(opened, [3, ...each], pictures);
      const first = await run(graph, [2, ...each], pictures.subarray(0, 2 * size));
      const last = await run(opened, [1, ...each], pictures.subarray(2 * size));
      expect(three).toBeAllclose([...first, ...last], { atol: 1e-5 });
    });

    test('has the same groups', () => {
      const list = (graph: Graph) =>
        channelGroups(graph).list.map((group) => [group.name, group.width, group.narrowable]);
      const graph = loadExport(name);
      expect(list(adaptTeacher(graph))).toEqual(list(graph));
    });
  },
);

test('numbers of another range, and channels that come last, are ours outside', async () => {
  const inner = randomise(resnetGenerator({ baseWidth: 2, blocks: 1, size: 8 }));
  const graph = new Graph('channels last');
  const x = graph.input('x', 'float32', [1, 8, 8, 3]);
  const y = convolution(transpose(x, [0, 3, 1, 2]), 'only', 3, { kernel: 3, pad: 1 });
  graph.output(transpose(y, [0, 2, 3, 1]), 'picture');
  randomise(graph);
  const adapted = adaptTeacher(graph, { range: [0, 255], outputRange: [0, 1], layout: 'nhwc' });
  checkGraph(adapted);
  checkTypes(adapted);
  expect(adapted.inputs[0]!.shape).toEqual(['batch', 3, 8, 8]);
  expect(adapted.outputs[0]!.shape).toEqual(['batch', 3, 8, 8]);

  const ours = rng(1, 'pictures').fillUniform(new Float32Array(3 * 64), -1, 1);
  const theirs = new Float32Array(3 * 64);
  for (let c = 0; c < 3; c++)
    for (let p = 0; p < 64; p++) theirs[3 * p + c] = ((ours[64 * c + p]! + 1) / 2) * 255;
  const expected = await run(graph, [1, 8, 8, 3], theirs);
  const found = await run(adapted, [1, 3, 8, 8], ours);
  for (let c = 0; c < 3; c++)
    for (let p = 0; p < 64; p++) expect(found[64 * c + p]).toBeCloseTo(2 * expected[3 * p + c]! - 1, 2);
  expect(adaptTeacher(inner, { ...ownForm, range: [0, 1] }).inputs[0]!.shape).toEqual(['batch', 3, 8, 8]);
});
