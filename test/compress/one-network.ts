import { expect } from 'vitest';
import { onnxruntime } from '../../src/backend/onnxruntime.ts';
import { widthFeeds, widthInputs } from '../../src/compress/elastic.ts';
import { inlineElastic } from '../../src/compress/elastic-inline.ts';
import { channelGroups } from '../../src/compress/groups.ts';
import { narrow } from '../../src/compress/narrow.ts';
import { channelsAt, type WidthSpace, type WidthVector } from '../../src/compress/width-space.ts';
import { checkGraph } from '../../src/graph/check.ts';
import { Graph } from '../../src/graph/graph.ts';
import { encodeOnnx } from '../../src/graph/onnx.ts';
import { loadOnnx } from '../../src/ops/import-onnx.ts';
import { noise, outputOf, parameterShapes } from './networks.ts';

/** The first channels of every group at a vector, as `narrow` takes them. */
export function firstChannels(space: WidthSpace, vector: WidthVector): Map<string, number[]> {
  return new Map(
    [...channelsAt(space, vector)].map(([group, width]) => [
      group,
      Array.from({ length: width }, (_, i) => i),
    ]),
  );
}

/**
 * Expects a network elastic at each vector, narrowed to it and exported to make the same pictures: the worst number apart by
 * less than 2e-5, the mean by 1e-6; and what `build` builds to have the parameters of the narrowed one, with which it makes them too.
 */
export async function expectOneNetwork(
  graph: Graph,
  {
    space,
    vectors,
    size,
    build,
  }: { space: WidthSpace; vectors: readonly WidthVector[]; size: number; build(vector: WidthVector): Graph },
): Promise<void> {
  const groups = channelGroups(graph);
  const target = new Graph('elastic');
  const feeds = noise(graph, size);
  const inputs = Object.fromEntries(
    graph.inputs.map((x) => [x.name, target.input(x.name, x.dtype, feeds[x.name]!.shape)]),
  );
  const widths = widthInputs(target, space);
  target.output(inlineElastic(target, graph, widths, { inputs, prefix: 'g' }, groups).outputs[0]!, 'y');
  checkGraph(target);
  const compiled = await onnxruntime({ threads: 1 }).compile({ graph: target, state: [] });
  try {
    for (const vector of vectors) {
      const narrowed = narrow(graph, firstChannels(space, vector), groups);
      const alone = await outputOf(narrowed, feeds);
      expect(await outputOf(loadOnnx(encodeOnnx(narrowed), 'narrowed.onnx'), feeds)).toEqual(alone);
      const built = build(vector);
      expect(parameterShapes(narrowed)).toEqual(parameterShapes(built));
      for (const [constant, { tensor, dtype }] of narrowed.constants)
        if (dtype === 'float32') built.constants.get(constant)!.tensor = tensor!;
      expect(await outputOf(built, feeds)).toEqual(alone);
      const { y } = await compiled.run({ ...feeds, ...widthFeeds(space, vector) });
      const apart = alone.map((x, i) => Math.abs(x - (y!.data[i] as number)));
      expect(Math.max(...apart), vector.join('_')).toBeLessThan(2e-5);
      expect(apart.reduce((a, b) => a + b) / apart.length, vector.join('_')).toBeLessThan(1e-6);
    }
  } finally {
    await compiled.dispose();
  }
}
