import type { Column } from '../util/table.ts';
import type { Result } from './results.ts';

const column = (title: string, value: Column<Result>['value']): Column<Result> => ({ title, value });

/**
 * The measurements as they are, for programs: one column each, always the same ones (those of networks come after, see
 * `rawDistributionColumns`). An infinite PSNR is `Infinity`.
 */
export const rawColumns: readonly Column<Result>[] = [
  column('run', ({ run }) => run),
  column('model', ({ model }) => model.role),
  column('network', ({ network }) => network),
  column('macs', ({ model }) => model.macs.true),
  column('macsPaper', ({ model }) => model.macs.paper),
  column('timesFewer', fewer),
  column('params', ({ model }) => model.params),
  column('bytes', ({ model }) => model.bytes),
  column('latencyMs', ({ model }) => model.latencyMs),
  column('timesFaster', faster),
  ...distanceColumns('', ({ model }) => model.truth),
  ...distanceColumns('teacher', ({ model }) => model.teacher),
  column('samples', ({ model }) => model.samples),
  column('split', ({ metrics }) => metrics.split),
  column('size', ({ metrics }) => metrics.size),
  column('provider', ({ metrics }) => metrics.backend.provider),
  column('threads', ({ metrics }) => metrics.backend.threads),
];

/** Multiply-adds of the teacher for each one of the model. */
export function fewer({ model, teacher }: Result): number | undefined {
  return teacher && teacher.macs.true / model.macs.true;
}

/** Time of the teacher over time of the model. */
export function faster({ model, teacher }: Result): number | undefined {
  return teacher && teacher.latencyMs / model.latencyMs;
}

/** The mean PSNR in dB; Infinity where every picture equals its reference. */
export function meanPsnr(distances: Result['model']['truth'] | undefined): number | null | undefined {
  const psnr = distances?.psnr;
  return psnr && psnr.count === 0 && psnr.identical > 0 ? Number.POSITIVE_INFINITY : psnr?.mean;
}

function distanceColumns(
  prefix: '' | 'teacher',
  of: (result: Result) => Result['model']['truth'] | undefined,
): Column<Result>[] {
  const name = (title: string) => (prefix ? `${prefix}${title[0]!.toUpperCase()}${title.slice(1)}` : title);
  return [
    column(name('l1'), (result) => of(result)?.l1?.mean),
    column(name('l1Sd'), (result) => of(result)?.l1?.sd),
    column(name('psnr'), (result) => meanPsnr(of(result))),
    column(name('psnrSd'), (result) => of(result)?.psnr?.sd),
    column(name('psnrIdentical'), (result) => of(result)?.psnr?.identical),
    column(name('ssim'), (result) => of(result)?.ssim?.mean),
    column(name('ssimSd'), (result) => of(result)?.ssim?.sd),
  ];
}
