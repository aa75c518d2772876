import { adaptClassInput } from '../compress/adapt-class.ts';
import { type PackedInputs, packCondition, packedInputs } from '../compress/pack-condition.ts';
import type { Condition } from '../data/source.ts';
import { classesOf, conditionChannels } from '../data/source.ts';
import type { Graph, Value } from '../graph/graph.ts';
import { type GeneratorInputs, generatorInputs } from '../models/generator-inputs.ts';
import { inputSymbols, staticShape } from '../ops/cost.ts';
import { GanletError } from '../util/errors.ts';
import type { CatalogueInput, CatalogueModel } from './catalogue.ts';
import { namedClasses, namedLabels } from './unnamed.ts';

/** What a network takes and makes, as the page must know it. */
export interface NetworkInput {
  condition: Condition;
  /** Numbers of the latent; 0 for none. */
  latent: number;
  inputs: CatalogueModel['inputs'];
  output: string;
  /** Side of the pictures in pixels. */
  size: number;
  /** Channels of the pictures it makes. */
  image: 1 | 3;
}

export interface KnownInput {
  /** Side of the pictures where the network leaves it open. */
  size?: number | undefined;
  /** What the card says the network is given. */
  condition?: Condition | undefined;
}

/**
 * How `graph` is fed by hand: with a picture or a map of labels, which may come with a class, with a class alone or nothing, and with a latent vector where it takes one.
 * Labels and classes that no card names are numbered. Throws DEMO_UNFIT for a network that cannot be fed so, DEMO_SIZE when
 * the side of its pictures is open and not given.
 */
export function networkInput(graph: Graph, path: string, known: KnownInput): NetworkInput {
  const found = recognise(graph, known);
  if (typeof found === 'object') return found;
  if (known.size === undefined && typeof recognise(graph, { ...known, size: 256 }) === 'object') {
    throw new GanletError(
      'DEMO_SIZE',
      `${path} takes pictures of any size, and no card says which it is for`,
      {
        hint: 'say it: --size 256',
      },
    );
  }
  const show = (values: readonly Value[]) =>
    values.map(({ name, dtype, shape }) => `${name} ${dtype} [${shape.join(', ')}]`).join(' and ') ||
    'nothing';
  throw new GanletError(
    'DEMO_UNFIT',
    `${path} must make a square picture of a picture, of labels, of a class or of a latent vector${found ? `: ${found}` : ''}; it turns ${show(graph.inputs)} into ${show(graph.outputs)}`,
    { hint: 'name a generator; its card says what its inputs are for: inputs: { <name>: latent }' },
  );
}

/** Why it cannot be fed is a text, empty where the types and shapes say enough. */
function recognise(graph: Graph, known: KnownInput): NetworkInput | string {
  const told = known.condition;
  const packed = packCondition(adaptClassInput(graph, classesOf(told).length || undefined));
  const both = packedInputs(packed);
  let given: GeneratorInputs;
  try {
    given = generatorInputs(both ? packed : graph);
  } catch (error) {
    if (error instanceof GanletError) return error.message;
    throw error;
  }
  const tensor = (value: Value) => shapeOf(graph, value, known.size);
  const made = graph.outputs[0] && tensor(graph.outputs[0]);
  if (made?.shape.length !== 4 || made.type !== 'float32') return '';
  const [, image, size, width] = made.shape;
  if (size !== width || !size || !isPicture(image)) return '';
  const condition = given.condition && tensor(given.condition);
  const latent = given.latent && tensor(given.latent);
  if ((given.condition && !condition) || (given.latent && !latent)) return '';
  if (latent && (latent.shape.length !== 2 || latent.type !== 'float32')) return 'the latent is no vector';
  if (!condition && !latent) return '';
  const taken = condition
    ? condition.type === 'float32'
      ? conditionOf(condition, size, both?.classes ?? 0, told)
      : classOf(graph, condition, told)
    : ({ kind: 'none' } as const);
  if (typeof taken === 'string') return taken;
  const apart = both && condition && takenApart(graph, condition, both, tensor);
  return {
    condition: taken,
    latent: latent?.shape[1] ?? 0,
    inputs: { ...(condition && { condition }), ...apart, ...(latent && { latent }) },
    output: made.name,
    size,
    image,
  };
}

/** The two inputs that a packed condition stands for. */
function takenApart(
  graph: Graph,
  { name, type, shape }: CatalogueInput,
  both: PackedInputs,
  tensor: (value: Value) => CatalogueInput | undefined,
): Pick<CatalogueModel['inputs'], 'condition' | 'class'> {
  const input = graph.inputs.find((value) => value.name === both.class);
  const given = input && tensor(input);
  return {
    condition: { name, type, shape: shape.with(1, both.channels) },
    ...(given && { class: given }),
  };
}

/** What a tensor stands for, whose last `planes` channels are of classes: the card's word where it can be true, else by its shape. */
function conditionOf(
  { name, shape }: CatalogueInput,
  size: number,
  planes: number,
  told?: Condition,
): Condition | string {
  const channels = shape[1] ?? 1;
  if (shape.length === 4 && (shape[2] !== size || shape[3] !== size))
    return 'both pictures must have one size';
  const kinds = shape.length === 4 ? ['image', 'labels'] : shape.length === 2 ? ['class'] : [];
  if (kinds.length === 0) return '';
  if (told && kinds.includes(told.kind) && conditionChannels(told) === channels) return told;
  if (shape.length === 2) return { kind: 'class', classes: namedClasses(channels) };
  const besides = planes > 0 ? { classes: namedClasses(planes) } : {};
  const pictured = channels - planes;
  if (isPicture(pictured) && told?.kind !== 'labels' && name !== 'labels')
    return { kind: 'image', channels: pictured, ...besides };
  return { kind: 'labels', labels: namedLabels(pictured), edges: false, ...besides };
}

/** The classes that one whole number stands for: named by the card, or as many as the network looks it up among. */
function classOf(graph: Graph, { shape }: CatalogueInput, told?: Condition): Condition | string {
  if (shape.some((side) => side !== 1)) return '';
  if (told?.kind === 'class') return told;
  const { condition } = generatorInputs(adaptClassInput(graph));
  const count = condition?.dtype === 'float32' ? condition.shape[1] : undefined;
  if (typeof count === 'number') return { kind: 'class', classes: namedClasses(count) };
  return 'its card must name the classes (condition: { kind: class, classes: [...] })';
}

/** A tensor for one picture; undefined where its shape is not known, or its type is none the page can fill. */
function shapeOf(graph: Graph, value: Value, size: number | undefined): CatalogueInput | undefined {
  const { name, dtype: type } = value;
  if (type !== 'float32' && type !== 'int64' && type !== 'int32') return undefined;
  try {
    const shape = staticShape(value, inputSymbols(graph, size === undefined ? {} : { size }));
    return shape[0] === undefined || shape[0] === 1 ? { name, type, shape } : undefined;
  } catch {
    return undefined;
  }
}

function isPicture(channels: number | undefined): channels is 1 | 3 {
  return channels === 1 || channels === 3;
}
