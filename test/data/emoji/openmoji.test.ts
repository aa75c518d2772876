import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cacheDir } from '../../../src/data/cache-dir.ts';
import { openmojiAttribution, openmojiSource } from '../../../src/data/emoji/openmoji.ts';
import {
  conceptOfHexcode,
  conceptOfName,
  openmojiConcepts,
} from '../../../src/data/emoji/openmoji-concepts.ts';
import { type Pair, type Source, splits } from '../../../src/data/source.ts';

const size = 32;
const packageFolder = dirname(createRequire(import.meta.url).resolve('openmoji/package.json'));
const entries = JSON.parse(readFileSync(join(packageFolder, 'data/openmoji.json'), 'utf8')) as {
  hexcode: string;
  annotation: string;
  skintone: string | number;
  skintone_base_hexcode: string;
}[];

let cache: string;
let source: Source;
const calls: [number, number][] = [];
beforeAll(async () => {
  cache = mkdtempSync(join(tmpdir(), 'ganlet-openmoji-'));
  source = await openmojiSource({ size, cache, onProgress: (done, total) => calls.push([done, total]) });
}, 120_000);
afterAll(() => rmSync(cache, { recursive: true, force: true }));

const pictureFile = () => join(cache, readdirSync(cache).find((name) => name.endsWith('.bin'))!);

describe('the OpenMoji pairs', () => {
  it('are about 1,370, with at least 300 to test on and a tenth of the rest to search on', () => {
    const { train, val, test } = source.counts;
    expect(Math.abs(train + val + test - 1370)).toBeLessThan(15);
    expect(test).toBeGreaterThanOrEqual(300);
    expect(val / (train + val)).toBeGreaterThan(0.08);
    expect(val / (train + val)).toBeLessThan(0.12);
    for (const split of splits) expect(source.ids[split]).toHaveLength(source.counts[split]);
  });

  it('share no concept between splits', () => {
    // Told apart by other means than the source's own: the published base of skin tones and the gender words.
    const base = (hexcode: string, annotation: string, tonedBase: string) => [
      `tone ${tonedBase || hexcode}`,
      `word ${annotation
        .toLowerCase()
        .replace(/:.*skin tone.*/, '')
        .replace(
          /^(man|woman|person|men|women|people|male|female|merman|mermaid|merperson) |( man| woman)$/,
          '',
        )
        .replace(/^(man|woman|person): .*/, 'person')
        .replace(/^(kiss|family|couple with heart): .*/, '$1')
        .replace(/: facing right$/, '')}`,
      `code ${hexcode.split('-200D-264')[0]!.replace(/-FE0F$/, '')}`,
    ];
    const byId = new Map(entries.map((entry) => [entry.hexcode, entry]));
    const splitOfKey = new Map<string, string>();
    let shared = 0;
    for (const split of splits) {
      for (const id of source.ids[split]) {
        const entry = byId.get(id)!;
        for (const key of base(id, entry.annotation, entry.skintone_base_hexcode)) {
          const earlier = splitOfKey.get(key);
          if (earlier !== undefined) shared++;
          expect([key, earlier ?? split]).toEqual([key, split]);
          splitOfKey.set(key, split);
        }
      }
    }
    // The check above means something only if many keys do meet twice.
    expect(shared).toBeGreaterThan(200);
  });

  it('have distinct outlines in the default skin tone', () => {
    const ids = splits.flatMap((split) => source.ids[split]);
    const tones = new Map(entries.map(({ hexcode, skintone }) => [hexcode, skintone]));
    expect(ids.every((id) => tones.get(id) === '')).toBe(true);
    const outlines = ids.map((id) => readFileSync(join(packageFolder, 'black/svg', `${id}.svg`), 'utf8'));
    expect(new Set(outlines).size).toBe(ids.length);
  });

  it('are a black outline on white and the same lines with colour', () => {
    let dark = 0;
    let darkInBoth = 0;
    for (const split of splits) {
      for (let i = 0; i < source.counts[split]; i += 25) {
        const { condition, image } = source.pair(split, i) as Pair;
        expect([condition.length, image.length]).toEqual([size * size * 3, size * size * 3]);
        for (let p = 0; p < condition.length; p += 3) {
          expect(condition[p] === condition[p + 1] && condition[p] === condition[p + 2]).toBe(true);
          if (condition[p]! > 60) continue;
          dark++;
          if (image[p]! < 110 && image[p + 1]! < 110 && image[p + 2]! < 110) darkInBoth++;
        }
      }
    }
    expect(dark).toBeGreaterThan(3000);
    expect(darkInBoth / dark).toBeGreaterThan(0.94);
    const face = splits.find((split) => source.ids[split].includes('1F600'))!;
    const { condition, image } = source.pair(face, source.ids[face].indexOf('1F600')) as Pair;
    const forehead = (9 * size + 16) * 3;
    expect([...condition.subarray(forehead, forehead + 3)]).toEqual([255, 255, 255]);
    // #FCEA2B, OpenMoji's yellow.
    expect([...image.subarray(forehead, forehead + 3)]).toEqual([0xfc, 0xea, 0x2b]);
  });

  it('carry the credit the licence asks for', () => {
    expect(source.attribution).toBe(openmojiAttribution);
    expect(openmojiAttribution).toMatch(/OpenMoji.*CC BY-SA 4\.0/);
  });

  it('tell how rendering goes', () => {
    const [last] = calls.slice(-1);
    expect(last![0]).toBe(last![1]);
    expect(calls).toHaveLength(last![1]);
  });
});

describe('the OpenMoji cache', () => {
  const forbidden = () => {
    throw new Error('rendered again');
  };

  it('is read the second time, with equal content and hash', async () => {
    const again = await openmojiSource({ size, cache, onProgress: forbidden });
    expect(again.hash).toBe(source.hash);
    expect(again.ids).toEqual(source.ids);
    expect(again.pair('test', 7)).toEqual(source.pair('test', 7));
  });

  it('serves grey pictures too, under another hash', async () => {
    const grey = await openmojiSource({
      size,
      cache,
      channels: { condition: 1, image: 1 },
      onProgress: forbidden,
    });
    const { condition, image } = grey.pair('val', 3) as Pair;
    expect([condition.length, image.length]).toEqual([size * size, size * size]);
    expect(condition).toEqual((source.pair('val', 3) as Pair).condition.filter((_, i) => i % 3 === 0));
    expect(grey.hash).not.toBe(source.hash);
  });

  it('is rebuilt when damaged, to the same content', async () => {
    const { size: whole } = statSync(pictureFile());
    truncateSync(pictureFile(), whole - 1000);
    let rendered = 0;
    const repaired = await openmojiSource({ size, cache, onProgress: () => rendered++ });
    expect(rendered).toBeGreaterThan(1000);
    expect(repaired.hash).toBe(source.hash);
    expect(statSync(pictureFile()).size).toBe(whole);
  });

  it('is refused at once where it cannot be written', async () => {
    writeFileSync(join(cache, 'file'), '');
    await expect(
      openmojiSource({ size, cache: join(cache, 'file/inside'), onProgress: forbidden }),
    ).rejects.toMatchObject({ code: 'NOT_A_FOLDER' });
  });

  it('lies where GANLET_CACHE or XDG_CACHE_HOME say, else in the home folder', () => {
    expect(cacheDir({ GANLET_CACHE: '/a', XDG_CACHE_HOME: '/b' })).toBe('/a');
    expect(cacheDir({ XDG_CACHE_HOME: '/b' })).toBe('/b/ganlet');
    expect(cacheDir({})).toMatch(/\.cache\/ganlet$/);
  });
});

it('says how to get the package when it is missing', async () => {
  await expect(openmojiSource({ size, cache, path: join(cache, 'nowhere') })).rejects.toMatchObject({
    code: 'DATA_PACKAGE_MISSING',
    hint: 'npm install openmoji@17.0.0',
  });
});

describe('concepts', () => {
  it.each([
    ['woman judge: dark skin tone', 'judge'],
    ['man: red hair', 'person'],
    ['person walking: facing right', 'walking'],
    ['kiss: woman, man', 'kiss'],
    ['women holding hands', 'holding hands'],
    ['polar explorer woman', 'polar explorer'],
    ['snowman', 'snowman'],
    ['red heart', 'red heart'],
    ['flag: Poland', 'flag poland'],
  ])('calls "%s" %s', (name, concept) => {
    expect(conceptOfName(name)).toBe(concept);
  });

  it.each([
    ['1F9D9-200D-2640-FE0F', '1F9D9'],
    ['1F44B-1F3FB', '1F44B'],
    ['1F468-200D-1F9B0', '1F9D1'],
    ['2640', '2640'],
    ['27A1', '27A1'],
    ['1F3FB', '1F3FB'],
  ])('reduces the code points %s to %s', (hexcode, concept) => {
    expect(conceptOfHexcode(hexcode)).toBe(concept);
  });

  it('joins what only a third picture connects, in any order', () => {
    const some = [
      { hexcode: '1F9DC-200D-2640-FE0F', annotation: 'mermaid', skintone: '' },
      { hexcode: '1F9DC-200D-2642-FE0F', annotation: 'merman', skintone: '' },
      { hexcode: '1F600', annotation: 'grinning face', skintone: '' },
      { hexcode: 'E001', annotation: 'mermaid', skintone: '' },
    ];
    expect(openmojiConcepts(some)).toEqual(['mermaid', 'mermaid', 'grinning face', 'mermaid']);
    expect(openmojiConcepts(some.toReversed())).toEqual(['mermaid', 'grinning face', 'mermaid', 'mermaid']);
  });
});
