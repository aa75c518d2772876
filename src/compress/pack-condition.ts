import { z } from 'zod';
import type { Graph, Value } from '../graph/graph.ts';
import { prune } from '../graph/prune.ts';
import { type ClassedPicture, splitClass, standsFor } from '../models/class-planes.ts';
import { classInputs, latentInputs } from '../models/generator-inputs.ts';
import { copyGraph } from './copy.ts';

/** The two inputs that one stands for. */
export interface PackedInputs {
  /** Names of the picture's, or label map's, input and of the class's. */
  picture: string;
  class: string;
  /** Channels of the picture, and how many classes there are. */
  channels: number;
  classes: number;
}

/** Where a packed graph carries what its input stands for. */
const metadataKey = 'ganlet.packed';

const note = z.object({ picture: z.string(), class: z.string(), channels: z.int(), classes: z.int() });

/**
 * A generator that takes a picture or label map [batch, C, H, W] and a class, one-hot [batch, K], as one that takes both in one
 * input [batch, C + K, H, W] of the picture's name: a plane for each class, as conditions with classes are in batches. The class,
 * known by `classInputs`, is read off at one place. Any other network is returned as it is.
 */
export function packCondition(graph: Graph): Graph {
  const [vector, ...vectors] = classInputs(graph);
  const vectorial = [...latentInputs(graph), vector];
  const [picture, ...pictures] = graph.inputs.filter((input) => !vectorial.includes(input));
  if (!vector || !picture || vectors.length + pictures.length > 0) return graph;
  const [channels, classes] = [picture.shape[1], vector.shape[1]];
  const fits = picture.shape.length === 4 && vector.shape.length === 2;
  const plain = picture.dtype === 'float32' && vector.dtype === 'float32';
  if (!fits || !plain || typeof channels !== 'number' || typeof classes !== 'number') return graph;

  let apart: ClassedPicture | undefined;
  const taken = (target: Graph): ClassedPicture => {
    const [batch, , height, width] = picture.shape;
    apart ??= splitClass(
      target.input(picture.name, 'float32', [batch!, channels + classes, height!, width!]),
      classes,
    );
    return apart;
  };
  const packed = copyGraph(graph, {
    input(given, target) {
      if (given === picture) return taken(target).picture;
      if (given === vector) return taken(target).label;
      return target.input(given.name, given.dtype, given.shape);
    },
  });
  const names = { picture: picture.name, class: vector.name, channels, classes };
  packed.metadata.set(metadataKey, JSON.stringify(names satisfies PackedInputs));
  return packed;
}

/** What the input of a packed network, or of one made from such, stands for; undefined for others. */
export function packedInputs(graph: Graph): PackedInputs | undefined {
  try {
    return note.parse(JSON.parse(graph.metadata.get(metadataKey) ?? ''));
  } catch {
    return undefined;
  }
}

/** The network with the two inputs again that `packCondition` made one; any other as it is. */
export function unpackCondition(graph: Graph): Graph {
  const names = packedInputs(graph);
  const both = graph.inputs.find(({ name }) => name === names?.picture);
  if (!names || !both) return graph;
  const [batch, , height, width] = both.shape;
  let vector: Value | undefined;
  const unpacked = copyGraph(graph, {
    input(given, target) {
      if (given !== both) return target.input(given.name, given.dtype, given.shape);
      const picture = target.input(given.name, 'float32', [batch!, names.channels, height!, width!]);
      vector = target.input(names.class, 'float32', [batch!, names.classes]);
      return picture;
    },
    node({ inputs: [x], outputs: [y] }, [given]) {
      if (y!.name === standsFor.class) return [vector!];
      // What else reads the input at once is the way to either.
      return x === both ? [given!] : undefined;
    },
  });
  unpacked.metadata.delete(metadataKey);
  return prune(unpacked);
}
