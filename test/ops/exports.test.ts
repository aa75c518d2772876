import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { gradient } from '../../src/autodiff/gradient.ts';
import { checkGraph } from '../../src/graph/check.ts';
import { float32, Graph } from '../../src/graph/graph.ts';
import { checkTypes } from '../../src/ops/check-types.ts';
import { identity, mul } from '../../src/ops/elementwise.ts';
import { loadOnnx } from '../../src/ops/import-onnx.ts';
import { inline } from '../../src/ops/inline.ts';
import { sum } from '../../src/ops/reduce.ts';
import { readSafetensors, tensorsUnder } from '../support/safetensors.ts';
import { runOnce } from './finite-differences.ts';

const folder = join(import.meta.dirname, '../fixtures/exports');
/**
 * By opset, how many parameters keep their names: those that PyTorch does not merge with others when it exports (batch norms
 * with the convolutions before them, unless told otherwise).
 */
const parameters: Record<string, Record<number, number>> = {
  resnet: { 11: 14, 13: 14, 17: 14 },
  unet: { 11: 8, 12: 13, 13: 8, 17: 8 },
  decoder: { 11: 16, 13: 16, 17: 16 },
  pix2pixhd: { 11: 10, 14: 50, 16: 50 },
  spade: { 11: 43, 12: 43, 15: 43, 17: 43 },
  mobile: { 11: 42, 13: 42, 14: 12, 17: 42 },
};

describe.each(Object.keys(parameters))('PyTorch’s export of a %s', (network) => {
  const opsets = Object.keys(parameters[network]!).map(Number);
  const golden = readSafetensors(join(folder, `${network}.safetensors`));
  const tensor = (name: string) => {
    const { shape, data } = golden.get(name)!;
    return float32(shape, data);
  };

  test.each(opsets)('at opset %i computes what PyTorch computed', async (opset) => {
    const graph = loadOnnx(join(folder, `${network}-${opset}.onnx`));
    checkTypes(graph);
    expect(graph.inputs.map((v) => v.name)).toEqual(['image']);
    expect(graph.outputs.map((v) => v.name)).toEqual(['picture']);
    const { picture } = await runOnce(graph, { image: tensor('input') });
    expect(picture!.shape).toEqual(golden.get('output')!.shape);
    expect(picture!.data as Float32Array).toBeAllclose(golden.get('output')!.data, {
      atol: 2e-6,
      rtol: 1e-4,
    });
  });

  test.each(opsets)(
    'at opset %i has PyTorch’s gradients, of the image and of every parameter by name',
    async (opset) => {
      const loaded = loadOnnx(join(folder, `${network}-${opset}.onnx`));
      const grads = tensorsUnder(golden, 'grad');
      const names = [...grads.keys()].filter((name) => loaded.constants.has(name));
      expect(names.length).toBe(parameters[network]![opset]);

      // Sizes known only at run time become static where the network is put to use.
      const graph = new Graph('loss');
      const image = graph.input('image', 'float32', golden.get('input')!.shape);
      const weights = new Map(
        names.map((name) => [name, graph.input(`w:${name}`, 'float32', grads.get(name)!.shape)]),
      );
      const { outputs } = inline(graph, loaded, {
        inputs: { image },
        prefix: 'net',
        parameter: (constant) => weights.get(constant.name),
      });
      const loss = sum(mul(outputs[0]!, graph.input('probe', 'float32', golden.get('probe')!.shape)));
      const targets = [image, ...weights.values()];
      for (const [i, g] of gradient(loss, targets).entries())
        graph.output(identity(g), `d:${targets[i]!.name}`);
      checkGraph(graph);
      checkTypes(graph);

      const feeds = Object.fromEntries(
        names.map((name) => [`w:${name}`, loaded.constants.get(name)!.tensor!]),
      );
      const results = await runOnce(graph, { ...feeds, image: tensor('input'), probe: tensor('probe') });
      const largest = (data: Float32Array) => data.reduce((a, v) => Math.max(a, Math.abs(v)), 0);
      for (const name of ['image', ...names]) {
        const expected = name === 'image' ? golden.get('gradInput')!.data : grads.get(name)!.data;
        const got = results[name === 'image' ? 'd:image' : `d:w:${name}`]!.data as Float32Array;
        expect(got, name).toBeAllclose(expected, { atol: 2e-5 * Math.max(1, largest(expected)), rtol: 1e-3 });
      }
    },
  );
});
