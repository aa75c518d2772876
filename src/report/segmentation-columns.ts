import type { Column } from '../util/table.ts';
import type { Result } from './results.ts';

/** How much of the label maps is found again in the pictures, for programs; none where no result has it. */
export function rawSegmentationColumns(results: readonly Result[]): Column<Result>[] {
  if (!results.some(({ model }) => model.segmentation)) return [];
  return [
    { title: 'miou', value: ({ model }) => model.segmentation?.miou },
    { title: 'pixelAccuracy', value: ({ model }) => model.segmentation?.accuracy },
  ];
}

/** What must be known to read the columns mIoU and pixel accuracy. */
export function segmentationNotes(results: readonly Result[], titles: readonly string[]): string[] {
  if (!titles.some((title) => title === 'mIoU' || title === 'pixel accuracy')) return [];
  const found = results.find(({ metrics }) => metrics.segmentation)?.metrics.segmentation;
  const { miou, accuracy } = found ?? {};
  const real = [
    ...(miou === undefined ? [] : [`mIoU ${miou.toFixed(3)}`]),
    ...(accuracy === undefined ? [] : [`accuracy ${accuracy.toFixed(3)}`]),
  ].join(', ');
  return [
    `mIoU and pixel accuracy: label maps read off the pictures by nearest colour against those given${real && `; the true pictures have ${real}`}.`,
  ];
}
