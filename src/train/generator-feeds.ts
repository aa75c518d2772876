import type { Dim, Graph, Value } from '../graph/graph.ts';
import { showShape } from '../graph/graph.ts';
import { generatorInputs } from '../models/generator-inputs.ts';
import { GanletError } from '../util/errors.ts';

/** What all generators of a step are given: the same to teacher and student. */
export interface Given {
  /** [batch, C, size, size], or of classes [batch, K]. */
  condition?: Value | undefined;
  /** [batch, Z]. */
  latent?: Value | undefined;
}

interface StepNetworks {
  generator: Graph;
  discriminator: Graph;
  distillation?: { teacher: Graph };
  lambdaGan: number;
  batch: number;
  size: number;
}

/**
 * Declares what a step is fed of the data, `condition` and `image`, and `latent`: as much as its networks take. Throws
 * MODEL_MISMATCH where teacher and student want conditions or latent vectors of different shapes.
 */
export function stepInputs(
  graph: Graph,
  { generator, discriminator, distillation, lambdaGan, batch, size }: StepNetworks,
): { condition?: Value; image: Value; latent?: Value } {
  const networks = [generator, ...(distillation ? [distillation.teacher] : [])];
  const made = generator.outputs[0]!.shape[1]!;
  const conditions = networks.map((network): readonly Dim[] | undefined => {
    const { condition } = generatorInputs(network);
    return condition && givenShape(condition, batch, size);
  });
  if (lambdaGan > 0) conditions.push(judgedCondition(discriminator, made, batch, size));
  const latents = networks.map((network) => {
    const { latent } = generatorInputs(network);
    return latent && [batch, latent.shape[1]!];
  });
  const shape = agreed('conditions', conditions);
  const condition = shape && graph.input('condition', 'float32', shape);
  const image = graph.input('image', 'float32', [batch, made, size, size]);
  const random = agreed('latent vectors', latents);
  const latent = random && graph.input('latent', 'float32', random);
  return { ...(condition && { condition }), image, ...(latent && { latent }) };
}

/** The feeds of a generator by the names of its inputs. */
export function generatorFeeds(network: Graph, given: Given): Record<string, Value> {
  const { condition, latent } = generatorInputs(network);
  return {
    ...(condition && given.condition && { [condition.name]: given.condition }),
    ...(latent && given.latent && { [latent.name]: given.latent }),
  };
}

/** Shape of a batch for an input of a generator: its channels or classes are its own. */
export function givenShape({ shape }: Value, batch: number, size: number): Dim[] {
  return shape.length === 2 ? [batch, shape[1]!] : [batch, shape[1]!, size, size];
}

/** The condition that a discriminator is shown where no generator takes one: a generator may ignore it. */
function judgedCondition(
  { inputs }: Graph,
  made: Dim,
  batch: number,
  size: number,
): readonly Dim[] | undefined {
  const classes = inputs.find(({ shape }) => shape.length === 2);
  if (classes) return [batch, classes.shape[1]!];
  const channels = Number(inputs[0]?.shape[1]) - Number(made);
  return channels > 0 ? [batch, channels, size, size] : undefined;
}

function agreed(what: string, shapes: readonly (readonly Dim[] | undefined)[]): readonly Dim[] | undefined {
  const [first, ...others] = shapes.filter((shape) => shape !== undefined);
  const other = others.find((shape) => String(shape) !== String(first));
  if (!other) return first;
  throw new GanletError(
    'MODEL_MISMATCH',
    `teacher, student and discriminator must take the same ${what}, they take ${showShape(first!)} and ${showShape(other)}`,
    { hint: 'take a teacher and a discriminator that were trained on this data' },
  );
}
