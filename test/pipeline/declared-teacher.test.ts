import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { float32, Graph, type Value } from '../../src/graph/graph.ts';
import { encodeOnnx } from '../../src/graph/onnx.ts';
import { relu, tanh } from '../../src/ops/activation.ts';
import { conv } from '../../src/ops/conv.ts';
import { add, div, mul, sub } from '../../src/ops/elementwise.ts';
import { transpose } from '../../src/ops/layout.ts';
import { readMetrics } from '../../src/pipeline/measure/metrics-file.ts';
import { runHere } from '../cli/here.ts';
import { writePictures } from '../support/pair-pictures.ts';

const recipe = `name: tiny
threads: 1
data: {source: aligned, path: pictures, size: 16}
teacher: {model: teacher.onnx}
discriminator: {type: patch, baseWidth: 2, layers: 1}
student: {ratio: 0.5}
distill: {taps: [inner], steps: 3, batch: 2, samples: 1}
evaluate: {metrics: [l1]}
`;
let kept: string;
beforeAll(async () => {
  kept = mkdtempSync(join(tmpdir(), 'ganlet-declared-'));
  writeFileSync(join(kept, 'tiny.yaml'), recipe);
  await writePictures(kept);
});
afterAll(() => rmSync(kept, { recursive: true, force: true }));

/** Two convolutions from picture to picture: in our form, or of levels from 0 to 255 into 0 to 1 with channels last. */
function network(foreign: boolean): Uint8Array {
  const graph = new Graph('teacher');
  const input = graph.input('x', 'float32', foreign ? ['n', 'h', 'w', 3] : ['n', 3, 'h', 'w']);
  const x = foreign ? sub(div(transpose(input, [0, 3, 1, 2]), 127.5), 1) : input;
  const weight = (name: string, out: number, into: number) => {
    const values = Array.from({ length: out * into * 9 }, (_, i) => 0.3 * Math.sin(i + 1));
    return graph.constant(float32([out, into, 3, 3], values), name);
  };
  const pads = [1, 1, 1, 1];
  const inner: Value = graph.named(relu(conv(x, weight('w1', 8, 3), { pads })), 'inner');
  const y = tanh(conv(inner, weight('w2', 3, 8), { pads }));
  graph.output(foreign ? transpose(add(mul(y, 0.5), 0.5), [0, 2, 3, 1]) : y, 'y');
  return encodeOnnx(graph);
}

async function run(name: string, foreign: boolean, card?: object) {
  const folder = join(kept, name);
  cpSync(join(kept, 'pictures'), join(folder, 'pictures'), { recursive: true });
  writeFileSync(join(folder, 'tiny.yaml'), recipe);
  writeFileSync(join(folder, 'teacher.onnx'), network(foreign));
  if (card) writeFileSync(join(folder, 'teacher.card.json'), JSON.stringify(card));
  return { folder, error: await runHere(folder) };
}

test('a teacher whose card declares range and order of axes is learned from and measured as one of our own', async () => {
  const own = await run('own', false);
  const foreign = await run('foreign', true, { range: [0, 255], outputRange: [0, 1], layout: 'nhwc' });
  expect([own.error, foreign.error]).toEqual(['', '']);
  const [expected, found] = [own, foreign].map(({ folder }) => readMetrics(join(folder, 'runs/tiny')).models);
  expect(found!.map(({ role }) => role)).toEqual(['teacher', 'student']);
  for (const [i, { truth, teacher, macs }] of expected!.entries()) {
    expect(found![i]!.truth.l1!.mean).toBeCloseTo(truth.l1!.mean!, 2);
    if (teacher) expect(found![i]!.teacher!.l1!.mean).toBeCloseTo(teacher.l1!.mean!, 2);
    expect(found![i]!.macs.true).toBe(macs.true);
  }
  const losses = [own, foreign].map(({ folder }) =>
    readFileSync(join(folder, 'runs/tiny/distill/stats.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  );
  for (const name of ['recon', 'distill', 'gan'])
    expect(losses[1]![0][name]).toBeCloseTo(losses[0]![0][name], 3);
});

test('without a card it is refused before anything is trained', async () => {
  const { error } = await run('silent', true);
  expect(error).toMatch(
    /^error: \S+teacher\.onnx must turn \[1, 3, 16, 16\] into \[1, 3, 16, 16\], it turns \[n, h, w, 3\]/,
  );
});
