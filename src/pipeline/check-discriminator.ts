import type { Channels } from '../data/source.ts';
import type { Graph } from '../graph/graph.ts';
import { inputSymbols, staticShape } from '../ops/cost.ts';
import { GanletError } from '../util/errors.ts';

/**
 * Throws DISCRIMINATOR_UNFIT naming the file unless the network judges pictures of these channels and `size`, with their
 * conditions or alone: one float32 input [batch, condition + image or image, size, size], one number for each place it judges.
 */
export function checkDiscriminator(
  graph: Graph,
  path: string,
  size: number,
  { condition, image }: Channels,
): void {
  const [input, ...others] = graph.inputs;
  const [output] = graph.outputs;
  const shapeOf = (value: typeof input) => {
    try {
      return value?.dtype === 'float32' ? staticShape(value, inputSymbols(graph, { size })) : [];
    } catch {
      return [];
    }
  };
  const [batch, channels, ...sides] = shapeOf(input);
  const verdicts = shapeOf(output);
  const taken =
    others.length === 0 &&
    batch === 1 &&
    (channels === condition + image || channels === image) &&
    String(sides) === String([size, size]);
  if (taken && verdicts.length === 4 && verdicts[1] === 1 && !verdicts.includes(0)) return;
  const show = (values: Graph['inputs']) =>
    values.map(({ shape }) => `[${shape.join(', ')}]`).join(' and ') || 'nothing';
  throw new GanletError(
    'DISCRIMINATOR_UNFIT',
    `${path} must judge pictures [1, ${condition + image}, ${size}, ${size}], it turns ${show(graph.inputs)} into ${show(graph.outputs)}`,
    { hint: 'set distill.initDiscriminator to random, or take the discriminator trained with this teacher' },
  );
}
