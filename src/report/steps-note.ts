import type { Result } from './results.ts';

/**
 * How long each network was trained, where cards tell: "Steps: naive 5,100; uniform 5,100; student 3,600 supernet + 5,100
 * finetune." What several runs agree in is said once.
 */
export function stepsNote(results: readonly Result[]): string[] {
  const told = results.flatMap(({ model, steps }) => {
    const trainings = Object.entries(steps ?? {});
    if (trainings.length === 0) return [];
    const parts = trainings.map(([stage, count]) => {
      const number = count.toLocaleString('en-US');
      return trainings.length === 1 ? number : `${number} ${stage}`;
    });
    return [`${model.role} ${parts.join(' + ')}`];
  });
  return told.length > 0 ? [`Steps: ${[...new Set(told)].join('; ')}.`] : [];
}
