import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { float32, Graph } from '../../src/graph/graph.ts';
import { encodeOnnx } from '../../src/graph/onnx.ts';
import { openFeatures } from '../../src/metrics/networks/extract.ts';
import { fetchNetwork, isFetched } from '../../src/metrics/networks/fetch.ts';
import { featureNetwork, perceptualNetwork } from '../../src/metrics/networks/find.ts';
import { openPerceptual } from '../../src/metrics/networks/perceptual.ts';
import { type PublishedWeights, publishedWeights } from '../../src/metrics/networks/published.ts';
import { resizeModes, resizePlanes } from '../../src/metrics/resize.ts';
import { inception } from '../../src/models/inception.ts';
import { initialise } from '../../src/models/init.ts';
import { lpips } from '../../src/models/lpips.ts';
import { mul, sub } from '../../src/ops/elementwise.ts';
import { flatten, reshape, transpose } from '../../src/ops/layout.ts';
import { sha256 } from '../../src/util/hash.ts';
import { folder as hubFolder, listen, quick, serve } from '../data/hub/server.ts';
import { formulaFile } from './formula-checkpoint.ts';
import { drawnPicture, temporary, writeTinyDistance, writeTinyNetwork } from './tiny-network.ts';

/** A network that gives back its input, so that features are the preprocessed pixels. */
function writeIdentity(folder: string, size: number, input: object, output: object = {}): string {
  const nhwc = 'layout' in input && input.layout === 'NHWC';
  const graph = new Graph('identity');
  const shape = nhwc ? ['batch', size, size, 3] : ['batch', 3, size, size];
  graph.output(flatten(graph.input('x', 'float32', shape)), 'y');
  const bytes = encodeOnnx(graph);
  const path = join(folder, 'identity.onnx');
  writeFileSync(path, bytes);
  writeFileSync(
    join(folder, 'card.json'),
    JSON.stringify({
      name: 'identity',
      kind: 'features',
      sha256: sha256(bytes),
      input: {
        name: 'x',
        size,
        layout: 'NCHW',
        channels: 'RGB',
        mean: [0.1, 0.2, 0.3],
        std: [0.5, 0.25, 1],
        resize: 'pil-bicubic',
        ...input,
      },
      output: { name: 'y', dimension: 3 * size * size, ...output },
    }),
  );
  return path;
}

describe('what a network is fed', () => {
  it.each(resizeModes)('is each picture resized by %s, less the mean, over the deviation', async (resize) => {
    const extractor = await openFeatures(await featureNetwork(writeIdentity(temporary(), 6, {})), {
      resize,
      threads: 1,
    });
    const picture = drawnPicture(3, 9);
    const { features } = await extractor.extract([picture]);
    const levels = await resizePlanes(
      { data: Float32Array.from(picture.data), channels: 3, height: 9, width: 9 },
      resize,
      { height: 6, width: 6 },
    );
    const [mean, std] = [
      [0.1, 0.2, 0.3],
      [0.5, 0.25, 1],
    ];
    const expected = levels.map((x, i) => {
      const c = Math.floor(i / 36);
      return (x / 255 - mean[c]!) / std[c]!;
    });
    expect(features).toBeAllclose(expected, { atol: 1e-5, rtol: 0 });
    expect(extractor.preprocessing).toMatchObject({ resize, size: 6, feature: 'identity-108' });
    await extractor.dispose();
  });

  it('is in the layout and order of channels that the card says', async () => {
    const plain = await openFeatures(await featureNetwork(writeIdentity(temporary(), 4, {})));
    const turned = await openFeatures(
      await featureNetwork(writeIdentity(temporary(), 4, { layout: 'NHWC', channels: 'BGR' })),
    );
    const picture = drawnPicture(1, 8);
    const [a, b] = [(await plain.extract([picture])).features, (await turned.extract([picture])).features];
    for (let p = 0; p < 16; p++) for (let c = 0; c < 3; c++) expect(b[3 * p + 2 - c]).toBe(a[16 * c + p]);
    await plain.dispose();
    await turned.dispose();
  });

  it('is a grey picture three times', async () => {
    const extractor = await openFeatures(await featureNetwork(writeTinyNetwork(temporary())));
    const grey = { data: new Uint8Array(64).map((_, i) => 3 * i), channels: 1 as const, height: 8, width: 8 };
    const colour = {
      ...grey,
      data: new Uint8Array([...grey.data, ...grey.data, ...grey.data]),
      channels: 3 as const,
    };
    expect((await extractor.extract([grey])).features).toEqual((await extractor.extract([colour])).features);
    await extractor.dispose();
  });

  it('may be a token among many of a transformer', async () => {
    const folder = temporary();
    const graph = new Graph('tokens');
    const x = graph.input('x', 'float32', ['batch', 3, 8, 8]);
    graph.output(transpose(reshape(x, [-1, 3, 64]), [0, 2, 1]), 'y');
    writeFileSync(join(folder, 'tokens.onnx'), encodeOnnx(graph));
    const input = { name: 'x', size: 8, mean: [0, 0, 0], std: [1, 1, 1], resize: 'torch' };
    const card = { name: 'tokens', kind: 'features', input, output: { name: 'y', dimension: 3, token: 5 } };
    writeFileSync(join(folder, 'card.json'), JSON.stringify(card));
    const extractor = await openFeatures(await featureNetwork(join(folder, 'tokens.onnx')));
    const picture = drawnPicture(0, 8);
    const other = drawnPicture(7, 8);
    const { features } = await extractor.extract([picture, other]);
    const expected = [picture, other].flatMap(({ data }) => [5, 69, 133].map((i) => data[i]! / 255));
    expect(features).toBeAllclose(expected, { atol: 1e-6, rtol: 0 });
    await extractor.dispose();
  });

  it('gives the same features in other batches, and with other threads to 1e-6', async () => {
    const network = await featureNetwork(writeTinyNetwork(temporary(), { dimension: 64, size: 32 }));
    const pictures = Array.from({ length: 11 }, (_, i) => drawnPicture(i, 20 + i));
    const found: Float32Array[] = [];
    for (const options of [
      { batch: 11, threads: 1 },
      { batch: 4, threads: 1 },
      { batch: 11, threads: 2 },
    ]) {
      const extractor = await openFeatures(network, options);
      const rows: number[] = [];
      for (let i = 0; i < 11; i += options.batch) {
        rows.push(...(await extractor.extract(pictures.slice(i, i + options.batch))).features);
      }
      found.push(Float32Array.from(rows));
      await extractor.dispose();
    }
    for (const rows of found) expect(rows).toBeAllclose(found[0]!, { rtol: 1e-6, atol: 1e-7 });
  });
});

describe('the name of a network', () => {
  it('is that of its card with the dimension, FD and KD before it', async () => {
    const folder = temporary();
    const names = [];
    for (const [name, dimension] of [
      ['clip', 8],
      ['emoji-8', 8],
    ] as const) {
      const { feature, frechet, kernel } = await featureNetwork(
        writeTinyNetwork(folder, { name, dimension }),
      );
      names.push([feature, frechet, kernel]);
    }
    expect(names).toEqual([
      ['clip-8', 'FD-clip-8', 'KD-clip-8'],
      ['emoji-8', 'FD-emoji-8', 'KD-emoji-8'],
    ]);
  });

  it('is FID for the published weights alone, by the hash of the file they came from', async () => {
    const folder = temporary();
    const graph = initialise(inception(), { init: 'normal', gain: 0.05, seed: 0 });
    const bytes = encodeOnnx(graph);
    const path = join(folder, 'inception.onnx');
    writeFileSync(path, bytes);
    const written = (weights: string) =>
      writeFileSync(
        join(folder, 'inception.card.json'),
        JSON.stringify({ sha256: sha256(bytes), imported: { kind: 'inception', sha256: weights } }),
      );
    written(`6726825d${'0'.repeat(56)}`);
    const fid = await featureNetwork(path);
    expect(fid).toMatchObject({ frechet: 'FID', kernel: 'KID', feature: 'inception-pool3-2048' });
    written('1'.repeat(64));
    expect(await featureNetwork(path)).toMatchObject({
      frechet: 'FD-inception-pool3-2048',
      kernel: 'KD-inception-pool3-2048',
    });
    // TensorFlow's and NVIDIA's pipelines take 128 off, pytorch-fid 127.5.
    expect(fid.input.pixels('pil-bicubic')).toEqual({ mean: [128, 128, 128], std: [128, 128, 128] });
    expect(fid.input.pixels('torch').mean[0]).toBe(127.5);
    const extractor = await openFeatures(fid, { batch: 1 });
    const { features, logits } = await extractor.extract([drawnPicture(0, 40)]);
    expect([features.length, logits!.length]).toEqual([2048, 1008]);
    await extractor.dispose();
  });
});

describe('LPIPS', () => {
  it('of 8-bit pictures is that of numbers in [−1, 1], pair by pair', async () => {
    const distance = await openPerceptual(await perceptualNetwork(writeTinyDistance(temporary())));
    const [a, b, c] = [drawnPicture(1), drawnPicture(2), drawnPicture(3)];
    const mean = (p: typeof a, q: typeof a) =>
      p.data.reduce((sum, x, i) => sum + Math.abs(x - q.data[i]!), 0) / p.data.length / 127.5;
    const found = await distance.distances([
      [a, b],
      [c, c],
      [b, c],
    ]);
    expect(found).toBeAllclose([mean(a, b), 0, mean(b, c)], { rtol: 1e-5, atol: 1e-7 });
    await distance.dispose();
  });

  it('refuses what lies outside of [−1, 1], and is suspicious of what fills only half of it', async () => {
    const network = await perceptualNetwork(writeTinyDistance(temporary()));
    const shape = { count: 1, height: 2, width: 2 };
    const numbers = (from: number, to: number) =>
      Float32Array.from({ length: 12 }, (_, i) => from + ((to - from) * i) / 11);
    const warningsOf = async (from: number, to: number) => {
      const distance = await openPerceptual(network);
      await distance.distancesOf(numbers(from, to), numbers(from, to), shape);
      await distance.dispose();
      return distance.warnings().map((warning) => warning.split(',')[0]);
    };
    expect(await warningsOf(-1, 1)).toEqual([]);
    expect(await warningsOf(-1.009, 0.2)).toEqual([]);
    expect(await warningsOf(0, 1)).toEqual([
      'all pictures given to LPIPS lie in the upper half of their range',
    ]);
    expect(await warningsOf(-1, 1 / 127.5 - 1)).toEqual(['all levels given to LPIPS are 0 or 1']);
    const distance = await openPerceptual(network);
    for (const [a, b] of [
      [numbers(0, 255), numbers(-1, 1)],
      [numbers(-1, 1), numbers(-1, 1.02)],
      [numbers(-1, 1), numbers(Number.NaN, 1)],
    ] as const) {
      await expect(distance.distancesOf(a, b, shape)).rejects.toMatchObject({ code: 'LPIPS_RANGE' });
    }
    await distance.dispose();
  });
});

describe('published weights', () => {
  const name = 'lpips-squeeze';
  const backbone = formulaFile(lpips('squeeze'), (name) => name.startsWith('features.'));
  const linear = formulaFile(
    lpips('squeeze'),
    (name) => name.startsWith('lin'),
    (name) => name.replace(/^(lin\d)\./, '$1.model.1.'),
  );

  async function start() {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url!);
      serve(request, response, request.url!.includes('lin') ? linear : backbone, 'fine');
    });
    const url = await listen(server);
    const published: PublishedWeights = {
      name,
      weights: { url: `${url}/net-0123abcd.safetensors`, sha256: sha256(backbone).slice(0, 8) },
      linear: { url: `${url}/lin.safetensors`, sha256: sha256(linear).slice(0, 8) },
      note: '',
    };
    return { published, asked, options: { cache: hubFolder(), patience: quick, offline: false } };
  }

  it('are fetched and converted once, and used from the cache from then on', async () => {
    const { published, asked, options } = await start();
    expect(await isFetched(published, options.cache)).toBe(false);
    const first = await fetchNetwork(published, options);
    expect(first).toMatchObject({ fresh: true, path: join(options.cache, 'networks', name, `${name}.onnx`) });
    expect(asked).toEqual(['/net-0123abcd.safetensors', '/lin.safetensors']);
    const again = await fetchNetwork(published, { ...options, offline: true });
    expect(again).toEqual({ ...first, fresh: false });
    expect(await isFetched(published, options.cache)).toBe(true);
    expect(asked.length).toBe(2);
    expect(await perceptualNetwork(first.path)).toMatchObject({
      label: 'LPIPS-squeeze',
      sha256: first.sha256,
    });
  });

  it('are converted anew where the network was damaged or comes from other weights', async () => {
    const { published, options } = await start();
    const { path, sha256: whole } = await fetchNetwork(published, options);
    writeFileSync(path, readFileSync(path).subarray(0, statSync(path).size / 2));
    expect(await fetchNetwork(published, options)).toEqual({ path, sha256: whole, fresh: true });
    const other = { ...published, weights: { ...published.weights, sha256: '00000000' } };
    await expect(fetchNetwork(other, options)).rejects.toMatchObject({ code: 'DOWNLOAD_HASH' });
  });

  it('that cannot be had are told with what to do', async () => {
    for (const published of publishedWeights) {
      const error = await fetchNetwork(published, { cache: temporary(), offline: true }).catch((e) => e);
      expect(error).toMatchObject({ code: 'FEATURES_MISSING' });
      expect(error.message).toContain(`the network ${published.name} is not here`);
      expect(error.hint).toContain(`run ganlet pull ${published.name} with a connection`);
      expect(error.hint).toContain(
        published.linear ? 'leave lpips out' : '--features emoji, which needs no download',
      );
      expect(error.hint).toContain('put the file at');
    }
  });

  it('carry the beginning of their hash', () => {
    const prefixes = publishedWeights.flatMap(({ weights, linear }) => [
      weights,
      ...(linear ? [linear] : []),
    ]);
    for (const { url, sha256 } of prefixes) {
      expect(sha256).toMatch(/^[0-9a-f]{8}$/);
      if (!url.includes('/lpips/')) expect(url).toContain(`-${sha256}.pth`);
    }
  });
});

describe('a card', () => {
  const broken: [what: string, card: object, says: string][] = [
    ['of another kind', { kind: 'teacher' }, 'kind is not right'],
    ['without an input', { input: undefined }, 'input is not right'],
    [
      'with a mean in levels',
      { input: { name: 'image', size: 16, mean: [128, 128, 128], std: [1, 1, 1], resize: 'tf1' } },
      'input.mean.0 is not right',
    ],
    [
      'with an unknown resizing',
      { input: { name: 'image', size: 16, mean: [0, 0, 0], std: [1, 1, 1], resize: 'nearest' } },
      'input.resize is not right',
    ],
    ['without a dimension', { output: { name: 'features' } }, 'output.dimension is not right'],
    ['with a path for a name', { name: '../up' }, 'name is not right'],
  ];
  it.each(broken)('%s is refused by the name of its key', async (_what, card, says) => {
    const error = await featureNetwork(writeTinyNetwork(temporary(), { card })).catch((e) => e);
    expect(error).toMatchObject({ code: 'FEATURES_CARD_INVALID' });
    expect(error.message).toContain(says);
  });

  const wrong: [what: string, card: object, says: string][] = [
    [
      'another input',
      { input: { name: 'x', size: 16, mean: [0, 0, 0], std: [1, 1, 1], resize: 'tf1' } },
      'one input, x, it has image',
    ],
    [
      'another size',
      { input: { name: 'image', size: 32, mean: [0, 0, 0], std: [1, 1, 1], resize: 'tf1' } },
      '[batch, 3, 32, 32]',
    ],
    ['another output', { output: { name: 'y', dimension: 12 } }, 'an output y, it has features, logits'],
    [
      'another dimension',
      { output: { name: 'features', dimension: 13 } },
      'must be 13 numbers a picture, it is 12',
    ],
  ];
  it.each(wrong)('that speaks of %s than the file has is refused', async (_what, card, says) => {
    const measure = async () => {
      const extractor = await openFeatures(await featureNetwork(writeTinyNetwork(temporary(), { card })));
      await extractor.extract([drawnPicture(0)]).finally(() => extractor.dispose());
    };
    const error = await measure().catch((e) => e);
    expect(error).toMatchObject({ code: 'FEATURES_MISMATCH' });
    expect(error.message).toContain(says);
  });

  it('of another file, none, or no JSON is refused', async () => {
    const changed = writeTinyNetwork(temporary(), { card: { sha256: 'a'.repeat(64) } });
    await expect(featureNetwork(changed)).rejects.toMatchObject({ code: 'FEATURES_CHANGED' });
    const folder = temporary();
    writeFileSync(join(folder, 'alone.onnx'), 'x');
    await expect(featureNetwork(join(folder, 'alone.onnx'))).rejects.toMatchObject({
      code: 'FEATURES_CARD_MISSING',
    });
    writeFileSync(join(folder, 'card.json'), '{');
    await expect(featureNetwork(join(folder, 'alone.onnx'))).rejects.toMatchObject({
      code: 'FEATURES_CARD_INVALID',
    });
  });

  it('is not needed to name what does not exist', async () => {
    await expect(featureNetwork('inseption')).rejects.toMatchObject({
      code: 'FEATURES_UNKNOWN',
      hint: 'did you mean inception?',
    });
    await expect(featureNetwork('lpips-alex')).rejects.toMatchObject({ code: 'FEATURES_UNKNOWN' });
    await expect(perceptualNetwork('alexnet')).rejects.toMatchObject({ code: 'FEATURES_UNKNOWN' });
    await expect(featureNetwork('none/net.onnx')).rejects.toMatchObject({ code: 'FILE_MISSING' });
  });

  it('does not make a network of a file that is none', async () => {
    const folder = temporary();
    const path = writeTinyNetwork(folder);
    const bytes = readFileSync(path);
    const card = JSON.parse(readFileSync(path.replace('.onnx', '.card.json'), 'utf8'));
    for (const damaged of [bytes.subarray(0, 200), Buffer.from('not a network')]) {
      writeFileSync(path, damaged);
      writeFileSync(
        path.replace('.onnx', '.card.json'),
        JSON.stringify({ ...card, sha256: sha256(damaged) }),
      );
      const open = async () => openFeatures(await featureNetwork(path));
      await expect(open()).rejects.toMatchObject({ code: 'ONNX_INVALID' });
    }
  });
});

describe('features that are not finite', () => {
  it('are refused', async () => {
    const folder = temporary();
    const graph = new Graph('huge');
    const x = graph.input('x', 'float32', ['batch', 3, 2, 2]);
    const scale = graph.constant(float32([1], [3e38]), 'scale');
    graph.output(flatten(sub(mul(mul(x, scale), scale), mul(mul(x, scale), scale))), 'y');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'huge.onnx'), encodeOnnx(graph));
    const input = { name: 'x', size: 2, mean: [0, 0, 0], std: [1, 1, 1], resize: 'torch' };
    const card = { name: 'huge', kind: 'features', input, output: { name: 'y', dimension: 12 } };
    writeFileSync(join(folder, 'card.json'), JSON.stringify(card));
    expect(existsSync(join(folder, 'huge.onnx'))).toBe(true);
    const extractor = await openFeatures(await featureNetwork(join(folder, 'huge.onnx')));
    await expect(extractor.extract([drawnPicture(0, 8)])).rejects.toMatchObject({ code: 'FEATURES_INVALID' });
    await extractor.dispose();
  });
});
