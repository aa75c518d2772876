import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, extname, join } from 'node:path';
import type { Proposed } from '../../pipeline/propose/propose.ts';
import type { LoadOptions } from '../../recipe/load.ts';
import { choice, largest, text, usageError, whole } from '../options.ts';
import { backendOf, recipeOptions } from '../recipe-verb.ts';
import { defineVerb } from '../verb.ts';

const help = 'ganlet compress --help lists its arguments';

/** Numbers that black and white may have. */
const ranges = { '-1..1': [-1, 1], '0..1': [0, 1], '0..255': [0, 255] } as const;
const rangeNames = Object.keys(ranges) as (keyof typeof ranges)[];

export const compress = defineVerb({
  command: 'compress <teacher>',
  describe: 'Make a small generator of any ONNX generator, without a recipe',
  positionals: {
    teacher: {
      type: 'string',
      demandOption: true,
      describe: 'An .onnx file: a generator from picture to picture, or from picture and class',
    },
  },
  options: {
    data: text(
      '--data',
      'Folder of picture pairs, or of two kinds (trainA, trainB, …), as docs/data.md says',
    ),
    classes: text(
      '--classes',
      'A file with a line "name,class" for each pair, for a teacher that takes a class besides its picture',
    ),
    budget: text(
      '--budget',
      'What the student may cost: a part of the teacher’s multiply-adds (0.1x, the default), multiply-adds (500M) or milliseconds (12ms)',
    ),
    size: whole(
      '--size',
      'Side of the pictures; by default the teacher’s, else the pictures’ own, at most 256',
      8,
      largest.size,
    ),
    range: choice(
      '--range',
      'Numbers of black and white in what the teacher takes; by default as its card says, else -1..1',
      rangeNames,
    ),
    'output-range': choice('--output-range', 'The same in what it makes; by default as --range', rangeNames),
    layout: choice('--layout', 'Order of the axes of its pictures; by default nchw', [
      'nchw',
      'nhwc',
    ] as const),
    ...recipeOptions,
    out: text('--out', 'Folder of the run; by default runs/<name of the teacher’s file>'),
  },
  examples: [
    ['ganlet compress teacher.onnx --data pairs --budget 0.1x', 'ten times fewer multiply-adds'],
    ['ganlet compress teacher.onnx --data pairs --dry-run', 'only print the recipe'],
  ],
  async run(args) {
    const { teacher, data, set, seed, provider, threads, dryRun, debug, quiet } = args;
    if (data === undefined) throw usageError('--data must be given: the folder of the pictures', help);
    const out = args.out ?? join('runs', basename(teacher, extname(teacher)));
    const budget = await readBudget(args.budget ?? '0.1x');
    const { proposeRecipe } = await import('../../pipeline/propose/propose.ts');
    const { onnxruntime } = await import('../../backend/onnxruntime.ts');
    const { createLog } = await import('../../util/log.ts');
    const log = createLog(quiet ? 'warn' : debug ? 'debug' : 'info');
    const proposed = await proposeRecipe({
      teacher,
      data,
      classes: args.classes,
      out,
      budget,
      size: args.size,
      form: {
        range: args.range && ranges[args.range],
        outputRange: args.outputRange && ranges[args.outputRange],
        layout: args.layout,
      },
      command: commandLine(),
      backend: onnxruntime({ ...(threads !== undefined && { threads }) }),
      log,
    });
    const options = { set, seed, provider, threads, backend: backendOf(args) };
    if (dryRun) {
      process.stdout.write(proposed.text);
      await inScratch(proposed, options, async (file, sets) =>
        start(file, out, { ...options, set: sets }, { dryRun, debug, quiet }),
      );
      return;
    }
    const file = await writeProposed(proposed, out);
    log.info(`${file} is what is run, with the reasons`);
    await start(file, out, options, { dryRun, debug, quiet });
  },
});

async function readBudget(typed: string) {
  const { budgetSchema } = await import('../../recipe/budget.ts');
  const { data, error } = budgetSchema.safeParse(typed);
  if (!data) throw usageError(`--budget ${error.issues[0]!.message}`, help);
  return { text: typed, limits: data };
}

/** As it was typed, words with blanks in quotes. */
function commandLine(): string {
  const words = process.argv
    .slice(2)
    .map((word) => (/^[\w./:=@+-]+$/.test(word) ? word : JSON.stringify(word)));
  return ['ganlet', ...words].join(' ');
}

async function start(
  file: string,
  out: string,
  load: LoadOptions,
  options: { dryRun: boolean; debug: boolean; quiet: boolean },
): Promise<void> {
  const { loadRecipe, requireFiles } = await import('../../recipe/load.ts');
  const { runRecipe } = await import('../../pipeline/run.ts');
  const { stageRunners } = await import('../stage-runners.ts');
  const { interruptible } = await import('../interrupt.ts');
  const loaded = loadRecipe(file, load);
  requireFiles(loaded);
  await interruptible(() => runRecipe(loaded, stageRunners, { out, ...options }));
}

/** The recipe (and the teacher, where it had to be adapted) in the folder of the run. Throws RUN_OF_OTHER_RECIPE. */
async function writeProposed({ text: recipe, adapted }: Proposed, out: string): Promise<string> {
  const { GanletError } = await import('../../util/errors.ts');
  const { exists } = await import('../../util/exists.ts');
  const { makeDirectory } = await import('../../pipeline/run-directory.ts');
  const { writeFileAtomic } = await import('../../util/atomic.ts');
  const { encodeOnnx } = await import('../../graph/onnx.ts');
  const file = join(out, 'compress.yaml');
  const lines = (of: string) => of.replaceAll(/^#.*\n/gm, '');
  if (exists(file) && lines(readFileSync(file, 'utf8')) !== lines(recipe)) {
    throw new GanletError(
      'RUN_OF_OTHER_RECIPE',
      `${out} must be a new folder or one of the same settings, its compress.yaml says something else`,
      { hint: `go on with it: ganlet run ${file} --out ${out}; or choose another folder with --out` },
    );
  }
  const teacher = join(out, 'teacher.onnx');
  const bytes = adapted && encodeOnnx(adapted);
  if (bytes && exists(teacher) && !readFileSync(teacher).equals(bytes)) {
    throw new GanletError(
      'RUN_OF_OTHER_RECIPE',
      `${out} must be a new folder or one of the same settings, its teacher.onnx is another network, or adapted with another --range, --output-range or --layout`,
      { hint: 'choose another folder with --out, or give the options it was made with' },
    );
  }
  makeDirectory(out);
  if (bytes) await writeFileAtomic(teacher, bytes);
  if (!exists(file)) await writeFileAtomic(file, recipe);
  return file;
}

/** The recipe in a folder that is gone afterwards, so that nothing is left of a dry run. */
async function inScratch(
  { text: recipe, adapted }: Proposed,
  { set }: LoadOptions,
  body: (file: string, set: string[]) => Promise<void>,
): Promise<void> {
  const { encodeOnnx } = await import('../../graph/onnx.ts');
  const folder = await mkdtemp(join(tmpdir(), 'ganlet-compress-'));
  try {
    const [file, teacher] = [join(folder, 'compress.yaml'), join(folder, 'teacher.onnx')];
    await writeFile(file, recipe);
    if (adapted) await writeFile(teacher, encodeOnnx(adapted));
    await body(file, [...(adapted ? [`teacher.model=${teacher}`] : []), ...(set ?? [])]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
