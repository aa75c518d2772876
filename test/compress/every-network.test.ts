import { describe, expect, test } from 'vitest';
import { channelGroups } from '../../src/compress/groups.ts';
import { separate } from '../../src/compress/separable.ts';
import { makeStudent } from '../../src/compress/student.ts';
import { largest, widthSpace } from '../../src/compress/width-space.ts';
import { buildGenerator, distillTaps, leastSize, takes } from '../../src/models/generator.ts';
import { generatorInputs } from '../../src/models/generator-inputs.ts';
import {
  architectureSchema,
  asWritten,
  type GeneratorType,
  generatorSchema,
  generators,
  resolveGenerator,
} from '../../src/recipe/networks.ts';
import { parameterShapes } from './networks.ts';

const size = 16;
const types = Object.keys(generators) as GeneratorType[];

/** A network of the type as recipes have it by default, as its file is. */
function networkOf(type: GeneratorType, more: object = {}) {
  const config = asWritten(resolveGenerator(generatorSchema.parse({ type, baseWidth: 4, ...more }), size));
  return { config, graph: buildGenerator(config, size, { inputChannels: 3 }) };
}

describe.each(types)('the table of generators tells the truth of %s', (type) => {
  const { separable, hasWidths } = generators[type];
  const { config, graph } = networkOf(type);

  test('a card that describes it reads back', () => {
    expect(architectureSchema.parse({ ...config, of: 'a later version' })).toMatchObject(config);
  });

  test('its taps are values it has, and no other type takes it for its own', () => {
    const taps = distillTaps(graph, type);
    expect(taps.length).toBeGreaterThan(0);
    expect(taps.filter((name) => !graph.find(name))).toEqual([]);
    expect(distillTaps(graph)).toEqual(taps);
    for (const other of types)
      if (other !== type) expect(() => distillTaps(graph, other)).toThrow('to choose taps');
  });

  test('it takes images or classes, of sides from the least on', () => {
    const { condition } = generatorInputs(graph);
    expect(condition?.shape.length).toBe(takes(config) === 'classes' ? 2 : 4);
    const least = leastSize(config);
    expect(buildGenerator(config, least, { inputChannels: 3 }).outputs[0]!.shape.slice(2)).toEqual([
      least,
      least,
    ]);
    expect(() => buildGenerator(config, least / 2, { inputChannels: 3 })).toThrow(/size|sides/);
  });

  test('made separable it is what the builder makes, where it can be', () => {
    const student = { baseWidth: 4, separable: true, initFrom: 'random' } as const;
    const options = { teacher: graph, architecture: config, student, size, seed: 0 };
    const made = () => makeStudent({ ...options, init: 'normal', initGain: 0.02 }).graph;
    if (!separable) {
      expect(made).toThrow('student.separable needs');
      return;
    }
    const built = networkOf(type, { separable: true }).graph;
    expect(parameterShapes(made())).toEqual(parameterShapes(built));
    expect(parameterShapes(separate(graph))).toEqual(parameterShapes(built));
  });

  test('its widest vector is the network itself, where it is built from vectors', () => {
    const space = widthSpace(channelGroups(graph), [1, 0.5], config);
    expect(space.every(({ full }) => full === config.baseWidth)).toBe(true);
    if (!hasWidths) return;
    const widths = largest(space);
    const rebuilt = buildGenerator({ ...config, widths }, size, { inputChannels: 3 });
    expect(parameterShapes(rebuilt)).toEqual(parameterShapes(graph));
  });
});
