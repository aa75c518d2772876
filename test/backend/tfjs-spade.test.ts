import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { onnxruntime, runGraph } from '../../src/backend/onnxruntime.ts';
import { tfjs } from '../../src/backend/tfjs.ts';
import { widthFeeds, widthInputs } from '../../src/compress/elastic.ts';
import { inlineElastic } from '../../src/compress/elastic-inline.ts';
import { channelGroups } from '../../src/compress/groups.ts';
import { widthSpace } from '../../src/compress/width-space.ts';
import { Graph } from '../../src/graph/graph.ts';
import { buildGenerator } from '../../src/models/generator.ts';
import { initialise } from '../../src/models/init.ts';
import { multiscaleDiscriminator } from '../../src/models/multiscale-discriminator.ts';
import { noise } from '../compress/networks.ts';

const [reference, engine] = [onnxruntime({ threads: 1 }), tfjs(tf)];
const size = 32;
const architecture = {
  type: 'spade',
  baseWidth: 2,
  upsampling: 'fewer',
  norm: 'batch',
  separable: true,
  spectralNorm: false,
  latent: 0,
} as const;
const start = { init: 'xavier', gain: 0.5, seed: 1 } as const;
const generator = initialise(buildGenerator(architecture, size, { inputChannels: 3 }), start);

test('TensorFlow.js makes what ONNX Runtime makes of a SPADE and of a discriminator of several scales', async () => {
  const judge = { baseWidth: 2, inputChannels: 4, layers: 2, size };
  for (const graph of [generator, initialise(multiscaleDiscriminator(judge), start)]) {
    const feeds = noise(graph, size);
    const [theirs, ours] = [await runGraph(graph, feeds, reference), await runGraph(graph, feeds, engine)];
    for (const [name, { shape, data }] of Object.entries(theirs)) {
      expect(ours[name]!.shape).toEqual(shape);
      expect(ours[name]!.data, name).toBeAllclose(data as Float32Array, { atol: 1e-5 });
    }
  }
});

test('at widths that are inputs too', async () => {
  const groups = channelGroups(generator);
  const space = widthSpace(groups, [2, 1], architecture);
  const graph = new Graph('elastic');
  const feeds = noise(generator, size);
  const labels = graph.input('labels', 'float32', feeds.labels!.shape);
  const widths = widthInputs(graph, space);
  graph.output(
    inlineElastic(graph, generator, widths, { inputs: { labels }, prefix: 'g' }, groups).outputs[0]!,
    'y',
  );
  const fed = { ...feeds, ...widthFeeds(space, [1, 2, 1, 1, 2, 1, 2, 1]) };
  const [theirs, ours] = [await runGraph(graph, fed, reference), await runGraph(graph, fed, engine)];
  expect(ours.y!.data).toBeAllclose(theirs.y!.data as Float32Array, { atol: 1e-5 });
});
