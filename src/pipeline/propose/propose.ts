import { join, resolve } from 'node:path';
import type { Backend } from '../../backend/backend.ts';
import { runGraph } from '../../backend/onnxruntime.ts';
import { adaptClassInput } from '../../compress/adapt-class.ts';
import { adaptTeacher, type TeacherForm } from '../../compress/adapt-teacher.ts';
import { channelGroups } from '../../compress/groups.ts';
import { packCondition, packedInputs } from '../../compress/pack-condition.ts';
import { proposeTaps } from '../../compress/taps.ts';
import { openSource } from '../../data/index.ts';
import type { Source } from '../../data/source.ts';
import { float32, type Graph, type Tensor } from '../../graph/graph.ts';
import { declareInputs, generatorInputs } from '../../models/generator-inputs.ts';
import { countMacs, countParameters, inputSymbols } from '../../ops/cost.ts';
import { loadOnnx } from '../../ops/import-onnx.ts';
import type { Budget } from '../../recipe/budget.ts';
import { GanletError } from '../../util/errors.ts';
import { sha256File } from '../../util/hash.ts';
import type { Log } from '../../util/log.ts';
import { formOf, needCard } from '../card.ts';
import { checkGenerator } from '../check/generator.ts';
import { givenBatch } from '../given.ts';
import { tryTeacher } from '../teacher.ts';
import { proposeData } from './data.ts';
import { proposalText } from './text.ts';
import { proposeWidths } from './widths.ts';

export interface ProposeOptions {
  /** An .onnx file. */
  teacher: string;
  /** A folder of pictures. */
  data: string;
  /** A file of the classes of its pairs, for a teacher that takes a class besides; see `readClassFile`. */
  classes?: string | undefined;
  /** Folder of the run. */
  out: string;
  /** As it was typed, and read. */
  budget: { text: string; limits: Budget };
  size?: number | undefined;
  /** What is known of how the teacher takes and makes pictures; the rest is as its card says, else as ours do. */
  form: { [K in keyof TeacherForm]?: TeacherForm[K] | undefined };
  command: string;
  backend: Backend;
  log: Log;
}

export interface Proposed {
  name: string;
  /** The recipe, with comments. */
  text: string;
  /** The teacher in the form that training needs, where its file is not; `<out>/teacher.onnx` in the recipe. */
  adapted: Graph | undefined;
}

/**
 * A recipe that compresses any generator, from the network, a folder of pictures and a budget alone. The teacher is tried on a
 * few pictures first. Reads only. Throws TEACHER_UNFIT, MODEL_MISMATCH, BUDGET_UNREACHABLE, and what `loadOnnx`, `needCard` and
 * `openSource` throw.
 */
export async function proposeRecipe(options: ProposeOptions): Promise<Proposed> {
  const { teacher: file, out, budget, backend, log } = options;
  const card = needCard(file, await sha256File(file));
  const graph = declareInputs(loadOnnx(file), card?.inputs ?? {});
  const declared = formOf(card);
  const { range, outputRange, layout } = options.form;
  const form: TeacherForm = {
    range: range ?? declared.range,
    outputRange: outputRange ?? range ?? declared.outputRange,
    layout: layout ?? declared.layout,
  };
  const teacher = adapted(graph, form, file);
  const trained = asTrained(teacher);
  const packed = packedInputs(trained);
  const found = await proposeData(options.data);
  needClasses(file, found.source, packed !== undefined, options.classes);
  const own = generatorInputs(trained).condition?.shape[2];
  const size = options.size ?? (typeof own === 'number' ? own : (found.side ?? 256));
  const [condition, image] = [channelsOf(trained, 'inputs', file), channelsOf(trained, 'outputs', file)];
  const channels = { condition, image };
  if (!packed)
    checkGenerator(trained, file, { size, condition: { kind: 'image', channels: condition }, channels });

  const path = resolve(options.data);
  const classes = options.classes === undefined ? undefined : resolve(options.classes);
  const source = await openSource({ source: found.source, path, size, channels, classes });
  if (packed) checkGenerator(trained, file, source);
  await tryTeacher({ source: async () => source, backend, log }, { file, graph: trained }).catch(withFlag);
  if (graph.inputs.some(({ shape }) => typeof shape[0] === 'number'))
    await compareOpened(graph, trained, form, file, source, backend);

  const symbols = inputSymbols(teacher, { size });
  const groups = channelGroups(trained).list;
  const narrowable = groups.filter((group) => group.narrowable).length;
  if (narrowable === 0) {
    const why = groups.map((group) => `${group.name}: ${group.reasons[0]}`);
    throw new GanletError(
      'TEACHER_UNFIT',
      `the teacher ${file} must have channels that can be narrowed, it has none (${why.slice(0, 3).join('; ')})`,
      { hint: 'ganlet inspect says what keeps each group as it is' },
    );
  }
  const name = runName(out);
  return {
    name,
    adapted: teacher === graph ? undefined : teacher,
    text: proposalText({
      name,
      command: options.command,
      again: `ganlet run ${join(out, 'compress.yaml')} --out ${out}`,
      data: { source: found.source, path, classes, size, ...channels },
      teacher: {
        model: resolve(teacher === graph ? file : join(out, 'teacher.onnx')),
        macs: countMacs(teacher, symbols).true,
        params: countParameters(teacher),
      },
      groups: { narrowable, total: groups.length },
      widths: proposeWidths(trained, budget.limits, {
        size,
        architecture: teacher === graph ? card?.architecture : undefined,
      }),
      taps: (teacher === graph ? card?.taps : undefined) ?? tapsOf(trained, symbols),
      budget: budget.text,
    }),
  };
}

/** A teacher as a run reads it: one condition, a class in it one-hot. */
const asTrained = (graph: Graph): Graph => packCondition(adaptClassInput(graph));

/** A teacher that takes a class besides its picture needs one for each pair, and no other has use for them. */
function needClasses(file: string, source: string, wanted: boolean, given: string | undefined): void {
  if (wanted && given === undefined)
    throw new GanletError(
      'TEACHER_UNFIT',
      `the teacher ${file} must be told the class of each picture, --classes is not given`,
      { hint: 'write a line "name,class" for each pair into a file: --classes classes.csv' },
    );
  if (given === undefined) return;
  if (!wanted)
    throw new GanletError(
      'TEACHER_UNFIT',
      `the teacher ${file} must take a class for --classes, it takes none`,
      {
        hint: 'leave --classes out',
      },
    );
  if (source !== 'aligned' && source !== 'folders')
    throw new GanletError(
      'DATA_CLASSES',
      `--classes must be given for pairs of pictures, the data are ${source}`,
      {
        hint: 'unpack them into folders A and B',
      },
    );
}

function adapted(graph: Graph, form: TeacherForm, file: string): Graph {
  try {
    return adaptTeacher(graph, form);
  } catch (cause) {
    throw new GanletError(
      'TEACHER_UNFIT',
      `the teacher ${file} must take any number of pictures at a time, and cannot be made to: ${(cause as Error).message}`,
      { hint: 'export it with an open batch axis (dynamic_axes in PyTorch)', cause },
    );
  }
}

/** What is wrong with the numbers a teacher makes can be said with a flag here. */
function withFlag(error: unknown): never {
  if (!(error instanceof GanletError) || !error.message.includes('must make pictures in')) throw error;
  const hint =
    'say what black and white are in what it takes and makes: --range 0..255, --output-range 0..255';
  throw new GanletError(error.code, error.message, { hint, cause: error });
}

/** 1 or 3. */
function channelsOf(graph: Graph, side: 'inputs' | 'outputs', file: string): 1 | 3 {
  const value = side === 'inputs' ? generatorInputs(graph).condition : graph.outputs[0];
  const packed = side === 'inputs' ? packedInputs(graph) : undefined;
  const channels = value?.shape.length === 4 ? (packed?.channels ?? value.shape[1]) : undefined;
  if (channels === 1 || channels === 3) return channels;
  const last = value?.shape.length === 4 && [1, 3].includes(value.shape[3] as number);
  throw new GanletError(
    'TEACHER_UNFIT',
    `the teacher ${file} must ${side === 'inputs' ? 'take' : 'make'} pictures [batch, 1 or 3, height, width], got [${value?.shape.join(', ') ?? ''}]`,
    {
      hint: last
        ? 'its channels come last: add --layout nhwc'
        : side === 'inputs'
          ? 'export the generator alone, from picture to picture; one from label maps, classes or latent vectors is compressed by a recipe (docs/recipes.md: teacher.model, data.source labelmap, folder, …)'
          : 'export the generator alone, from picture to picture',
    },
  );
}

/** A network exported for a fixed number of pictures must make the same of each when it is given one more. */
async function compareOpened(
  graph: Graph,
  opened: Graph,
  form: TeacherForm,
  file: string,
  source: Source,
  backend: Backend,
): Promise<void> {
  const batch = Number(graph.inputs.find(({ shape }) => typeof shape[0] === 'number')!.shape[0]);
  const indices = Array.from({ length: batch + 1 }, (_, i) => i % source.counts.train);
  const { condition, latent } = await givenBatch(source, opened, 'train', indices);
  const run = async (network: Graph, count: number) => {
    const given = generatorInputs(network);
    const first = ({ shape, data }: Tensor) =>
      float32(
        [count, ...shape.slice(1)],
        (data as Float32Array).subarray(0, (data.length / (batch + 1)) * count),
      );
    const feeds = {
      ...(given.condition && condition && { [given.condition.name]: first(condition) }),
      ...(given.latent && latent && { [given.latent.name]: first(latent) }),
    };
    return (await runGraph(network, feeds, backend))[network.outputs[0]!.name]!.data as Float32Array;
  };
  const fixed = asTrained(adaptTeacher(graph, form, 'fixed'));
  const [expected, more] = [await run(fixed, batch), await run(opened, batch + 1)];
  if (expected.every((x, i) => Math.abs(x - more[i]!) <= 1e-3)) return;
  throw new GanletError(
    'TEACHER_UNFIT',
    `the teacher ${file} must take any number of pictures at a time, it was exported for ${batch} and makes others of more`,
    { hint: 'export it with an open batch axis (dynamic_axes in PyTorch)' },
  );
}

function tapsOf(graph: Graph, symbols: ReadonlyMap<string, number>): string[] | undefined {
  try {
    return proposeTaps(graph, symbols);
  } catch (error) {
    if (error instanceof GanletError && error.code === 'TAPS_UNKNOWN') return undefined;
    throw error;
  }
}

/** The folder's name, as far as it can be that of a run. */
function runName(out: string): string {
  const base = resolve(out).split(/[\\/]/).at(-1) ?? '';
  const name = base.replaceAll(/[^A-Za-z0-9._-]+/g, '-').replace(/^[^A-Za-z0-9]+/, '');
  return name || 'compressed';
}
