import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { gradient } from '../../src/autodiff/gradient.ts';
import { onnxruntime, runGraph } from '../../src/backend/onnxruntime.ts';
import { foldSpectralNorm } from '../../src/compress/fold-spectral-norm.ts';
import { checkGraph } from '../../src/graph/check.ts';
import { float32, Graph, type Value } from '../../src/graph/graph.ts';
import { encodeOnnx } from '../../src/graph/onnx.ts';
import { singularValues } from '../../src/metrics/algebra/singular-values.ts';
import { patchDiscriminator } from '../../src/models/discriminator.ts';
import { initialise } from '../../src/models/init.ts';
import { parameter } from '../../src/models/layers.ts';
import { conv } from '../../src/ops/conv.ts';
import { countParameters } from '../../src/ops/cost.ts';
import { mul, sub } from '../../src/ops/elementwise.ts';
import { loadOnnx } from '../../src/ops/import-onnx.ts';
import { linear } from '../../src/ops/matmul.ts';
import { trainableParameters } from '../../src/ops/parameters.ts';
import { mean } from '../../src/ops/reduce.ts';
import { spectralNorms, spectralSigma, spectralWeight } from '../../src/ops/spectral-norm.ts';
import { apply, declareTrained, withWeights } from '../../src/train/trained-network.ts';
import { rng } from '../../src/util/rng.ts';
import { readSafetensors } from '../support/safetensors.ts';

const stored = readSafetensors(join(import.meta.dirname, '../fixtures/spade/spectral.safetensors'));
const backend = onnxruntime({ threads: 1 });

/** One layer with a spectral norm, as the fixture's, holding the numbers stored under `prefix`. */
function network(layer: 'conv' | 'linear', prefix: string): Graph {
  const graph = new Graph(layer);
  const x = graph.input('x', 'float32', stored.get(`${layer}/input`)!.shape);
  const own = parameter(graph, 'layer.weight', stored.get(`${prefix}/weight`)!.shape);
  const weight = spectralWeight(own, 'layer');
  const y =
    layer === 'conv' ? conv(x, weight, { strides: [1, 1], pads: [0, 0, 0, 0], group: 1 }) : linear(x, weight);
  graph.output(y, 'y');
  for (const [name, from] of [
    ['layer.weight', 'weight'],
    ['layer.spectral.u', 'u'],
    ['layer.spectral.v', 'v'],
  ] as const) {
    const constant = graph.constants.get(name)!;
    constant.tensor = float32(constant.shape as number[], stored.get(`${prefix}/${from}`)!.data);
  }
  return graph;
}

describe.each(['conv', 'linear'] as const)('the spectral norm of a %s layer', (layer) => {
  test('makes the three steps that PyTorch makes, and leaves the weight it leaves when removed', async () => {
    const net = network(layer, layer);
    const graph = new Graph('step');
    const trained = declareTrained(graph, 'n', net);
    const fed = (name: string) => graph.input(name, 'float32', stored.get(`${layer}/${name}`)!.shape);
    const { outputs, statistics } = apply(graph, trained, { x: fed('input') }, 'net');
    const loss = mean(mul(outputs[0]!, fed('probe')));
    const weight = trained.weights.get('layer.weight')!;
    const [slope] = gradient(loss, [weight], trained.held) as [Value];
    const state = [
      { name: weight.name, input: weight, output: graph.output(sub(weight, mul(slope, 0.1)), 'next') },
      ...[...trained.statistics].map(([name, input]) => {
        const output = graph.output(statistics.get(name)!, `${name}:next`);
        return { name: input.name, input, output };
      }),
    ].map((s) => ({ ...s, initial: net.constants.get(s.name.slice(2))!.tensor! }));
    graph.output(outputs[0]!, 'y');
    checkGraph(graph);

    const compiled = await backend.compile({ graph, state });
    const feeds = Object.fromEntries(
      ['input', 'probe'].map((name) => {
        const { shape, data } = stored.get(`${layer}/${name}`)!;
        return [name, float32(shape, data)];
      }),
    );
    for (const step of [1, 2, 3]) {
      const { y } = await compiled.run(feeds);
      expect(y!.data, `output ${step}`).toBeAllclose(stored.get(`${layer}/${step}/output`)!.data, {
        atol: 1e-5,
      });
      const now = await compiled.readState();
      for (const [name, from] of [
        ['n/layer.weight', 'weight'],
        ['n/layer.spectral.u', 'u'],
        ['n/layer.spectral.v', 'v'],
      ] as const) {
        const wanted = stored.get(`${layer}/${step}/${from}`)!.data;
        expect(now.get(name)!.data, `${name} ${step}`).toBeAllclose(wanted, { atol: 1e-5 });
      }
    }
    withWeights(net, await compiled.readState(), 'n');
    await compiled.dispose();
    const folded = foldSpectralNorm(net);
    expect(folded.constants.get('layer.weight')!.tensor!.data).toBeAllclose(
      stored.get(`${layer}/folded`)!.data,
      { atol: 1e-5 },
    );
    expect([...folded.constants.keys()]).toEqual(['layer.weight']);
  });

  test('divides as eval mode does, and the same without it', async () => {
    const net = network(layer, layer);
    const x = rng(1, 'x').fillNormal(new Float32Array(stored.get(`${layer}/input`)!.data.length), 1);
    const feeds = { x: float32(stored.get(`${layer}/input`)!.shape, x) };
    const [whole, folded] = [
      await runGraph(net, feeds, backend),
      await runGraph(foldSpectralNorm(net), feeds, backend),
    ];
    expect(whole.y!.data).toBeAllclose(folded.y!.data as Float32Array, { atol: 1e-5 });
  });
});

describe('a discriminator with spectral norms', () => {
  const options = { baseWidth: 4, layers: 2, size: 16, norm: 'none', spectralNorm: true } as const;
  const graph = initialise(patchDiscriminator(options), { seed: 3 });

  test('has the parameters of one without, and starts near the largest singular value', () => {
    const plain = patchDiscriminator({ ...options, spectralNorm: false });
    const names = (network: Graph) => trainableParameters(network).map(({ name }) => name);
    expect(names(graph)).toEqual(names(plain));
    expect(countParameters(graph)).toBe(countParameters(plain));
    const norms = spectralNorms(graph);
    expect(norms.map(({ weight }) => weight.name)).toEqual(['conv2.weight', 'conv3.weight']);
    for (const norm of norms) {
      const [exact] = exactValues(norm.weight.tensor!.data as Float32Array, norm.weight.shape[0] as number);
      expect(spectralSigma(norm)).toBeGreaterThan(0.9 * exact!);
      expect(spectralSigma(norm)).toBeLessThan(1.0001 * exact!);
    }
  });

  test('folded with iterations its inner weights have the largest singular value 1', () => {
    const folded = foldSpectralNorm(graph, { iterations: 300 });
    expect(spectralNorms(folded)).toEqual([]);
    for (const name of ['conv2.weight', 'conv3.weight']) {
      const { data, shape } = folded.constants.get(name)!.tensor!;
      expect(exactValues(data as Float32Array, shape[0]!)[0]).toBeCloseTo(1, 3);
    }
    expect(graph.constants.get('conv1.weight')!.tensor).toEqual(folded.constants.get('conv1.weight')!.tensor);
  });

  test('keeps them in its file, and gives the same from there', async () => {
    const read = loadOnnx(encodeOnnx(graph));
    expect(spectralNorms(read).map(({ u, v }) => [u.name, v.name])).toEqual(
      spectralNorms(graph).map(({ u, v }) => [u.name, v.name]),
    );
    const pair = float32([1, 6, 16, 16], rng(1, 'pair').fillNormal(new Float32Array(6 * 256), 1));
    expect(await runGraph(read, { pair }, backend)).toEqual(await runGraph(graph, { pair }, backend));
  });
});

/** Singular values of a weight seen as a matrix with a row for each filter, largest first. */
function exactValues(weight: ArrayLike<number>, rows: number): number[] {
  const matrix = { rows, columns: weight.length / rows, data: Float64Array.from(weight) };
  return [...singularValues(matrix)].sort((a, b) => b - a);
}
