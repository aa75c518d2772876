import { describe, expect, test } from 'vitest';
import { onnxruntime } from '../../../src/backend/onnxruntime.ts';
import type { Condition, Source } from '../../../src/data/source.ts';
import { float32, Graph } from '../../../src/graph/graph.ts';
import { conv } from '../../../src/ops/conv.ts';
import { openScoring } from '../../../src/pipeline/measure/score-pictures.ts';
import { measureSegmentation } from '../../../src/pipeline/measure/segmentation.ts';

const size = 4;
const colours = [
  [255, 255, 255],
  [220, 20, 20],
  [20, 30, 200],
] as const;
const labels: Extract<Condition, { kind: 'labels' }> = {
  kind: 'labels',
  labels: colours.map((colour, i) => ({ name: `label ${i}`, colour })),
  edges: false,
  byColour: true,
};

/** One picture whose rows are of labels 0, 1, 2, 2. */
function sourceOf(condition: Condition): Source {
  const map = Uint8Array.from({ length: 16 }, (_, p) => Math.min(Math.floor(p / 4), 2));
  return {
    name: 'rows',
    size,
    condition,
    channels: { condition: 3, image: 3 },
    counts: { train: 1, val: 1, test: 1 },
    ids: { train: ['a'], val: ['b'], test: ['c'] },
    skipped: [],
    hash: 'rows',
    truth: true,
    pair: () => ({ condition: map, image: new Uint8Array(48) }),
  };
}

/** Channels first, each row in about the colour of its label. */
function pictureOf(rows: readonly number[]): Uint8Array {
  return Uint8Array.from({ length: 48 }, (_, i) =>
    Math.min(colours[rows[Math.floor((i % 16) / 4)]!]![Math.floor(i / 16)]! + 6, 255),
  );
}

describe('the labels of made pictures', () => {
  const measure = () => measureSegmentation<string>(sourceOf(labels), 'test', ['l1', 'miou', 'accuracy'])!;

  test('are found again by colour', async () => {
    const meter = measure();
    await meter.add('student', pictureOf([0, 1, 2, 2]), 0);
    expect(meter.result('student')).toEqual({ miou: 1, accuracy: 1, labels: 3 });
    expect(meter.result('teacher')).toBeUndefined();
  });

  test('count where they are wrong', async () => {
    const meter = measure();
    await meter.add('student', pictureOf([0, 0, 2, 2]), 0);
    // Label 0: 4 of 8 pixels; 1: none of 4; 2: all.
    expect(meter.result('student')).toEqual({ miou: (0.5 + 0 + 1) / 3, accuracy: 0.75, labels: 3 });
  });

  test('are measured only when asked for', () => {
    expect(measureSegmentation(sourceOf(labels), 'test', ['l1'])).toBeUndefined();
    const only = measureSegmentation<string>(sourceOf(labels), 'test', ['accuracy'])!;
    return only.add('x', pictureOf([0, 1, 2, 2]), 0).then(() => {
      expect(only.result('x')).toEqual({ accuracy: 1, labels: 3 });
    });
  });

  test('are refused for data whose pictures do not tell them', () => {
    const { byColour: _, ...plain } = labels;
    for (const condition of [plain, { kind: 'image', channels: 3 }] satisfies Condition[])
      expect(() => measureSegmentation(sourceOf(condition), 'test', ['miou'])).toThrow(
        'miou must be asked for pictures whose colours tell their labels, those of rows do not',
      );
  });
});

/** Paints each label in the colour of that whose number is given for it. */
function painter(as: readonly number[]): Graph {
  const graph = new Graph('painter');
  const map = graph.input('labels', 'float32', ['batch', 3, size, size]);
  const levels = [0, 1, 2].flatMap((channel) => as.map((label) => colours[label]![channel]! / 127.5 - 1));
  graph.output(conv(map, graph.constant(float32([3, 3, 1, 1], levels), 'colours')), 'image');
  return graph;
}

test('a search is scored by what of the label maps is not found again', async () => {
  const teacher = () => painter([0, 1, 2]);
  const pictures = { split: 'test', indices: [0], teacher, backend: onnxruntime({ threads: 1 }) } as const;
  const scoring = await openScoring({ ...pictures, source: sourceOf(labels), kind: 'miou' });
  expect(scoring.metric).toBe('1 - mIoU');
  expect(await scoring.score(painter([0, 1, 2]))).toBe(0);
  expect(await scoring.score(painter([0, 0, 2]))).toBeCloseTo(1 - (0.5 + 0 + 1) / 3, 6);
  await scoring.dispose();
});
