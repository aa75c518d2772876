import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runGraph } from '../../src/backend/onnxruntime.ts';
import type { Condition } from '../../src/data/source.ts';
import type { Catalogue } from '../../src/demo/catalogue.ts';
import type { Example } from '../../src/demo/examples.ts';
import { demoModels } from '../../src/demo/models.ts';
import { type Serving, serve } from '../../src/demo/server.ts';
import { demoSite } from '../../src/demo/site.ts';
import { float32, type Tensor } from '../../src/graph/graph.ts';
import { loadOnnx } from '../../src/ops/import-onnx.ts';
import { rng } from '../../src/util/rng.ts';
import { cardOf, writeGenerator, writeSampler } from '../demo/tiny-models.ts';
import { lowContrast, nameless } from './accessible.ts';
import { browserPath, openBrowser } from './browser.ts';
import { changed, type DemoPage, openPage, pictures, shown, stroke } from './demo-page.ts';

const size = 32;
const area = size * size;
const labels = {
  kind: 'labels',
  labels: [
    { name: 'background', colour: [255, 255, 255] },
    { name: 'sun', colour: [250, 210, 60] },
    { name: 'sea', colour: [40, 110, 190] },
    { name: 'sand', colour: [230, 200, 150] },
  ],
  edges: true,
} satisfies Condition;
const classes = ['cat', 'dog', 'bird'];
const latent = 16;

const folder = mkdtempSync(join(tmpdir(), 'ganlet-browser-'));
/** A map with edges that are no borders of labels, and the one-hot tensor it stands for. */
const map = randomMap();
const sample = Array.from(
  rng(3, 'sample').fillNormal(new Float32Array(latent)),
  (x) => Math.round(x * 1e4) / 1e4,
);
const servings: Serving[] = [];
let browser: Browser;
let context: BrowserContext;
let painted: DemoPage;
let chosen: DemoPage;

beforeAll(async () => {
  if (!browserPath) return;
  const [maps, samples] = [join(folder, 'maps'), join(folder, 'samples')];
  for (const run of [maps, samples]) mkdirSync(run);
  for (const [role, baseWidth] of [
    ['teacher', 8],
    ['student', 4],
  ] as const) {
    const card = cardOf(role, size, labels);
    await writeGenerator(maps, { name: role, baseWidth, size, inputChannels: 5, card });
    const drawn = cardOf(role, size, { kind: 'class', classes });
    await writeSampler(samples, { name: role, size, latent, classes: 3, seed: baseWidth, card: drawn });
  }
  const png = await sharp(map.pixels, { raw: { width: size, height: size, channels: 3 } })
    .png()
    .toBuffer();
  await show(maps, [{ name: 'beach', png }]);
  await show(samples, [{ name: 'first', class: 2, latent: sample }]);
  // WebGPU without a graphics card: slow, but the same way through the page.
  browser = await openBrowser(['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader']);
  context = await browser.newContext({ hasTouch: true });
  painted = await openPage(context, servings[0]!.url);
  chosen = await openPage(context, servings[1]!.url);
}, 60_000);
afterAll(async () => {
  await browser?.close();
  for (const serving of servings) await serving.close();
  rmSync(folder, { recursive: true, force: true });
});

async function show(run: string, examples: readonly Example[]): Promise<void> {
  servings.push(await serve(demoSite('tiny', await demoModels([run]), examples), { port: 0 }));
}

function randomMap() {
  const random = rng(1, 'map');
  const pixels = new Uint8Array(3 * area);
  const oneHot = new Float32Array(5 * area);
  const bytes = new Uint8Array(2 * area);
  for (let i = 0; i < area; i++) {
    const [label, edge] = [random.int(0, 3), random.int(0, 1)];
    pixels.set([label, edge * 255, 0], 3 * i);
    oneHot[label * area + i] = 1;
    oneHot[4 * area + i] = edge;
    bytes[i] = label;
    bytes[area + i] = edge;
  }
  return { pixels, oneHot, bytes };
}

/** What onnxruntime-node makes of inputs, in [−1, 1]. */
async function made(run: string, inputs: Record<string, Tensor>): Promise<Float32Array> {
  const graph = loadOnnx(join(folder, run, 'student.onnx'));
  const outputs = await runGraph(graph, inputs);
  return outputs[graph.outputs[0]!.name]!.data as Float32Array;
}

/** A canvas of the page, RGB, channels last. Read as a PNG, of which the browser does not complain. */
async function pixelsOf(page: Page, selector: string): Promise<Uint8Array> {
  const address = await page
    .locator(selector)
    .evaluate((canvas: { toDataURL(): string }) => canvas.toDataURL());
  return sharp(Buffer.from(address.split(',')[1]!, 'base64'))
    .removeAlpha()
    .raw()
    .toBuffer();
}

/** Waits until the student shows a picture, to one of 255 levels. */
async function showsPicture(page: Page, picture: Float32Array, timeout = 10_000): Promise<void> {
  const worst = async () => {
    const pixels = await pixelsOf(page, '.panel.student canvas');
    const away = (i: number) =>
      Math.abs(pixels[i]! - (picture[(i % 3) * area + Math.floor(i / 3)]! + 1) * 127.5);
    return Math.max(...Array.from(pixels, (_, i) => away(i)));
  };
  await expect.poll(worst, { timeout, interval: 100 }).toBeLessThan(1);
}

describe.skipIf(!browserPath)('a map of labels', () => {
  // A page in the background gets one frame a second.
  beforeAll(() => painted.page.bringToFront());
  const mapped = () => made('maps', { condition: float32([1, 5, size, size], map.oneHot) });

  it('of the test split reaches the network as one-hot labels and its own edges', async () => {
    const { page, problems } = painted;
    const expected = await mapped();
    expect(Math.max(...expected) - Math.min(...expected)).toBeGreaterThan(0.5);
    await showsPicture(page, expected);
    expect(problems).toEqual([]);
  });

  it('gives the picture of onnxruntime-node to 1e-3', async () => {
    const { page } = painted;
    const { picture } = await page.evaluate(askStudent, {
      engine: 'wasm',
      condition: [...map.bytes],
    });
    expect(picture).toBeAllclose(await mapped(), { atol: 1e-3, rtol: 0 });
  });

  it('is painted with labels: stroke, fill, eraser and undo, followed by both networks within 2 s', async () => {
    const { page, problems } = painted;
    await page.getByRole('button', { name: 'Clear' }).click();
    await pictures(page, 8);
    const before = await shown(page);
    await page.getByRole('radio', { name: 'sea' }).check();
    await stroke(page, [
      [0.3, 0.3],
      [0.7, 0.3],
      [0.7, 0.7],
      [0.3, 0.7],
      [0.3, 0.3],
    ]);
    await changed(page, before, 2000);
    const drawn = await shown(page);
    await page.getByRole('radio', { name: 'sun' }).check();
    await page.keyboard.press('f');
    await stroke(page, [[0.5, 0.5]]);
    await changed(page, drawn, 2000);
    expect(await labelAt(page, 0.5, 0.5)).toBe('sun');
    expect(await labelAt(page, 0.1, 0.1)).toBe('background');
    await page.getByRole('button', { name: 'Eraser' }).click();
    await stroke(page, [[0.5, 0.5]]);
    expect(await labelAt(page, 0.5, 0.5)).toBe('background');
    for (let i = 0; i < 2; i++) await page.keyboard.press('Control+z');
    expect((await shown(page))[0]).toBe(drawn[0]);
    for (let i = 0; i < 2; i++) await page.getByRole('button', { name: 'Redo' }).click();

    const kept = (await shown(page))[0];
    await page.reload();
    await pictures(page, 1);
    expect((await shown(page))[0]).toBe(kept);
    expect(problems).toEqual([]);
  });

  it('is painted with the keys alone', async () => {
    const { page } = painted;
    await page.getByRole('button', { name: 'Clear' }).click();
    await page.getByRole('radio', { name: 'background' }).focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await page.locator('canvas.pad').focus();
    for (const key of [' ', 'ArrowRight', 'ArrowRight', 'ArrowRight', ' ', 'ArrowDown']) {
      await page.keyboard.press(key);
    }
    expect(await labelAt(page, 0.52, 0.52)).toBe('sea');
    expect(await labelAt(page, 0.58, 0.52)).toBe('sea');
    expect(await labelAt(page, 0.52, 0.7)).toBe('background');
  });

  it('can be loaded as a picture in its colours, or in numbers', async () => {
    const { page } = painted;
    const raw = { width: size, height: size, channels: 1 as const };
    const grey = await sharp(
      Uint8Array.from({ length: area }, (_, i) => (i % size < 16 ? 3 : 2)),
      { raw },
    )
      .png()
      .toBuffer();
    await page.setInputFiles('input[type=file]', { name: 'a.png', mimeType: 'image/png', buffer: grey });
    await expect.poll(() => labelAt(page, 0.2, 0.2)).toBe('sand');
    expect(await labelAt(page, 0.8, 0.8)).toBe('sea');
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Save map' }).click(),
    ]);
    await page.getByRole('button', { name: 'Clear' }).click();
    await page.setInputFiles('input[type=file]', (await download.path())!);
    await expect.poll(() => labelAt(page, 0.2, 0.2)).toBe('sand');
    expect(await labelAt(page, 0.8, 0.8)).toBe('sea');
  });
});

describe.skipIf(!browserPath)('a class and a latent', () => {
  beforeAll(() => chosen.page.bringToFront());
  const inputs = () => ({
    class: float32([1, 3], [0, 0, 1]),
    latent: float32([1, latent], sample),
  });

  it('of the test split reach both networks', async () => {
    const { page } = chosen;
    await page.getByRole('button', { name: '1 bird' }).click();
    const expected = await made('samples', inputs());
    expect(Math.max(...expected) - Math.min(...expected)).toBeGreaterThan(0.5);
    await showsPicture(page, expected);
    expect(await page.getByRole('radio', { name: 'bird' }).isChecked()).toBe(true);
    const { picture } = await page.evaluate(askStudent, {
      engine: 'wasm',
      condition: [2],
      latent: sample,
    });
    expect(picture).toBeAllclose(expected, { atol: 1e-3, rtol: 0 });
  });

  it('are changed by class buttons, sliders, seeds and the way between two samples, and kept over a reload', async () => {
    const { page, problems, requests } = chosen;
    const steps: (() => Promise<unknown>)[] = [
      () => page.getByRole('radio', { name: 'dog' }).check(),
      () => page.getByRole('spinbutton', { name: 'Seed' }).fill('77'),
      () => page.getByRole('slider', { name: 'From the first sample' }).fill('500'),
      () => page.getByRole('slider', { name: 'Direction 2' }).fill('2.5'),
      () => page.getByRole('button', { name: 'New sample' }).click(),
      () => page.getByRole('slider', { name: 'Direction 8' }).press('ArrowRight'),
      () => page.getByRole('radio', { name: 'dog' }).press('ArrowLeft'),
    ];
    for (const step of steps) {
      const before = await shown(page);
      await step();
      await changed(page, before, 2000);
    }
    expect(await page.getByRole('radio', { name: 'cat' }).isChecked()).toBe(true);
    const kept = await settled(page);
    await page.reload();
    await pictures(page, 1);
    expect(await settled(page)).toEqual(kept);
    expect(problems).toEqual([]);
    expect(requests.filter((url) => !url.startsWith(servings[1]!.url))).toEqual([]);
  });

  it('are computed by WebGPU where that is asked for, else by WebAssembly where there is no graphics card', async () => {
    const { page } = chosen;
    expect(await page.locator('#engine').textContent()).toContain('WebAssembly');
    const adapter = await page.evaluate('navigator.gpu?.requestAdapter().then(Boolean)');
    if (!adapter) {
      console.warn('this browser imitates no WebGPU, so only the way without it is tested');
      return;
    }
    const answer = await page.evaluate(askStudent, { engine: 'webgpu', condition: [2], latent: sample });
    expect(answer.engine).toBe('webgpu');
    expect(answer.picture).toBeAllclose(await made('samples', inputs()), { atol: 1e-3, rtol: 0 });
  });

  it('go to and fro between two samples while it plays', async () => {
    const { page } = chosen;
    await page.getByRole('button', { name: 'Play' }).click();
    for (let i = 0; i < 2; i++) await changed(page, await shown(page), 2000);
    await page.getByRole('button', { name: 'Stop' }).click();
  });
});

describe.skipIf(!browserPath).each([
  ['labels', () => painted.page],
  ['classes', () => chosen.page],
] as const)('the page for %s', (_what, pageOf) => {
  beforeAll(() => pageOf().bringToFront());
  it.each(['light', 'dark'] as const)(
    'can be read in the %s theme (WCAG AA), and names its controls',
    async (theme) => {
      expect(await lowContrast(pageOf(), theme)).toEqual([]);
      expect(await nameless(pageOf())).toEqual([]);
    },
  );

  it('fits a phone', async () => {
    await pageOf().setViewportSize({ width: 375, height: 700 });
    expect(await pageOf().evaluate('document.documentElement.scrollWidth')).toBe(375);
  });
});

/** The label whose colour the pad has at a place, in fractions of its side; edges are the same colour, darker. */
async function labelAt(page: Page, x: number, y: number): Promise<string | undefined> {
  const pixels = await pixelsOf(page, 'canvas.pad');
  const at = Math.floor(y * size) * size + Math.floor(x * size);
  const pixel = [...pixels.subarray(3 * at, 3 * at + 3)];
  const scale = (colour: readonly number[]) =>
    colour.map((level) => (level / Math.max(...colour)).toFixed(1)).join();
  return labels.labels.find(({ colour }) => scale(colour) === scale(pixel))?.name;
}

/** What both panels show when nothing more comes. */
async function settled(page: Page): Promise<string[]> {
  let before = await shown(page);
  for (let still = 0; still < 3; ) {
    await page.waitForTimeout(100);
    const now = await shown(page);
    still = now.join() === before.join() ? still + 1 : 0;
    before = now;
  }
  return before;
}

interface PageWorker {
  onmessage: (event: { data: { error?: string; picture: Float32Array; ready: { engine: string } } }) => void;
  postMessage(data: object): void;
  terminate(): void;
}

declare const Worker: new (file: string, options: { type: 'module' }) => PageWorker;

interface Asked {
  /** wasm or webgpu */
  engine: string;
  condition: number[];
  latent?: number[] | undefined;
}

/** Runs in the page: the student's picture, and what computed it. */
async function askStudent({ engine, condition, latent: z }: Asked) {
  const { models } = (await (await fetch('catalogue.json')).json()) as Catalogue;
  const worker = new Worker('network-worker.js', { type: 'module' });
  const ask = (question: object) =>
    new Promise<{ picture: Float32Array; ready: { engine: string } }>((done, fail) => {
      worker.onmessage = ({ data }) => (data.error ? fail(new Error(data.error)) : done(data));
      worker.postMessage(question);
    });
  const { ready } = await ask({
    load: { ...models.find(({ name }) => name === 'student'), threads: 1, engine },
  });
  const question = { condition: Uint8Array.from(condition), ...(z && { latent: Float32Array.from(z) }) };
  const { picture } = await ask({ id: 0, question });
  worker.terminate();
  return { engine: ready.engine, picture: [...picture] };
}
