import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { loadRecipe, requireFiles, resolvedYaml } from '../../src/recipe/load.ts';
import { problemsOf, recipeFile, studentRecipe, teacherRecipe } from './recipe-file.ts';

const load = (yaml: string, set: string[] = []) => loadRecipe(recipeFile(yaml), { set }).recipe;

test('a short recipe gets every default', () => {
  expect(load(studentRecipe)).toMatchInlineSnapshot(`
    {
      "backend": "auto",
      "baselineSteps": "total",
      "baselines": [],
      "data": {
        "channels": {
          "condition": 3,
          "image": 3,
        },
        "direction": "AtoB",
        "flip": true,
        "greyscale": "reject",
        "jitter": 0,
        "onBadImage": "error",
        "size": 32,
        "source": "openmoji",
      },
      "discriminator": {
        "baseWidth": 64,
        "layers": 3,
        "norm": "instance",
        "spectralNorm": false,
        "type": "patch",
      },
      "distill": {
        "batch": 2,
        "beta1": 0.5,
        "beta2": 0.999,
        "cacheTeacher": "auto",
        "checkpointSeconds": 60,
        "constantFraction": 0.5,
        "diffaugment": [],
        "distill": "adaptor",
        "ema": 0.999,
        "ganMode": "hinge",
        "init": "normal",
        "initDiscriminator": "auto",
        "initGain": 0.02,
        "lambdaDistill": 1,
        "lambdaGan": 1,
        "lambdaRecon": 100,
        "lr": 0.0002,
        "recon": "l1",
        "reconTarget": "auto",
        "samples": 8,
        "schedule": "linear",
        "snapshot": 0,
        "steps": 10,
        "tick": 100,
      },
      "evaluate": {
        "features": "emoji",
        "lpips": "alex",
        "metrics": [
          "l1",
          "psnr",
          "ssim",
        ],
        "paths": 1000,
        "split": "test",
      },
      "name": "tiny",
      "provider": "cpu",
      "seed": 0,
      "student": {
        "baseWidth": 4,
        "initFrom": "teacher",
        "separable": false,
      },
      "teacher": {
        "generator": {
          "baseWidth": 8,
          "blocks": 9,
          "dropout": 0,
          "norm": "instance",
          "padding": "reflect",
          "separable": false,
          "type": "resnet",
        },
        "train": {
          "batch": 2,
          "beta1": 0.5,
          "beta2": 0.999,
          "checkpointSeconds": 60,
          "constantFraction": 0.5,
          "diffaugment": [],
          "ema": 0.999,
          "ganMode": "hinge",
          "init": "normal",
          "initGain": 0.02,
          "lambdaGan": 1,
          "lambdaRecon": 100,
          "lr": 0.0002,
          "recon": "l1",
          "samples": 8,
          "schedule": "linear",
          "snapshot": 0,
          "steps": 10,
          "tick": 100,
        },
      },
    }
  `);
});

test('a trained teacher is a path, taken from the folder of the recipe', () => {
  const file = recipeFile(
    'name: a\ndata: {source: folders, path: pairs, size: 32}\nteacher: {model: ../t/teacher.onnx}\n',
  );
  const { recipe } = loadRecipe(file);
  expect(recipe.teacher).toEqual({ model: join(dirname(dirname(file)), 't', 'teacher.onnx') });
  expect(recipe.data.path).toBe(join(dirname(file), 'pairs'));
});

test.each([
  [64, 6],
  [256, 8],
  [1024, 8],
  [96, 5],
  [20, 2],
])('a U-Net without levels for %i pixels gets %i', (size, levels) => {
  const recipe = load(teacherRecipe.replace('type: resnet', 'type: unet'), [
    `data.size=${size}`,
    'discriminator.layers=1',
  ]);
  expect(recipe.teacher).toMatchObject({ generator: { type: 'unet', levels } });
});

test('widths are a list or the usual text with underscores', () => {
  const written = (widths: string) =>
    load(studentRecipe.replace('baseWidth: 4', `widths: ${widths}`)).student?.widths;
  expect(written('8_4_4_4_4_8')).toEqual([8, 4, 4, 4, 4, 8]);
  expect(written('[8, 4, 4, 4, 4, 8]')).toEqual([8, 4, 4, 4, 4, 8]);
});

describe('a resolved recipe', () => {
  test('loads to itself', () => {
    const recipe = load(studentRecipe.replace('baseWidth: 4', 'widths: 8_4_4_4_4_8'), [
      'threads=2',
      'distill.taps=[a, b]',
    ]);
    const again = loadRecipe(recipeFile(resolvedYaml(recipe))).recipe;
    expect(again).toEqual(recipe);
    expect(resolvedYaml(again)).toBe(resolvedYaml(recipe));
  });

  test('has absolute paths, so that it loads to the same from another folder', () => {
    const from = recipeFile('name: a\ndata: {source: openmoji, size: 32}\nteacher: {model: t.onnx}\n');
    const recipe = loadRecipe(from).recipe;
    const other = join(dirname(from), 'other', 'recipe.yaml');
    mkdirSync(dirname(other));
    writeFileSync(other, resolvedYaml(recipe));
    expect(loadRecipe(other).recipe).toEqual(recipe);
  });
});

describe('problems are told by file, line and column', () => {
  test('a value of the wrong type', () => {
    expect(problemsOf(teacherRecipe.replace('32', '"big"'))).toMatchInlineSnapshot(
      `"quick.yaml:2:32  data.size must be a multiple of 4 from 16 to 1024, got "big""`,
    );
  });

  test('a missing key, at the section that lacks it', () => {
    expect(
      problemsOf(teacherRecipe.replace(', size: 32', '').replace('name: tiny\n', '')),
    ).toMatchInlineSnapshot(`
      "quick.yaml:1:1  name must be a name of letters, digits, "-", "_" and ".", got nothing
      quick.yaml:1:1  data.size must be a multiple of 4 from 16 to 1024, got nothing"
    `);
  });

  test('an empty value, at its key', () => {
    expect(problemsOf(teacherRecipe.replace('tiny', ''))).toMatchInlineSnapshot(
      `"quick.yaml:1:1  name must be a name of letters, digits, "-", "_" and ".", got nothing"`,
    );
  });

  test('unknown keys, with the key that may be meant', () => {
    const yaml = teacherRecipe.replace('steps: 10', 'step: 10, lambda_gan: 2, colour: 3');
    expect(problemsOf(`${yaml}distil: {steps: 5}\n`)).toMatchInlineSnapshot(`
      "quick.yaml:5:3  teacher.train.steps must be a whole number of at least 1, got nothing
      quick.yaml:5:11  teacher.train.step is not a known key, did you mean steps?
      quick.yaml:5:21  teacher.train.lambda_gan is not a known key, did you mean lambdaGan?
      quick.yaml:5:36  teacher.train.colour is not a known key; known here: steps, batch, lr, lrDiscriminator, beta1, beta2, schedule, constantFraction, ganMode, lambdaGan, lambdaRecon, recon, lambdaFeature, lambdaPerceptual, perceptual, diffaugment, ema, init, initGain, tick, snapshot, samples, checkpointSeconds, lambdaKl, cycle
      quick.yaml:6:1  distil is not a known key, did you mean distill?"
    `);
  });

  test('a list entry', () => {
    expect(problemsOf(`${teacherRecipe}evaluate:\n  metrics: [l1, sim]\n`)).toMatchInlineSnapshot(
      `"quick.yaml:7:17  evaluate.metrics.1 must be "l1", "psnr", "ssim", "ms-ssim", "lpips", "frechet", "kid", "pr", "dc", "is", "ppl", "diversity", "miou" or "accuracy", got "sim""`,
    );
  });

  test('an unknown type of network', () => {
    expect(problemsOf(teacherRecipe.replace('resnet', 'vgg'))).toMatchInlineSnapshot(
      `"quick.yaml:4:21  teacher.generator.type must be "resnet", "unet", "spade" or "sngan", got "vgg""`,
    );
  });

  test('a section written as a value, and a recipe that is no section', () => {
    expect(problemsOf(`${teacherRecipe}distill: 5\ndiscriminator: patch\n`)).toMatchInlineSnapshot(`
      "quick.yaml:6:10  distill must be a section of its own ("key: value" lines), got 5
      quick.yaml:7:16  discriminator must be a section of its own ("key: value" lines), got "patch""
    `);
    expect(problemsOf('- a\n- b\n')).toMatchInlineSnapshot(
      `"quick.yaml:1:1  the recipe must be "key: value" lines, got a list"`,
    );
    expect(problemsOf('')).toMatchInlineSnapshot(
      `"quick.yaml:1:1  the recipe must be "key: value" lines, got nothing"`,
    );
  });

  test('numbers that are none', () => {
    expect(
      problemsOf(teacherRecipe.replace('10', '.nan').replace('batch: 2', 'batch: .inf')),
    ).toMatchInlineSnapshot(`
      "quick.yaml:5:18  teacher.train.steps must be a whole number of at least 1, got NaN
      quick.yaml:5:31  teacher.train.batch must be a whole number from 1 to 4096, got Infinity"
    `);
  });

  test('YAML that is none', () => {
    expect(problemsOf('name: [tiny\ndata: 3\n')).toMatchInlineSnapshot(
      `"quick.yaml:2:1  is not valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ]"`,
    );
    expect(problemsOf('name: a\nname: b\n')).toMatchInlineSnapshot(
      `"quick.yaml:2:1  is not valid YAML: Map keys must be unique"`,
    );
    expect(problemsOf('seed: &s 1\nname: *s\ntwo: *nothing\n')).toMatchInlineSnapshot(
      `"quick.yaml:3:6  is not valid YAML: Unresolved alias (the anchor must be set before the alias): nothing"`,
    );
    expect(problemsOf('name: !date x\n')).toMatchInlineSnapshot(
      `"quick.yaml:1:7  is not valid YAML: Unresolved tag: !date"`,
    );
    expect(problemsOf('name: a\n---\nname: b\n')).toMatchInlineSnapshot(
      `"quick.yaml:2:1  is not valid YAML: a second document begins here"`,
    );
  });

  test('aliases that multiply without end', () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
    for (let i = 1; i < 9; i++) {
      const copies = Array(10).fill(`*a${i - 1}`);
      lines.push(`a${i}: &a${i} [${copies.join()}]`);
    }
    expect(problemsOf(lines.join('\n'))).toMatchInlineSnapshot(
      `"quick.yaml:2:10  is not valid YAML: Excessive alias count indicates a resource exhaustion attack"`,
    );
  });

  test('keys with a meaning in JavaScript are unknown keys', () => {
    expect(problemsOf(`${teacherRecipe}__proto__: {seed: 1}\nconstructor: 1\n`)).toMatchInlineSnapshot(`
      "quick.yaml:6:1  __proto__ is not a known key; known here: name, preset, seed, threads, backend, provider, data, teacher, discriminator, student, distill, online, supernet, search, finetune, baselines, baselineSteps, evaluate
      quick.yaml:7:1  constructor is not a known key; known here: name, preset, seed, threads, backend, provider, data, teacher, discriminator, student, distill, online, supernet, search, finetune, baselines, baselineSteps, evaluate"
    `);
  });
});

describe('values given instead of those in the file', () => {
  test('are YAML, the last one wins, and sections that are missing are made', () => {
    const recipe = load(studentRecipe, [
      'distill.steps=3',
      'distill.steps=4',
      'evaluate.metrics=[psnr]',
      'data.flip=false',
      'name=other',
    ]);
    expect(recipe.distill?.steps).toBe(4);
    expect(recipe.evaluate.metrics).toEqual(['psnr']);
    expect(recipe.data.flip).toBe(false);
    expect(recipe.name).toBe('other');
  });

  test('seed, threads and provider win over the file and over set', () => {
    const file = recipeFile(`${teacherRecipe}seed: 1\n`);
    const { recipe } = loadRecipe(file, { set: ['seed=2'], seed: 3, threads: 2, provider: 'webgpu' });
    expect(recipe).toMatchObject({ seed: 3, threads: 2, provider: 'webgpu' });
  });

  test('are named by their flag when they are wrong', () => {
    expect(problemsOf(teacherRecipe, ['data.size=30'])).toMatchInlineSnapshot(
      `"--set data.size=30  data.size must be a multiple of 4 from 16 to 1024, got 30"`,
    );
    expect(problemsOf(teacherRecipe, ['data.szie=32'])).toMatchInlineSnapshot(
      `"--set data.szie=32  data.szie is not a known key, did you mean size?"`,
    );
    expect(problemsOf(teacherRecipe, ['student.baseWidth=4', 'distill.steps=5'])).toMatchInlineSnapshot(
      `"--set distill.steps=5  distill.batch must be a whole number from 1 to 4096, got nothing"`,
    );
    expect(problemsOf(teacherRecipe, ['data.size.width=5'])).toMatchInlineSnapshot(
      `"--set data.size.width=5  data.size is not a section, so it has no key width"`,
    );
    expect(problemsOf(teacherRecipe, ['name='])).toMatchInlineSnapshot(
      `"--set name=  name must be a name of letters, digits, "-", "_" and ".", got nothing"`,
    );
    expect(problemsOf(teacherRecipe, ['constructor.prototype.x=1'])).toMatchInlineSnapshot(
      `"--set constructor.prototype.x=1  constructor is not a known key; known here: name, preset, seed, threads, backend, provider, data, teacher, discriminator, student, distill, online, supernet, search, finetune, baselines, baselineSteps, evaluate"`,
    );
  });

  test('must be key=value with YAML after the =', () => {
    expect(problemsOf(teacherRecipe, ['data.size'])).toMatchInlineSnapshot(
      `"--set must be key=value with a key such as data.size, got "data.size""`,
    );
    expect(problemsOf(teacherRecipe, ['=5'])).toMatchInlineSnapshot(
      `"--set must be key=value with a key such as data.size, got "=5""`,
    );
    expect(problemsOf(teacherRecipe, ['data.size=[1'])).toMatchInlineSnapshot(
      `"--set data.size=[1: the value is not valid YAML: Flow sequence must end with a ]"`,
    );
  });

  test('give the same as the file with the value in it', () => {
    const keys = ['steps', 'batch', 'tick', 'snapshot'] as const;
    fc.assert(
      fc.property(fc.constantFrom(...keys), fc.integer({ min: 2, max: 4096 }), (key, value) => {
        const data = parse(studentRecipe);
        data.distill[key] = value;
        expect(load(studentRecipe, [`distill.${key}=${value}`])).toEqual(load(stringify(data)));
      }),
      { numRuns: 20 },
    );
  });
});

test('a recipe that is missing, or a folder, is told apart from a broken one', () => {
  const file = recipeFile(teacherRecipe);
  expect(() => loadRecipe('/nowhere/quick.yaml')).toThrow('there is no recipe /nowhere/quick.yaml');
  expect(() => loadRecipe(dirname(file))).toThrow(`${dirname(file)} is a folder, not a recipe`);
});

test('files a recipe reads from must be there', () => {
  const file = recipeFile(
    'name: a\ndata:\n  source: aligned\n  path: pairs\n  size: 32\nteacher:\n  model: t.onnx\n',
  );
  const folder = dirname(file);
  const shown = () => {
    try {
      requireFiles(loadRecipe(file));
      return 'nothing missing';
    } catch (error) {
      return (error as Error).message.replaceAll(folder, '.');
    }
  };
  expect(shown()).toMatchInlineSnapshot(`
    "./quick.yaml:7:10  teacher.model must be a file, found none at ./t.onnx
    ./quick.yaml:4:9  data.path must be a folder, found none at ./pairs"
  `);
  mkdirSync(join(folder, 'pairs'));
  copyFileSync(file, join(folder, 't.onnx'));
  expect(shown()).toBe('nothing missing');
});

test('whatever the text, what is wrong with it has a place', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.constantFrom(
          'name',
          ': ',
          '\n',
          '  ',
          '[',
          '}',
          '&a',
          '*a',
          '!x',
          '"',
          '- ',
          '#',
          'data',
          '1',
          '|',
          '\t',
          '%',
          '?',
          '\u0000',
        ),
      ),
      (parts) => {
        expect(problemsOf(parts.join(''))).toMatch(/^quick\.yaml:\d+:\d+ {2}/);
      },
    ),
    { numRuns: 200 },
  );
});
