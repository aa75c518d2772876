import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runGraph } from '../../src/backend/onnxruntime.ts';
import type { Condition } from '../../src/data/source.ts';
import { demoModels } from '../../src/demo/models.ts';
import { type Serving, serve } from '../../src/demo/server.ts';
import { demoSite } from '../../src/demo/site.ts';
import { float32, int64 } from '../../src/graph/graph.ts';
import { loadOnnx, saveOnnx } from '../../src/ops/import-onnx.ts';
import { rng } from '../../src/util/rng.ts';
import { cardOf, writeGenerator } from '../demo/tiny-models.ts';
import { classedTeacher } from '../support/classed-teacher.ts';
import { browserPath, openBrowser } from './browser.ts';
import { changed, type DemoPage, openPage, shown } from './demo-page.ts';

const size = 32;
const area = size * size;
const condition: Condition = { kind: 'image', channels: 3, classes: ['cat', 'dog', 'bird'] };
const random = rng(1, 'picture');
const pixels = Uint8Array.from({ length: 3 * area }, () => random.int(0, 255));

const folder = mkdtempSync(join(tmpdir(), 'ganlet-browser-'));
let serving: Serving;
let browser: Browser;
let demo: DemoPage;

beforeAll(async () => {
  if (!browserPath) return;
  // One takes the class as a number of its own, the other as planes behind the picture.
  await saveOnnx(classedTeacher(3, 'number'), join(folder, 'teacher.onnx'));
  const card = cardOf('student', size, condition);
  await writeGenerator(folder, { name: 'student', baseWidth: 4, size, inputChannels: 6, classes: 3, card });
  const png = await sharp(pixels, { raw: { width: size, height: size, channels: 3 } })
    .png()
    .toBuffer();
  const site = demoSite('tiny', await demoModels([folder], size), [{ name: 'first', png, class: 2 }]);
  serving = await serve(site, { port: 0 });
  browser = await openBrowser([]);
  demo = await openPage(await browser.newContext(), serving.url);
}, 60_000);
afterAll(async () => {
  await browser?.close();
  await serving?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** What onnxruntime-node makes of the picture and a class: [3, size, size] in [−1, 1], of the teacher and the student. */
async function expected(number: number): Promise<Float32Array[]> {
  const picture = Float32Array.from(
    { length: 3 * area },
    (_, i) => pixels[(i % area) * 3 + Math.floor(i / area)]! / 127.5 - 1,
  );
  const planes = Float32Array.from({ length: 3 * area }, (_, i) => (Math.floor(i / area) === number ? 1 : 0));
  const both = float32([1, 6, size, size], [...picture, ...planes]);
  const [teacher, student] = ['teacher', 'student'].map((name) => loadOnnx(join(folder, `${name}.onnx`)));
  const made = await Promise.all([
    runGraph(teacher!, { x: float32([1, 3, size, size], picture), y: int64([number]) }),
    runGraph(student!, { [student!.inputs[0]!.name]: both }),
  ]);
  return made.map((outputs) => Object.values(outputs)[0]!.data as Float32Array);
}

/** The largest difference between a panel's picture and one in [−1, 1], in levels of 255. */
async function away(role: string, picture: Float32Array): Promise<number> {
  const address = await demo.page
    .locator(`.panel.${role} canvas`)
    .evaluate((canvas: { toDataURL(): string }) => canvas.toDataURL());
  const found = await sharp(Buffer.from(address.split(',')[1]!, 'base64'))
    .removeAlpha()
    .raw()
    .toBuffer();
  return Math.max(
    ...Array.from(found, (level, i) =>
      Math.abs(level - (picture[(i % 3) * area + Math.floor(i / 3)]! + 1) * 127.5),
    ),
  );
}

describe.skipIf(!browserPath)('a picture and a class', () => {
  it.each([
    ['of the test split', 2, () => demo.page.getByRole('button', { name: 'test picture 1' }).click()],
    ['chosen', 1, () => demo.page.getByRole('radio', { name: 'dog' }).check()],
  ] as const)('%s reach both networks, each as it takes them', async (_what, number, choose) => {
    const before = await shown(demo.page);
    await choose();
    await changed(demo.page, before, 5000);
    const [teacher, student] = await expected(number);
    await expect.poll(() => away('teacher', teacher!), { timeout: 10_000 }).toBeLessThan(1);
    await expect.poll(() => away('student', student!), { timeout: 10_000 }).toBeLessThan(1);
    expect(demo.problems).toEqual([]);
  });
});
