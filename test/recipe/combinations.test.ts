import { describe, expect, test } from 'vitest';
import { problemsOf, studentRecipe, teacherRecipe } from './recipe-file.ts';

const unet = studentRecipe.replace('type: resnet', 'type: unet');

/** Each pair: what makes the recipe impossible, and what is said. */
const impossible: Record<string, [yaml: string, set: string[], said: string]> = {
  'aligned pictures without a path': [
    teacherRecipe.replace('openmoji', 'aligned'),
    [],
    'quick.yaml:2:1  data.path must be given for the source aligned: the folder of the pictures',
  ],
  'a hub without a data set': [
    teacherRecipe.replace('openmoji', 'hub'),
    ['data.path=x'],
    [
      '--set data.path=x  data.path must be left out for the source hub, which has data.repo',
      'quick.yaml:2:1  data.repo must be given for the source hub: owner/name of a data set',
    ].join('\n'),
  ],
  'keys of the hub where it is not the source': [
    teacherRecipe,
    ['data.repo=a/b', 'data.revision=main', 'data.columns.a=x'],
    [
      '--set data.repo=a/b  data.repo must be left out for the source openmoji: it is for hub',
      '--set data.revision=main  data.revision must be left out for the source openmoji: it is for hub',
      '--set data.columns.a=x  data.columns must be left out for the source openmoji: it is for parquet and hub',
    ].join('\n'),
  ],
  'both a trained teacher and one to train': [
    teacherRecipe,
    ['teacher.model=t.onnx'],
    [
      'quick.yaml:4:3  teacher.generator must be left out where teacher.model is given: that teacher is trained already',
      'quick.yaml:5:3  teacher.train must be left out where teacher.model is given: that teacher is trained already',
    ].join('\n'),
  ],
  'no teacher at all': [
    'name: a\ndata: {source: openmoji, size: 32}\nteacher: {}\n',
    [],
    'quick.yaml:3:1  teacher must have a model (a trained .onnx file), or a generator and train (to train one)',
  ],
  'a teacher that is not to be trained': [
    teacherRecipe.replace(/ {2}train.*\n/, ''),
    [],
    'quick.yaml:3:1  teacher.train must be given where teacher.generator is: how to train it',
  ],
  'training without a network': [
    teacherRecipe.replace(/ {2}generator.*\n/, ''),
    [],
    'quick.yaml:3:1  teacher.generator must be given where teacher.train is: the network to train',
  ],
  'more levels than halvings': [
    unet,
    ['teacher.generator.levels=6'],
    '--set teacher.generator.levels=6  teacher.generator.levels must be at most 5: 32 pixels can be halved 5 times, got 6',
  ],
  'images too small for the discriminator': [
    teacherRecipe,
    ['data.size=16'],
    '--set data.size=16  data.size must be at least 24 for a patch discriminator of 3 layers (discriminator.layers), got 16',
  ],
  'what wants a discriminator without one': [
    studentRecipe,
    ['distill.lambdaGan=0', 'distill.lambdaFeature=10', 'distill.lrDiscriminator=0.0004'],
    [
      '--set distill.lambdaFeature=10  distill.lambdaFeature must be 0 where distill.lambdaGan is 0: there is no discriminator',
      '--set distill.lrDiscriminator=0.0004  distill.lrDiscriminator must be left out where distill.lambdaGan is 0: there is no discriminator',
    ].join('\n'),
  ],
  'losses that training together does not have': [
    `${teacherRecipe}preset: online\n`,
    ['teacher.train.lambdaFeature=10'],
    '--set teacher.train.lambdaFeature=10  teacher.train.lambdaFeature must be 0 where online is: the teacher learns by gan and recon alone',
  ],
  'a network of the perceptual loss without that loss': [
    teacherRecipe,
    ['teacher.train.perceptual=vgg19'],
    '--set teacher.train.perceptual=vgg19  teacher.train.perceptual must be left out where teacher.train.lambdaPerceptual is not above 0',
  ],
  'a gradient penalty through batch norm': [
    teacherRecipe,
    ['discriminator.norm=batch', 'teacher.train.ganMode=wgangp'],
    '--set teacher.train.ganMode=wgangp  teacher.train.ganMode must not be "wgangp" with discriminator.norm "batch": its gradient penalty is per image, batch norm mixes images',
  ],
  'a student without training': [
    `${teacherRecipe}student: {ratio: 0.5}\n`,
    [],
    'quick.yaml:1:1  distill must be given where student is, or supernet: how to train it',
  ],
  'training without a student': [
    `${teacherRecipe}distill: {steps: 1, batch: 1}\n`,
    [],
    'quick.yaml:1:1  student must be given where distill is: the network to train',
  ],
  'baselines of nothing': [
    `${teacherRecipe}baselines: [naive]\n`,
    [],
    'quick.yaml:6:12  baselines must be left out where there is no student to compare with',
  ],
  'a student without a width': [
    studentRecipe.replace('baseWidth: 4', 'separable: true'),
    [],
    'quick.yaml:6:1  student must have one of baseWidth, widths and ratio',
  ],
  'a student with two widths': [
    studentRecipe,
    ['student.ratio=0.5'],
    '--set student.ratio=0.5  student.ratio must be left out where student.baseWidth is given',
  ],
  'a student wider than its teacher': [
    studentRecipe,
    ['student.baseWidth=9'],
    "--set student.baseWidth=9  student.baseWidth must be at most 8, the teacher's baseWidth, got 9",
  ],
  'one width of a student wider than its teacher': [
    studentRecipe.replace('baseWidth: 4', 'widths: [8, 9, 8, 8, 8, 8]'),
    [],
    "quick.yaml:6:23  student.widths.1 must be at most 8, the teacher's baseWidth, got 9",
  ],
  'seven widths for a resnet': [
    studentRecipe.replace('baseWidth: 4', 'widths: 8_8_8_8_8_8_8'),
    [],
    'quick.yaml:6:19  student.widths must be 8 numbers (or 6, as in older papers) for a resnet teacher, got 7',
  ],
  'separable blocks where there are no blocks': [
    unet,
    ['student.separable=true'],
    '--set student.separable=true  student.separable must be false or a list of layers for a unet teacher: it has no residual blocks',
  ],
  'separable that is no list of layers': [
    studentRecipe,
    ['student.separable=[3]'],
    '--set student.separable=[3]  student.separable must be true, false, "auto", or a list of layers as ganlet inspect names them, got a list',
  ],
  'widths of a network no builder makes': [
    studentRecipe.replace('baseWidth: 4', 'widths: 8_8_8_8_8_8_8_8'),
    ['student.separable=[down1]'],
    'quick.yaml:6:19  student.widths must be left out where student.separable names layers: give baseWidth or ratio',
  ],
  'taps without distillation': [
    studentRecipe,
    ['distill.distill=none', 'distill.taps=[x]'],
    '--set distill.taps=[x]  distill.taps must be left out where distill.distill is "none"',
  ],
  'kernel alignment of one image': [
    studentRecipe,
    ['distill.distill=kernel-alignment', 'distill.batch=1'],
    '--set distill.batch=1  distill.batch must be at least 2 for kernel-alignment, which compares images, got 1',
  ],
  'cached outputs for crops that differ each time': [
    studentRecipe,
    ['distill.cacheTeacher=true', 'data.jitter=0.117'],
    '--set distill.cacheTeacher=true  distill.cacheTeacher must be false or "auto" where data.jitter is above 0: no crop comes twice',
  ],
};

describe('refused', () => {
  test.each(Object.entries(impossible))('%s', (_name, [yaml, set, said]) => {
    expect(problemsOf(yaml, set)).toBe(said);
  });
});

describe('values out of range are refused with the whole rule', () => {
  test.each([
    ['data.size=30', 'data.size must be a multiple of 4 from 16 to 1024, got 30'],
    ['data.size=2048', 'data.size must be a multiple of 4 from 16 to 1024, got 2048'],
    ['data.channels.image=2', 'data.channels.image must be 1 (grey) or 3 (colour), got 2'],
    ['data.jitter=2', 'data.jitter must be a number from 0 to 1, got 2'],
    ['seed=-1', 'seed must be a whole number of at least 0, got -1'],
    ['seed=1.5', 'seed must be a whole number of at least 0, got 1.5'],
    ['name=a/b', 'name must be a name of letters, digits, "-", "_" and ".", got "a/b"'],
    ['provider=gpu', 'provider must be "cpu", "webgpu" or "cuda", got "gpu"'],
    ['distill.constantFraction=1.5', 'distill.constantFraction must be a number from 0 to 1, got 1.5'],
    ['distill.ema=1', 'distill.ema must be a number of at least 0 and below 1, got 1'],
    ['distill.lr=0', 'distill.lr must be a number above 0 and at most 1, got 0'],
    ['distill.diffaugment=[color, color]', 'distill.diffaugment must not name anything twice'],
    [
      'distill.diffaugment=color',
      'distill.diffaugment must be a list of "color", "translation" and "cutout", got "color"',
    ],
    ['distill.cacheTeacher=yes', 'distill.cacheTeacher must be true, false or "auto", got "yes"'],
    ['distill.taps=[]', 'distill.taps must be a list of at least one name of a value, got an empty list'],
    [
      'student.widths=8_0',
      'student.widths must be whole numbers from 1 to 1024, written [32, 24, 16] or 32_24_16',
    ],
    [
      'student.widths=[]',
      'student.widths must be whole numbers from 1 to 1024, written [32, 24, 16] or 32_24_16, got an empty list',
    ],
    ['teacher.model=t.pth', 'teacher.model must be the path of an .onnx file, got "t.pth"'],
    [
      'teacher.generator.levels=3',
      'teacher.generator.levels is not a known key; known here: type, baseWidth, blocks, norm, padding, separable, dropout',
    ],
    ['data.flip=maybe', 'data.flip must be true or false, got "maybe"'],
  ])('%s', (set, said) => {
    expect(problemsOf(studentRecipe, [set])).toBe(`--set ${set}  ${said}`);
  });
});
