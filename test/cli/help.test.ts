import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ganlet } from './ganlet.ts';
import { ganletHere } from './here.ts';

test('--help lists the verbs on stdout', () => {
  expect(ganlet(['--help'])).toMatchInlineSnapshot(`
    {
      "status": 0,
      "stderr": "",
      "stdout": "ganlet <verb> [options]

    Makes a small image generator of a large one.

    Verbs:
      ganlet run <recipe>              Run all stages of a recipe; what is done already is skipped
      ganlet compress <teacher>        Make a small generator of any ONNX generator, without a recipe
      ganlet data <recipe>             Show what training will see: a sheet of pictures, and numbers
      ganlet teach <recipe>            Train the teacher, where the recipe says how
      ganlet distill <recipe>          Train the student to do what its teacher does
      ganlet supernet <recipe>         Train all widths of the student together
      ganlet search <recipe>           Choose the widths of the student within a budget
      ganlet finetune <recipe>         Train the student that was searched on, and its baselines
      ganlet export <recipe>           Write the student as an ONNX file with its card
      ganlet evaluate <recipe> [made]  Measure the networks of a run, or one folder of pictures against another
      ganlet table <runs..>            Print what the networks of finished runs cost and how well they do
      ganlet report <runs..>           Write one HTML page on finished runs: numbers, charts, pictures; and their
                                       tables
      ganlet demo [models..]           Try networks in the browser: draw, and see what teacher and student make of
                                       it
      ganlet inspect <model>           Show what of an ONNX generator can be narrowed, and why the rest cannot
      ganlet profile <model>           Count the multiply-adds and parameters of an ONNX model, and time it
      ganlet model <network>           Write an untrained generator or discriminator as an ONNX file
      ganlet import <kind> <file>      Make an ONNX file of a PyTorch checkpoint, without Python
      ganlet features <recipe>         Train a network whose features tell pictures apart, for distances between
                                       sets of them
      ganlet pull [name]               Fetch files from the Hugging Face hub or an address, verified, into the
                                       cache
      ganlet push <run>                Upload the student of a finished run to the Hugging Face hub, with a model
                                       card
      ganlet doctor                    Say what this machine can run, and how to enable what it cannot
      ganlet bundle                    Write one archive that runs on a Linux machine without a network
      ganlet schema                    Print the JSON Schema of recipes: every key with its rule and default

    Options:
          --debug    Check more, and show where an error came from                       [switch] [default: false]
          --quiet    Only warnings and errors                                            [switch] [default: false]
      -h, --help     Show help                                                                            [switch]
          --version  Show version number                                                                  [switch]
    ",
    }
  `);
});

test('a verb with --help lists its arguments', () => {
  expect(ganlet(['run', '--help']).stdout).toMatchInlineSnapshot(`
    "ganlet run <recipe>

    Run all stages of a recipe; what is done already is skipped

    Positionals:
      recipe  A recipe, for example recipes/quickstart.yaml                                     [value] [required]

    Options:
          --debug     Check more, and show where an error came from                      [switch] [default: false]
          --quiet     Only warnings and errors                                           [switch] [default: false]
      -h, --help      Show help                                                                           [switch]
          --out       Folder of the run; by default runs/<name of the recipe>                              [value]
          --set       Change a key of the recipe, as in --set distill.steps=10; once for each         [repeatable]
          --seed      Change the seed of the recipe                                                        [value]
          --provider  Where ONNX Runtime computes (cpu, webgpu, cuda)                                      [value]
          --threads   Threads for arithmetic; by default as many as there are cores                        [value]
          --dry-run   Say what would be done, and do nothing                             [switch] [default: false]
          --backend   What computes; by default the fastest on this machine (auto, onnxruntime, tfjs)      [value]
          --stages    Only these stages, separated by commas (teach, distill, supernet, search, finetune, export,
                      evaluate, table)                                                                     [value]

    Examples:
      ganlet run recipes/quickstart.yaml                       a first student
      ganlet run my.yaml --set distill.steps=50 --out          with another number of steps
      runs/short
      ganlet run my.yaml --stages evaluate,table               measure again
    "
  `);
});

test('help is the same in every language of the system', () => {
  expect(ganlet(['--help'], undefined, { LANG: 'de_DE.UTF-8', LC_ALL: 'de_DE.UTF-8' })).toEqual(
    ganlet(['-h']),
  );
});

test('no verb gets the help as an error', () => {
  const help = ganlet(['--help']).stdout;
  expect(ganlet([])).toEqual({ status: 2, stdout: '', stderr: help });
  expect(ganlet(['--quiet'])).toEqual({ status: 2, stdout: '', stderr: help });
});

test('--version is that of the package', () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  expect(ganlet(['--version'])).toEqual({ status: 0, stdout: `ganlet ${version}\n`, stderr: '' });
});

describe('a command line that cannot be understood says so in two lines, with status 2', () => {
  test.each<[args: string[], error: string, help: string]>([
    [['rnu'], 'unknown verb "rnu"', 'did you mean run? ganlet --help lists the verbs'],
    [['frobnicate'], 'unknown verb "frobnicate"', 'ganlet --help lists the verbs'],
    [['--sed', '3'], 'unknown verb "3"', 'ganlet --help lists the verbs'],
    [
      ['run', '--sede', '3', 'a.yaml'],
      'unknown option --sede',
      'did you mean --seed? ganlet run --help lists its arguments',
    ],
    [
      ['run', 'a.yaml', '--dryrun'],
      'unknown option --dryrun',
      'did you mean --dry-run? ganlet run --help lists its arguments',
    ],
    [
      ['teach', 'a.yaml', '--stages=teach'],
      'unknown option --stages',
      'ganlet teach --help lists its arguments',
    ],
    [['run', 'a.yaml', '-x'], 'unknown option -x', 'ganlet run --help lists its arguments'],
    [['run'], '<recipe> is missing: ganlet run <recipe>', 'ganlet run --help lists its arguments'],
    [['table'], '<runs …> is missing: ganlet table <runs..>', 'ganlet table --help lists its arguments'],
    [['run', 'a.yaml', 'b.yaml'], 'unexpected argument "b.yaml"', 'ganlet run --help lists its arguments'],
    [['run', 'a.yaml', 'data.size=3'], 'unexpected argument "data.size=3"', 'write --set data.size=3'],
    [['run', 'a.yaml', '--seed'], '--seed needs a value', 'ganlet run --help lists its arguments'],
    [
      ['run', 'a.yaml', '--seed', 'x'],
      '--seed must be a whole number of at least 0, got "x"',
      'ganlet run --help lists its arguments',
    ],
    [
      ['run', 'a.yaml', '--seed', '1e3'],
      '--seed must be a whole number of at least 0, got "1e3"',
      'ganlet run --help lists its arguments',
    ],
    [
      ['run', 'a.yaml', '--threads', '0'],
      '--threads must be a whole number from 1 to 1024, got "0"',
      'ganlet run --help lists its arguments',
    ],
    [
      ['run', 'a.yaml', '--provider', 'gpu'],
      '--provider must be cpu, webgpu or cuda, got "gpu"',
      'ganlet run --help lists its arguments',
    ],
    [
      ['run', 'a.yaml', '--stages', 'teach,sing'],
      '--stages must be teach, distill, supernet, search, finetune, export, evaluate or table, got "sing"',
      'ganlet run --help lists its arguments',
    ],
    [['run', 'a.yaml', '--out='], '--out must be some text, got ""', 'ganlet run --help lists its arguments'],
    [
      ['table', 'runs', '--format', 'xml'],
      '--format must be md, csv, json or latex, got "xml"',
      'ganlet table --help lists its arguments',
    ],
    [
      ['model', 'vgg'],
      '<network> must be one of resnet, unet, spade, sngan, patch, pixel, multiscale, projection, got "vgg"',
      'ganlet model --help lists its arguments',
    ],
    [
      ['model', 'patch', '--blocks', '3'],
      '--blocks is for resnet, not for patch',
      'ganlet model --help lists its arguments',
    ],
  ])('ganlet %j', async (args, error, help) => {
    expect(await ganletHere(args)).toEqual({
      status: 2,
      stdout: '',
      stderr: `error: ${error}\n  help: ${help}\n`,
    });
  });
});

test('--set without a value to set is a mistake of the command line too', () => {
  expect(ganlet(['run', 'a.yaml', '--set', 'steps'])).toEqual({
    status: 2,
    stdout: '',
    stderr:
      'error: --set must be key=value with a key such as data.size, got "steps"\n  help: write --set distill.steps=10, once for each key\n',
  });
});
