import { expect, test } from 'vitest';
import type { Result } from '../../src/report/results.ts';
import { stepsNote } from '../../src/report/steps-note.ts';

const of = (role: string, steps?: Record<string, number>, run = 'a') =>
  ({ run, model: { role }, steps }) as unknown as Result;

test('the steps of every training are told, those of a searched student one by one', () => {
  expect(
    stepsNote([
      of('teacher', { teach: 10_000 }),
      of('naive', { naive: 8700 }),
      of('student', { supernet: 3600, finetune: 5100 }),
    ]),
  ).toEqual(['Steps: teacher 10,000; naive 8,700; student 3,600 supernet + 5,100 finetune.']);
});

test('what several runs have alike is told once, what no card says is left out', () => {
  expect(stepsNote([of('student', { distill: 5 }, 'a'), of('student', { distill: 5 }, 'b')])).toEqual([
    'Steps: student 5.',
  ]);
  expect(stepsNote([of('teacher'), of('student', {})])).toEqual([]);
});
