import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { z } from 'zod';
import type { Backend } from '../backend/backend.ts';
import { adaptClassInput } from '../compress/adapt-class.ts';
import { adaptTeacher, ownForm, type TeacherForm } from '../compress/adapt-teacher.ts';
import { packCondition, packedInputs } from '../compress/pack-condition.ts';
import { type Condition, classesOf } from '../data/source.ts';
import type { Graph } from '../graph/graph.ts';
import { cardPath } from '../models/card-path.ts';
import { declareInputs, generatorInputs, type InputKind, inputKinds } from '../models/generator-inputs.ts';
import { countMacs, countParameters, inputSymbols } from '../ops/cost.ts';
import { loadOnnx } from '../ops/import-onnx.ts';
import type { Baseline } from '../recipe/names.ts';
import { architectureSchema } from '../recipe/networks.ts';
import type { GeneratorConfig } from '../recipe/schema.ts';
import { writeJsonAtomic } from '../util/atomic.ts';
import { GanletError } from '../util/errors.ts';
import { exists } from '../util/exists.ts';
import { sha256File } from '../util/hash.ts';
import { toolVersion } from '../util/version.ts';
import { conditionSchema } from './card-condition.ts';
import type { RunContext } from './context.ts';

export { cardPath };

/** What is known of a generator in an .onnx file; kept beside it as `<name>.card.json`. */
export interface Card {
  role: 'teacher' | 'student' | Baseline;
  /** Of a teacher that makes conditions from images, the other way round than the data. */
  reverse?: boolean;
  /** Architecture, where the toolkit built the network. */
  architecture?: GeneratorConfig & { widths?: readonly number[] };
  size: number;
  /** What each input is for, by name; read where names and shapes do not tell (see `generatorInputs`). */
  inputs?: Readonly<Record<string, InputKind>>;
  /** Range of pixels in and out, but where a foreign network makes others than it takes. */
  range: [number, number];
  outputRange?: [number, number];
  /** Order of the axes of a foreign network's pictures, where channels come last. */
  layout?: 'nchw' | 'nhwc';
  /** What it makes pictures of, where that is no picture alone: names and colours of labels, names of classes, or nothing. */
  condition?: Condition;
  taps?: readonly string[];
  params: number;
  /** Multiply-adds for one picture, in both conventions. */
  macs: { true: number; paper: number };
  bytes: number;
  sha256: string;
  /** Settings of the training that made it. */
  training?: object;
  /** Steps of every training that went into it, by stage. */
  steps?: Readonly<Record<string, number>>;
  /** How the widths were chosen, of a searched student. */
  search?: object;
  /** Means over the sampled pictures, with the feature network where one was used. */
  metrics?: object;
  teacher?: { sha256: string; macs: number };
  data?: { source: string; hash: string; attribution?: string };
  recipe?: string;
  seed?: number;
  tool: string;
  backend: Backend['description'];
}

/** The part of a card that can be read off the network, its file and the run. */
export async function describeModel(
  { recipe, backend, source }: RunContext,
  network: Graph,
  file: string,
): Promise<Omit<Card, 'role'>> {
  const { name, hash, attribution, condition } = await source();
  const { size } = recipe.data;
  const macs = countMacs(network, inputSymbols(network, { size }));
  return {
    size,
    inputs: inputsOf(network, condition),
    range: [-1, 1],
    ...((condition.kind !== 'image' || condition.classes) && { condition }),
    params: countParameters(network),
    macs: { true: macs.true, paper: macs.paper },
    bytes: statSync(file).size,
    sha256: await sha256File(file),
    data: { source: name, hash, ...(attribution && { attribution }) },
    recipe: recipe.name,
    seed: recipe.seed,
    tool: toolVersion,
    backend: backend.description,
  };
}

function inputsOf(network: Graph, { kind }: Condition): Record<string, InputKind> {
  const { condition, latent } = generatorInputs(network);
  const packed = packedInputs(network);
  return {
    ...(condition && kind !== 'none' && { [condition.name]: kind }),
    ...(packed && { [packed.class]: 'class' as const }),
    ...(latent && { [latent.name]: 'latent' as const }),
  };
}

/**
 * Reads a generator; what its inputs are for is noted in the graph where its card says it, and a class is given as a one-hot
 * vector (see `adaptClassInput`), beside a picture in one input with it (see `packCondition`). Where the card declares pictures of another range or order of axes than ours, that is computed
 * inside. Throws what `loadOnnx` throws, and MODEL_MISMATCH for a card that speaks of a latent vector the network does not take.
 */
export function loadGenerator(file: string, card = readCard(file)): Graph {
  const network = loadOnnx(file);
  const taken = network.inputs.map(({ name }) => name);
  for (const [name, kind] of Object.entries(card?.inputs ?? {})) {
    if (kind !== 'latent' || taken.includes(name)) continue;
    throw new GanletError(
      'MODEL_MISMATCH',
      `${cardPath(file)} calls the input "${name}" a latent vector, the network takes only ${taken.join(', ')}`,
      { hint: 'name an input of the network under inputs, or leave it out' },
    );
  }
  const adapted = adaptTeacher(network, formOf(card), 'fixed');
  const graph = declareInputs(adapted, card?.inputs ?? {});
  const classes = card?.condition ? classesOf(card.condition).length : 0;
  return packCondition(adaptClassInput(graph, classes || undefined));
}

/** How a generator takes and makes pictures, as its card says; else as ours do. */
export function formOf(card: Pick<Card, 'range' | 'outputRange' | 'layout'> | undefined): TeacherForm {
  const range = card?.range ?? ownForm.range;
  return { range, outputRange: card?.outputRange ?? range, layout: card?.layout ?? ownForm.layout };
}

export async function writeCard(model: string, card: Card): Promise<void> {
  await writeJsonAtomic(cardPath(model), card);
}

const pixelRange = z.tuple([z.number(), z.number()]).refine(([low, high]) => low < high, {
  error: 'two numbers, the lower first',
});

/** What is relied on in a card; the rest is for people. */
const cardSchema = z.looseObject({
  architecture: architectureSchema.optional(),
  taps: z.array(z.string()).min(1).optional(),
  inputs: z.record(z.string(), z.enum(inputKinds)).optional(),
  range: pixelRange.optional(),
  outputRange: pixelRange.optional(),
  layout: z.enum(['nchw', 'nhwc']).optional(),
  condition: conditionSchema.optional(),
  macs: z.looseObject({ true: z.number(), paper: z.number() }).optional(),
  steps: z.record(z.string(), z.number()).optional(),
  sha256: z.string().optional(),
});

const lenient = z.looseObject({
  architecture: cardSchema.shape.architecture.catch(undefined),
  taps: cardSchema.shape.taps.catch(undefined),
  inputs: cardSchema.shape.inputs.catch(undefined),
  condition: cardSchema.shape.condition.catch(undefined),
  range: cardSchema.shape.range.catch(undefined),
  outputRange: cardSchema.shape.outputRange.catch(undefined),
  layout: cardSchema.shape.layout.catch(undefined),
  macs: cardSchema.shape.macs.catch(undefined),
  steps: cardSchema.shape.steps.catch(undefined),
  sha256: cardSchema.shape.sha256.catch(undefined),
});

/** The card beside a model, without what in it is not right; undefined when there is none or it is no card at all. */
export function readCard(model: string): Card | undefined {
  try {
    return lenient.parse(JSON.parse(readFileSync(cardPath(model), 'utf8'))) as unknown as Card;
  } catch {
    return undefined;
  }
}

/**
 * The card beside a model whose file has the hash `sha256`, or undefined when there is none. Throws CARD_INVALID for one that
 * is damaged or was written for another file: taking the network for a foreign one would hide that.
 */
export function needCard(model: string, sha256: string): Card | undefined {
  const path = cardPath(model);
  if (!exists(path)) return undefined;
  const fail = (what: string, cause?: unknown) =>
    new GanletError('CARD_INVALID', `${path} must describe ${basename(model)}, ${what}`, {
      hint: 'bring back the card that was written with the network, or delete it: the network is then taken as a foreign one',
      cause,
    });
  let found: unknown;
  try {
    found = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw fail('it is not JSON', cause);
  }
  const { data, error } = cardSchema.safeParse(found);
  const issue = error?.issues[0];
  if (issue) throw fail(`its ${issue.path.join('.') || 'content'} is not right: ${issue.message}`);
  if (data!.sha256 !== undefined && data!.sha256 !== sha256) throw fail('it describes another file');
  return data as unknown as Card;
}

/** Whether the card beside a model is there and whole, and describes the file as it is. */
export async function hasCard(model: string): Promise<boolean> {
  const sha256 = await sha256File(model);
  try {
    return needCard(model, sha256)?.sha256 === sha256;
  } catch {
    return false;
  }
}
