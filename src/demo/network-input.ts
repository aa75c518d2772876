import type { Graph, Value } from '../graph/graph.ts';
import { inputSymbols, staticShape } from '../ops/cost.ts';
import { GanletError } from '../util/errors.ts';
import type { InputKind } from './catalogue.ts';

/** What a network takes and makes, as the page must know it. */
export interface NetworkInput {
  kind: InputKind;
  input: string;
  output: string;
  size: number;
  /** Channels in and out. */
  condition: 1 | 3;
  image: 1 | 3;
}

/** How a kind of input is recognised. A new kind is a line here, and its control in `page/inputs.js`. */
const kinds: Record<InputKind, (graph: Graph, size: number | undefined) => NetworkInput | undefined> = {
  sketch: pictureToPicture,
};

/**
 * How `graph` is fed by hand. `size`, pixels, counts where the network leaves the sides of its pictures open. Throws
 * DEMO_UNFIT for a network that no kind of input fits, DEMO_SIZE when the size is open and not given.
 */
export function networkInput(graph: Graph, path: string, size: number | undefined): NetworkInput {
  for (const recognise of Object.values(kinds)) {
    const found = recognise(graph, size);
    if (found) return found;
  }
  const show = (values: readonly Value[]) =>
    values.map(({ dtype, shape }) => `${dtype} [${shape.join(', ')}]`).join(' and ') || 'nothing';
  if (size === undefined && pictureToPicture(graph, 256)) {
    throw new GanletError(
      'DEMO_SIZE',
      `${path} takes pictures of any size, and no card says which it is for`,
      {
        hint: 'say it: --size 256',
      },
    );
  }
  throw new GanletError(
    'DEMO_UNFIT',
    `${path} must turn one square picture into another, it turns ${show(graph.inputs)} into ${show(graph.outputs)}`,
    { hint: 'the page draws pictures of 1 or 3 channels; name a generator that takes them' },
  );
}

/** One float32 picture in, one of the same size out, 1 or 3 channels each. */
function pictureToPicture(graph: Graph, size: number | undefined): NetworkInput | undefined {
  const [input, ...others] = graph.inputs;
  const [output] = graph.outputs;
  if (others.length > 0 || input?.dtype !== 'float32' || output?.dtype !== 'float32') return undefined;
  const [taken, made] = [shapeOf(graph, input, size), shapeOf(graph, output, size)];
  if (!taken || !made) return undefined;
  const [[, condition, height, width], [, image, ...sides]] = [taken, made];
  if (height !== width || sides[0] !== height || sides[1] !== width) return undefined;
  if (!isPicture(condition) || !isPicture(image)) return undefined;
  return { kind: 'sketch', input: input.name, output: output.name, size: height!, condition, image };
}

/** [1, channels, height, width]; undefined where that is not what it is. */
function shapeOf(graph: Graph, value: Value, size: number | undefined): readonly number[] | undefined {
  try {
    const shape = staticShape(value, inputSymbols(graph, size === undefined ? {} : { size }));
    return shape.length === 4 && shape[0] === 1 ? shape : undefined;
  } catch {
    return undefined;
  }
}

function isPicture(channels: number | undefined): channels is 1 | 3 {
  return channels === 1 || channels === 3;
}
