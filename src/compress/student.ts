import { float32, type Graph } from '../graph/graph.ts';
import { notedClasses } from '../models/class-planes.ts';
import { buildGenerator } from '../models/generator.ts';
import { generatorInputs } from '../models/generator-inputs.ts';
import { type Initialiser, initialise } from '../models/init.ts';
import { asWritten, generators } from '../recipe/networks.ts';
import type { GeneratorConfig, StudentConfig } from '../recipe/schema.ts';
import { GanletError } from '../util/errors.ts';
import { type ChannelGroup, type ChannelGroups, channelGroups } from './groups.ts';
import { channelScores, type Importance, selectChannels } from './importance.ts';
import { narrow } from './narrow.ts';
import { type DepthwiseStatistics, separate } from './separable.ts';
import { type Separation, separationOf } from './separation.ts';

/** A generator the toolkit can build; `widths` as `resnetGenerator` takes them. */
export type Architecture = GeneratorConfig & { widths?: readonly number[] };

export interface StudentOptions {
  teacher: Graph;
  /** What the teacher was built as; left out for a foreign network. */
  architecture?: Architecture;
  student: StudentConfig;
  /** Side of the images in pixels. */
  size: number;
  seed: number;
  init: Initialiser;
  initGain: number;
  importance?: Importance;
  /** Mean |activation| of the teacher's channels by group, from `meanActivations`. */
  activations?: ReadonlyMap<string, ArrayLike<number>>;
  /** From `depthwiseStatistics`, where a dense teacher becomes separable. */
  statistics?: ReadonlyMap<string, DepthwiseStatistics>;
}

export interface Student {
  graph: Graph;
  /** What the student could be built as; absent when the teacher's architecture is unknown or the U-Net has odd widths. */
  architecture?: Architecture;
}

/**
 * The student of a recipe. From the teacher: its dense convolutions separated where asked for, then its most important
 * channels. From random weights: the same network, initialised. `baseWidth`, and the eight widths of a ResNet or a SPADE, fix
 * each group as the builder would; `widths` of another network are one number for each group that can be narrowed, in their
 * order, in units of which the teacher's group has baseWidth (a foreign network: channels). `ratio` is rounded to whole base widths, or
 * to multiples of 4 channels for a foreign network. A separable teacher has separable students. `separable` may name the layers
 * (see `separationOf`); then groups are cut by ratio or baseWidth, and nothing says what the student could be built as.
 * Throws STUDENT_INVALID for a student that cannot be cut from this teacher.
 */
export function makeStudent(given: StudentOptions): Student {
  const { architecture, teacher, student, size } = given;
  const options = { ...given, separation: separationOf(teacher, student.separable, size) };
  const target = architecture && studentArchitecture(architecture, student, options.separation);
  return target ? builtStudent(options, target) : groupStudent(options);
}

interface Options extends StudentOptions {
  separation: Separation;
}

/** The student's architecture where the toolkit's builder can make it; undefined where widths are cut by group. */
function studentArchitecture(
  teacher: Architecture,
  { baseWidth, widths, ratio }: StudentConfig,
  separation: Separation,
): Architecture | undefined {
  // No builder makes only some of its convolutions separable.
  if (typeof separation === 'function') return undefined;
  const { separable, hasWidths } = generators[teacher.type];
  if (separation && !separable) throw notSeparable();
  const { widths: own, ...rest } = asWritten(teacher);
  const base: Architecture =
    'separable' in rest ? { ...rest, separable: rest.separable || separation } : rest;
  if (widths) return hasWidths ? { ...base, widths } : undefined;
  if (baseWidth !== undefined) return { ...base, baseWidth };
  const narrowed = { ...base, baseWidth: scaled(teacher.baseWidth, ratio) };
  return own ? { ...narrowed, widths: own.map((width) => scaled(width, ratio)) } : narrowed;
}

function builtStudent(options: Options, architecture: Architecture): Student {
  const { teacher, student, size, seed, init, initGain } = options;
  const { condition } = generatorInputs(teacher);
  const built = buildGenerator(architecture, size, {
    inputChannels: condition ? channelsOf(condition) : 0,
    classes: notedClasses(teacher),
    outputChannels: channelsOf(teacher.outputs[0]),
  });
  if (student.initFrom === 'random')
    return { graph: initialise(built, { init, gain: initGain, seed }), architecture };
  const source = prepared(options, architecture);
  const groups = channelGroups(source);
  const graph = cut(options, source, groups, (group) => builtWidth(group, groups, built));
  return { graph, architecture };
}

/** Any network, narrowed group by group; for random weights, initialised afterwards. */
function groupStudent(options: Options): Student {
  const { student, seed, init, initGain } = options;
  const source = prepared(options);
  const groups = channelGroups(source);
  const widths = groupWidths(options, groups);
  const graph = cut(options, source, groups, ({ name }) => widths.get(name));
  if (student.initFrom === 'random') randomised(graph, { init, initGain, seed });
  return { graph };
}

/** The network with random weights, as if it had just been built. The graph given is changed and returned. */
export function randomised(
  graph: Graph,
  { init, initGain, seed }: Pick<StudentOptions, 'init' | 'initGain' | 'seed'>,
): Graph {
  initialise(graph, { init, gain: initGain, seed });
  plainNorms(graph);
  return graph;
}

/** Norms without statistics start with scale 1 and shift 0; `initialise` leaves their vectors, which came from the teacher. */
function plainNorms(graph: Graph): void {
  for (const { op, inputs } of graph.nodes) {
    if (op !== 'InstanceNormalization' && op !== 'LayerNormalization') continue;
    for (const [slot, fill] of [
      [1, 1],
      [2, 0],
    ] as const) {
      const { tensor } = inputs[slot] ?? {};
      if (tensor)
        inputs[slot]!.tensor = float32(tensor.shape, new Float32Array(tensor.data.length).fill(fill));
    }
  }
}

/** The teacher, its convolutions separated where the student's are to be. */
function prepared({ teacher, architecture, separation, statistics }: Options, target?: Architecture): Graph {
  if (typeof separation === 'function')
    return separate(teacher, { which: separation, ...(statistics && { statistics }) });
  const separable = target && 'separable' in target ? target.separable : separation;
  if (!separable || (architecture && 'separable' in architecture && architecture.separable)) return teacher;
  const made = separate(teacher, statistics ? { statistics } : {});
  if (made.nodes.length === teacher.nodes.length) throw notSeparable();
  return made;
}

function cut(
  { importance, activations }: StudentOptions,
  source: Graph,
  groups: ChannelGroups,
  widthOf: (group: ChannelGroup) => number | undefined,
): Graph {
  const wanted = new Map(groups.list.map((group) => [group.name, widthOf(group)]));
  for (const group of groups.list) {
    const width = wanted.get(group.name);
    if (width === undefined || width === group.width || group.narrowable) continue;
    throw invalid(`group "${group.name}" must keep its ${group.width} channels: ${group.reasons[0]}`);
  }
  const scores = channelScores(source, {
    groups,
    ...(importance && { importance }),
    ...(activations && { activations }),
  });
  const keep = selectChannels(
    groups,
    (g) => (g.narrowable ? fitting(g, wanted.get(g.name)) : undefined),
    scores,
  );
  return narrow(source, keep, groups);
}

function fitting(group: ChannelGroup, width: number | undefined): number | undefined {
  if (width !== undefined && width > group.width) {
    throw invalid(
      `the student must not be wider than its teacher, group "${group.name}" has ${width} channels instead of ${group.width}`,
      'set student.initFrom to random, or narrow the student',
    );
  }
  return width;
}

/** The width a group has in the built network: the size there of a parameter's axis that holds this group alone. */
function builtWidth(group: ChannelGroup, groups: ChannelGroups, built: Graph): number {
  for (const { value, axis, user } of group.parameters) {
    const segments = groups.segments(value, axis, user);
    const size = user ? undefined : built.constants.get(value.name)?.shape[axis];
    if (segments?.length === 1 && segments[0]!.factor === 1 && typeof size === 'number') return size;
  }
  const layers = group.parameters.map(({ value }) => value.name).slice(0, 3);
  throw invalid(
    `the teacher must have the layers its card describes, ${layers.join(', ')} are not among them`,
    'leave out the architecture to treat it as a foreign network',
  );
}

function groupWidths({ architecture, student }: StudentOptions, groups: ChannelGroups): Map<string, number> {
  const open = groups.list.filter((group) => group.narrowable);
  const { baseWidth, widths, ratio } = student;
  const base = architecture && (baseWidth ?? scaled(architecture.baseWidth, ratio));
  if (widths && widths.length !== open.length) {
    const names = open.map((group) => group.name).join(', ');
    throw invalid(`student.widths must be ${open.length} numbers, for ${names}, got ${widths.length}`);
  }
  if (!widths && ratio === undefined && base === undefined) {
    throw invalid(
      'the width of a student of a foreign teacher must be given as ratio or widths, got baseWidth',
      'set student.ratio instead of student.baseWidth',
    );
  }
  return new Map(
    open.map((group, i) => {
      const unit = architecture ? group.width / architecture.baseWidth : 1;
      const own = widths?.[i] ?? base;
      const width =
        own === undefined ? roundedWidth(group.width, ratio!) : Math.max(1, Math.round(own * unit));
      return [group.name, width];
    }),
  );
}

/** A fraction of a width, as a multiple of 4 from 4 up, as far as there are as many. */
function roundedWidth(width: number, ratio: number): number {
  return Math.min(width, Math.max(4, 4 * Math.round((width * ratio) / 4)));
}

function scaled(width: number, ratio = 1): number {
  return Math.max(1, Math.round(width * ratio));
}

function channelsOf(value: Graph['inputs'][number] | undefined): number {
  const channels = value?.shape[1];
  if (typeof channels !== 'number')
    throw invalid(`the teacher must take and make images of a known number of channels`);
  return channels;
}

function notSeparable(): GanletError {
  return invalid(
    'student.separable needs residual blocks or modulations of dense convolutions, the teacher has none',
    'set student.separable to false, or to a list of layers as ganlet inspect names them',
  );
}

function invalid(message: string, hint?: string): GanletError {
  return new GanletError('STUDENT_INVALID', message, hint ? { hint } : {});
}
