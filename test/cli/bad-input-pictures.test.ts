import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { openSource } from '../../src/data/index.ts';
import { folderWith } from './ganlet.ts';
import { ganletHere, runHere } from './here.ts';
import { pairPicture, tinyFolders } from './tiny-run.ts';

const recipe = `name: tiny
threads: 1
data: {source: aligned, path: pictures, size: 16}
teacher:
  generator: {type: resnet, baseWidth: 2, blocks: 1}
  train: {steps: 1, batch: 2, samples: 0}
discriminator: {type: patch, baseWidth: 2, layers: 1}
`;
const folderOf = tinyFolders({ recipe });
const linux = process.platform === 'linux';

const plain = (width: number, height: number, channels: 1 | 3 | 4 = 3) =>
  sharp(Buffer.alloc(width * height * channels, 90), { raw: { width, height, channels } });

const frames = () =>
  sharp(Buffer.from(Array.from({ length: 32 * 48 * 3 }, (_, i) => (i * 7) % 251)), {
    raw: { width: 32, height: 48, channels: 3, pageHeight: 16 },
  })
    .webp({ loop: 0, delay: [9, 9, 9] })
    .toBuffer();

const whole = pairPicture(9);

describe('a bad picture is named and counted, and left out only if the recipe says so', () => {
  const cases: [what: string, write: (file: string) => unknown, why: string][] = [
    ['empty', (file) => writeFileSync(file, ''), 'is empty'],
    ['text', (file) => writeFileSync(file, 'no picture'), 'is not a PNG, JPEG or WebP picture'],
    [
      'cut short',
      async (file) => writeFileSync(file, (await whole).subarray(0, 300)),
      'cannot be decoded: it is damaged',
    ],
    [
      'a GIF by another name',
      async (file) => writeFileSync(file, await plain(32, 16).gif().toBuffer()),
      'must be PNG, JPEG or WebP, is gif',
    ],
    [
      'an animation',
      async (file) => writeFileSync(file, await frames()),
      'must be one picture, is an animation of 3',
    ],
    [
      'of wrong sides',
      async (file) => writeFileSync(file, await plain(20, 16).png().toBuffer()),
      'is 20 × 16, an aligned image must be twice as wide as high',
    ],
    [
      'grey',
      async (file) => writeFileSync(file, await plain(32, 16, 1).toColourspace('b-w').png().toBuffer()),
      'has one channel, an RGB image is wanted',
    ],
    ['with impossible sides', (file) => writeFileSync(file, headerOf(2e9, 1e9)), 'its header is damaged'],
    ['a link to itself', (file) => symlinkSync('bad.png', file), 'the link leads back to itself'],
    ['a link to nothing', (file) => symlinkSync('nowhere.png', file), 'there is no such file'],
    ['a link to a folder', (file) => symlinkSync('..', file), 'is not a file'],
    ['a device', (file) => symlinkSync('/dev/zero', file), 'is not a file'],
    ['a pipe', (file) => execFileSync('mkfifo', [file]), 'is not a file'],
  ];

  test.skipIf(!linux).each(cases)('%s', async (_, write, why) => {
    const folder = await folderOf();
    await write(join(folder, 'pictures/train/bad.png'));
    const refused = await runHere(folder, { stages: ['teach'] });
    const help = 'repair or remove them, or set data.onBadImage to skip';
    const grey = why.includes('one channel') ? ' (data.greyscale: expand takes grey ones)' : '';
    const lines = refused.split('\n');
    expect(lines[0]).toBe(`error: 1 image in ${folder}/pictures cannot be used:`);
    expect(lines[1]).toMatch(/^ {9}train\/bad\.png /);
    expect(lines[1]).toContain(why);
    expect(lines.slice(2)).toEqual([`  help: ${help}${grey}`, '']);
    expect(existsSync(join(folder, 'runs/tiny/teach'))).toBe(false);

    const data = { source: 'aligned', path: join(folder, 'pictures'), size: 16 } as const;
    const { skipped, counts } = await openSource({ ...data, onBadImage: 'skip' });
    expect(skipped.map(({ name, reason }) => `${name} ${reason}`)).toEqual([lines[1]!.slice(9)]);
    expect(counts.train).toBe(6);
  });

  test('many', async () => {
    const folder = await folderOf();
    for (let i = 10; i < 40; i++) writeFileSync(join(folder, `pictures/train/b${i}.png`), '');
    const refused = (await runHere(folder, { stages: ['teach'] })).split('\n');
    expect(refused[0]).toBe(`error: 30 images in ${folder}/pictures cannot be used:`);
    expect(refused[6]).toBe('         and 25 more');
    const skipped = await ganletHere(
      ['teach', 'tiny.yaml', '--quiet', '--set', 'data.onBadImage=skip'],
      folder,
    );
    const lines = skipped.stderr.trimEnd().split('\n');
    expect([lines[0], lines[1], lines.at(-1), lines.length]).toEqual([
      'warning: 30 pictures are left out:',
      '  train/b10.png is empty',
      '  and 10 more',
      22,
    ]);
  });
});

describe('pictures that are unusual but right are taken', () => {
  test.each<[string, string, () => Promise<Buffer>]>([
    ['with transparency', 'a.png', () => plain(32, 16, 4).png().toBuffer()],
    ['of 16 bits', 'a.png', () => plain(32, 16).toColourspace('rgb16').png().toBuffer()],
    ['for printing', 'a.jpg', () => plain(32, 16).toColourspace('cmyk').jpeg().toBuffer()],
    ['named in other scripts', ' héllo 日本 😀.PNG', () => whole],
    ['named like an option', '--rf.png', () => whole],
  ])('%s', async (_, name, picture) => {
    const folder = await folderOf();
    writeFileSync(join(folder, 'pictures/train', name), await picture());
    const source = await openSource({ source: 'aligned', path: join(folder, 'pictures'), size: 16 });
    expect(source.skipped).toEqual([]);
    expect(source.counts.train).toBe(7);
    const pairs = await Promise.all(Array.from({ length: 7 }, (_, i) => source.pair('train', i)));
    for (const { condition, image } of pairs)
      expect([condition.length, image.length]).toEqual([16 * 16 * 3, 16 * 16 * 3]);
  });
});

describe('a set of pictures that is not whole', () => {
  const use = 'put the images into sub-folders train and test, or all of them directly into data.path';

  test.each<[string, (pictures: string) => void, string, string]>([
    [
      'no test split',
      (pictures) => rmSync(join(pictures, 'test'), { recursive: true }),
      'PICTURES must have a test split, looked for PICTURES/test',
      'name the val folder "test": a part of train is then held out for the search',
    ],
    [
      'an empty test split',
      (pictures) => {
        rmSync(join(pictures, 'test'), { recursive: true });
        mkdirSync(join(pictures, 'test'));
      },
      'the test split of PICTURES must have at least one usable pair of images, has none',
      'add PNG, JPEG or WebP images',
    ],
    [
      'nothing at all',
      (pictures) => {
        rmSync(pictures, { recursive: true });
        mkdirSync(pictures);
      },
      'PICTURES must have a train split, looked for PICTURES/train',
      use,
    ],
  ])('%s', async (_, harm, error, help) => {
    const folder = await folderOf();
    const pictures = join(folder, 'pictures');
    harm(pictures);
    expect(await runHere(folder, { stages: ['teach'] })).toBe(
      `error: ${error.replaceAll('PICTURES', pictures)}\n  help: ${help}\n`,
    );
  });

  test('two folders that do not match', async () => {
    const folder = folderWith({ 'tiny.yaml': recipe.replace('aligned', 'folders') });
    for (const split of ['train', 'test']) {
      for (const side of ['A', 'B']) mkdirSync(join(folder, 'pictures', side, split), { recursive: true });
      for (const name of ['1', '2', '3']) {
        const file = (side: string) => join(folder, 'pictures', side, split, `${name}.png`);
        writeFileSync(file('A'), await plain(16, 16).png().toBuffer());
        writeFileSync(file('B'), await plain(16, 16).png().toBuffer());
      }
    }
    const at = (...path: string[]) => join(folder, 'pictures', ...path);
    writeFileSync(at('A/train/only-a.png'), readFileSync(at('A/train/1.png')));
    writeFileSync(at('B/train/only-b.png'), readFileSync(at('A/train/1.png')));
    writeFileSync(at('B/train/2.png'), await plain(16, 24).png().toBuffer());
    expect(await runHere(folder, { stages: ['teach'] })).toBe(
      [
        `error: 3 images in ${at()} cannot be used:`,
        '         A/train/2.png is 16 × 16, its partner in B is 16 × 24: they must be equal',
        '         A/train/only-a.png has no partner of that name in B/train',
        '         B/train/only-b.png has no partner of that name in A/train',
        '  help: repair or remove them, or set data.onBadImage to skip',
        '',
      ].join('\n'),
    );
  });
});

/** The beginning of a PNG that claims these sides. */
function headerOf(width: number, height: number): Buffer {
  const bytes = Buffer.from('89504e470d0a1a0a0000000d4948445200000000000000000802000000', 'hex');
  bytes.writeUInt32BE(width, 16);
  bytes.writeUInt32BE(height, 20);
  return Buffer.concat([bytes, Buffer.alloc(200)]);
}
