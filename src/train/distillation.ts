import type { Program } from '../backend/backend.ts';
import type { ChannelGroups } from '../compress/groups.ts';
import type { Value } from '../graph/graph.ts';
import { Graph } from '../graph/graph.ts';
import { generatorInputs } from '../models/generator-inputs.ts';
import { conv } from '../ops/conv.ts';
import { inline } from '../ops/inline.ts';
import { GanletError } from '../util/errors.ts';
import { rng } from '../util/rng.ts';
import { type Given, generatorFeeds, givenShape } from './generator-feeds.ts';
import { average, featureLoss, kernelAlignmentLoss, summed } from './losses.ts';
import type { Applied, AtWidths, Slices, TrainedNetwork } from './trained-network.ts';
import { apply, declareTrained } from './trained-network.ts';

export interface Distillation {
  teacher: Graph;
  distill: 'adaptor' | 'kernel-alignment' | 'none';
  lambdaDistill: number;
  /** Values compared, by name in the teacher and in the student. */
  taps: readonly { teacher: string; student: string }[];
  /** What the reconstruction loss compares with. */
  reconTarget: 'truth' | 'teacher';
  /** The teacher's activations are fed (as `teacher/<tap>` and `teacher/image`) instead of computed at every step. */
  cached: boolean;
}

/** One application of the student, at the widths given. */
export interface AppliedStudent {
  applied: Applied;
  at?: AtWidths | undefined;
}

export interface DistillTerms {
  /** Sum of the feature losses over the taps; of several applications of the student the mean. */
  loss?: Value;
  /** The learned 1×1 convolutions to the teacher's widths, and what an only application reads of them. */
  adaptors?: TrainedNetwork;
  slices?: Slices | undefined;
  /** The teacher's picture, where the reconstruction compares with it. */
  image?: Value;
}

/** The teacher's activations for what the student is given, computed here or fed, against those of the student's applications. */
export function distillTerms(
  graph: Graph,
  { teacher, taps, distill, reconTarget, cached }: Distillation,
  given: Given,
  generator: Graph,
  students: readonly AppliedStudent[],
  seed: number,
): DistillTerms {
  const targets = teacherTargets(
    teacher,
    distill === 'none' ? [] : taps.map((t) => t.teacher),
    reconTarget === 'teacher',
  );
  const arriving = cached
    ? fedTargets(graph, teacher, targets, given)
    : computedTargets(graph, teacher, targets, given);
  const image = reconTarget === 'teacher' ? arriving.get(teacher.outputs[0]!.name)! : undefined;
  if (distill === 'none') return { ...(image && { image }) };

  const places = new Map(generator.nodes.flatMap((n) => n.outputs.map((y) => [y.name, y] as const)));
  const pairs = taps.map((tap) => {
    const own = places.get(tap.student);
    if (!own) throw unknownTap('student', tap.student, [...places.keys()]);
    return { student: own, teacher: arriving.get(tap.teacher)! };
  });
  const found = students.map(({ applied }) => pairs.map((p) => applied.values.get(p.student.name)!));
  if (distill === 'kernel-alignment') {
    const losses = found.map((values) => overTaps(values, pairs, kernelAlignmentLoss));
    return { loss: average(losses), ...(image && { image }) };
  }
  const network = adaptorNetwork(pairs, seed);
  const adaptors = declareTrained(graph, 'a', network);
  const applications = students.map(({ at }, k) => {
    const inputs = Object.fromEntries(network.inputs.map((input, i) => [input.name, found[k]![i]!]));
    const use = students.length > 1 ? `adaptors${k + 1}` : 'adaptors';
    const groups = at && adaptorGroups(network, pairs, at.groups);
    return apply(graph, adaptors, inputs, use, groups && { at: { widths: at.widths, groups } });
  });
  const losses = applications.map(({ outputs }) => overTaps(outputs, pairs, featureLoss));
  const { slices } = applications[0]!;
  return { loss: average(losses), adaptors, slices, ...(image && { image }) };
}

function overTaps(
  values: readonly Value[],
  pairs: readonly { teacher: Value }[],
  loss: (student: Value, teacher: Value) => Value,
): Value {
  return summed(values.map((value, i) => loss(value, pairs[i]!.teacher)));
}

/** Names of the teacher's values a distillation needs; its picture only where the reconstruction compares with it. */
export function teacherTargets(teacher: Graph, taps: readonly string[], image: boolean): string[] {
  const known = new Set(teacher.nodes.flatMap((n) => n.outputs.map((y) => y.name)));
  for (const tap of taps) if (!known.has(tap)) throw unknownTap('teacher', tap, [...known]);
  return [...new Set([...taps, ...(image ? [teacher.outputs[0]!.name] : [])])];
}

function unknownTap(role: string, tap: string, known: readonly string[]): GanletError {
  const some = known.filter((name) => !name.includes(':')).slice(0, 12);
  return new GanletError('TAP_UNKNOWN', `distill.taps must name values of the ${role}, it has no "${tap}"`, {
    hint: `among its values are ${some.join(', ')}`,
  });
}

function computedTargets(
  graph: Graph,
  teacher: Graph,
  names: readonly string[],
  given: Given,
): Map<string, Value> {
  if (names.length === 0) return new Map();
  const { values } = inline(graph, teacher, {
    inputs: generatorFeeds(teacher, given),
    prefix: 'teacher',
  });
  return new Map(names.map((name) => [name, values.get(name)!]));
}

function fedTargets(
  graph: Graph,
  teacher: Graph,
  names: readonly string[],
  given: Given,
): Map<string, Value> {
  const scratch = new Graph('shapes');
  const shapes = computedTargets(scratch, teacher, names, {
    ...(given.condition && { condition: scratch.input('condition', 'float32', given.condition.shape) }),
    ...(given.latent && { latent: scratch.input('latent', 'float32', given.latent.shape) }),
  });
  return new Map(
    names.map((name) => [name, graph.input(`teacher/${name}`, 'float32', shapes.get(name)!.shape)]),
  );
}

/**
 * The program that computes the targets of one picture, for the cache: inputs and outputs are named like the step's inputs. What
 * a teacher makes of a latent vector cannot be kept, as each step draws new ones.
 */
export function targetProgram(teacher: Graph, names: readonly string[], size: number): Program {
  const graph = new Graph('teacher-targets');
  const { condition, latent } = generatorInputs(teacher);
  const declare = (name: string, input: Value) => graph.input(name, 'float32', givenShape(input, 1, size));
  const values = computedTargets(graph, teacher, names, {
    ...(condition && { condition: declare('condition', condition) }),
    ...(latent && { latent: declare('latent', latent) }),
  });
  for (const name of names) graph.output(values.get(name)!, `target/${name}`);
  return { graph, state: [] };
}

/** One 1×1 convolution with bias for each pair of taps, weights N(0, 0.02) (Li et al. 2020). */
function adaptorNetwork(pairs: readonly { student: Value; teacher: Value }[], seed: number): Graph {
  const graph = new Graph('adaptors');
  for (const [i, { student, teacher }] of pairs.entries()) {
    const [into, out] = [student.shape[1] as number, teacher.shape[1] as number];
    const [batch, , height, width] = teacher.shape;
    const x = graph.input(`tap${i + 1}`, 'float32', [batch!, into, height!, width!]);
    const name = adaptorName(i);
    const data = rng(seed, `init ${name}.weight`).fillNormal(new Float32Array(into * out), 0.02);
    const weight = graph.constant({ dtype: 'float32', shape: [out, into, 1, 1], data }, `${name}.weight`);
    const bias = graph.constant(
      { dtype: 'float32', shape: [out], data: new Float32Array(out) },
      `${name}.bias`,
    );
    graph.output(conv(x, weight, { bias }));
  }
  return graph;
}

const adaptorName = (i: number) => `adaptor${i + 1}`;

/** The channels an adaptor reads are those of its tap. */
function adaptorGroups(
  network: Graph,
  pairs: readonly { student: Value }[],
  groups: ChannelGroups,
): ChannelGroups {
  const taps = new Map(
    pairs.map(({ student }, i) => [network.constants.get(`${adaptorName(i)}.weight`)!, student] as const),
  );
  return {
    list: [],
    find: () => undefined,
    segments(value, axis) {
      const tap = taps.get(value);
      return tap && axis === 1 ? groups.segments(tap, 1) : undefined;
    },
  };
}
