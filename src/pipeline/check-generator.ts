import type { Channels } from '../data/source.ts';
import type { Graph, Value } from '../graph/graph.ts';
import { inputSymbols, staticShape } from '../ops/cost.ts';
import { GanletError } from '../util/errors.ts';

/**
 * Throws MODEL_MISMATCH naming the file unless the network takes one float32 picture, [batch, `condition`, size, size], and
 * makes one, [batch, `image`, size, size]; a batch, height or width that is open fits. Only the first output counts.
 */
export function checkGenerator(
  graph: Graph,
  path: string,
  size: number,
  { condition, image }: Channels,
): void {
  const [input, ...others] = graph.inputs;
  const [output] = graph.outputs;
  if (others.length === 0 && fits(graph, input, condition, size) && fits(graph, output, image, size)) return;
  const show = (values: readonly Value[]) =>
    values
      .map(({ dtype, shape }) => `${dtype === 'float32' ? '' : `${dtype} `}[${shape.join(', ')}]`)
      .join(' and ') || 'nothing';
  const wanted = `[1, ${condition}, ${size}, ${size}] into [1, ${image}, ${size}, ${size}]`;
  throw new GanletError(
    'MODEL_MISMATCH',
    `${path} must turn ${wanted}, it turns ${show(graph.inputs)} into ${show(graph.outputs)}`,
    { hint: hintFor(graph, input) },
  );
}

function fits(graph: Graph, value: Value | undefined, channels: number, size: number): boolean {
  if (value?.dtype !== 'float32' || value.shape.length !== 4 || typeof value.shape[1] !== 'number')
    return false;
  try {
    const shape = staticShape(value, inputSymbols(graph, { size }));
    return String(shape) === String([1, channels, size, size]);
  } catch {
    return false;
  }
}

function hintFor(graph: Graph, input: Value | undefined): string {
  if (graph.inputs.length !== 1 || input?.shape.length !== 4)
    return 'export the generator alone, with one picture as its input';
  if (input.dtype !== 'float32' || graph.outputs[0]?.dtype !== 'float32')
    return 'export it in float32, without the steps that turn bytes into numbers and back';
  if (typeof input.shape[1] !== 'number') return 'export it with a fixed number of channels';
  if (typeof input.shape[0] === 'number' && input.shape[0] !== 1)
    return 'export it with an open batch axis (dynamic_axes in PyTorch)';
  return 'make data.size and data.channels those the network was trained with';
}
