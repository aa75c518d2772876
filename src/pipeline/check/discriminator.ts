import type { Source } from '../../data/source.ts';
import { type Graph, showShape, type Value } from '../../graph/graph.ts';
import { inputSymbols, staticShape } from '../../ops/cost.ts';
import { GanletError } from '../../util/errors.ts';

/**
 * What the discriminator of a source is shown: the channels of image and condition together, and how many classes. Of an unpaired
 * source images alone: they belong to no condition.
 */
export function judgedInputs({
  condition,
  channels,
  unpaired,
}: Pick<Source, 'condition' | 'channels' | 'unpaired'>): { channels: number; classes: number } {
  if (unpaired) return { channels: channels.image, classes: 0 };
  if (condition.kind === 'class') return { channels: channels.image, classes: channels.condition };
  return { channels: channels.image + channels.condition, classes: 0 };
}

/**
 * Throws DISCRIMINATOR_UNFIT naming the file unless the network judges the source's images, with their conditions or alone: a first
 * float32 input [batch, condition + image or image, size, size], for classes perhaps a second one [batch, classes], and scores,
 * [batch, 1] or one for each place.
 */
export function checkDiscriminator(
  graph: Graph,
  path: string,
  source: Pick<Source, 'size' | 'condition' | 'channels' | 'unpaired'>,
): void {
  const { size, channels } = source;
  const judged = judgedInputs(source);
  const shapeOf = (value: Value | undefined) => {
    try {
      return value?.dtype === 'float32' ? staticShape(value, inputSymbols(graph, { size })) : [];
    } catch {
      return [];
    }
  };
  const [input, second, ...others] = graph.inputs;
  const taken = [judged.channels, channels.image].some(
    (count) => String(shapeOf(input)) === String([1, count, size, size]),
  );
  const classed = !second || (judged.classes > 0 && String(shapeOf(second)) === String([1, judged.classes]));
  const scores = graph.outputs.filter(({ name }) => /^score(\/|$)/.test(name));
  const verdicts = (scores.length > 0 ? scores : graph.outputs.slice(0, 1)).map(shapeOf);
  const scored = verdicts.every(
    (shape) => (shape.length === 4 || shape.length === 2) && shape[1] === 1 && !shape.includes(0),
  );
  if (taken && classed && others.length === 0 && verdicts.length > 0 && scored) return;
  const show = (values: readonly Value[]) =>
    values.map(({ shape }) => showShape(shape)).join(' and ') || 'nothing';
  throw new GanletError(
    'DISCRIMINATOR_UNFIT',
    `${path} must judge pictures [1, ${judged.channels}, ${size}, ${size}], it turns ${show(graph.inputs)} into ${show(graph.outputs)}`,
    { hint: 'set distill.initDiscriminator to random, or take the discriminator trained with this teacher' },
  );
}
