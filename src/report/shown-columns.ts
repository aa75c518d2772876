import type { Column } from '../util/table.ts';
import { perceptual, perceptualLabels, sharedLabels } from './distribution-columns.ts';
import { faster, fewer, meanPsnr } from './raw-columns.ts';
import type { Result } from './results.ts';
import { varietyColumns } from './variety-columns.ts';

/** A column for people: rounded, its unit in the title, the decimal points of its numbers below each other. */
export type ShownColumn = Column<Result> & {
  /** 0: never left out; otherwise the smaller the sooner it gets a place. */
  rank: number;
  /** What `value` shows as text, where it is a number: in base units, to be divided by `scale` and rounded. */
  number?: { of: (result: Result) => number | null | undefined; scale: number; decimals: number };
};

type Units = readonly (readonly [unit: string, scale: number])[];

const countUnits: Units = [
  ['', 1],
  ['k', 1e3],
  ['M', 1e6],
  ['G', 1e9],
  ['T', 1e12],
];
const byteUnits: Units = [
  ['B', 1],
  ['KiB', 2 ** 10],
  ['MiB', 2 ** 20],
  ['GiB', 2 ** 30],
];

/** Every column that has something to show, in the order of the table. `infinity` is how an infinite number is written. */
export function shownColumns(results: readonly Result[], infinity: string): ShownColumn[] {
  const number = (
    rank: number,
    title: string,
    value: (result: Result) => number | null | undefined,
    decimals: number,
    scale = 1,
  ): ShownColumn | undefined => {
    const show = (result: Result) => {
      const x = value(result);
      if (x === undefined || x === null || Number.isNaN(x)) return '';
      return Number.isFinite(x) ? (x / scale).toFixed(decimals) : infinity;
    };
    if (results.every((result) => show(result) === '')) return undefined;
    return { rank, title, value: show, align: 'right', number: { of: value, scale, decimals } };
  };
  const scaled = (rank: number, title: string, value: (result: Result) => number, units: Units) => {
    const [unit, scale] = unitFor(results.map(value), units);
    const decimals = scale === 1 ? 0 : decimalsFor(results.map(value), scale);
    return number(rank, `${unit} ${title}`.trim(), value, decimals, scale);
  };
  const latency = ({ model }: Result) => model.latencyMs;
  const columns = [
    ...(new Set(results.map(({ run }) => run)).size > 1 ? [text('run', ({ run }) => run)] : []),
    text('model', ({ model }) => model.role),
    scaled(1, 'MACs', ({ model }) => model.macs.true, countUnits),
    number(5, '×fewer', fewer, 1),
    scaled(7, 'params', ({ model }) => model.params, countUnits),
    scaled(11, '', ({ model }) => model.bytes, byteUnits),
    number(4, 'ms', latency, decimalsFor(results.map(latency), 1)),
    number(6, '×faster', faster, 1),
    ...sharedLabels(results).map(({ title, metric, of }, i) => {
      const value = (result: Result) => of(result)?.value;
      const values = results.flatMap((result) => value(result) ?? []);
      // A Fréchet distance says most, so it has a place before PSNR and SSIM.
      return number(metric === 'frechet' ? 1.5 : 3 + (i + 1) / 100, title, value, fineDecimals(values));
    }),
    ...perceptualLabels(results).map((label) =>
      number(2.5, label, ({ model }) => perceptual(model.truth, label)?.mean, 4),
    ),
    ...varietyColumns(results).map(({ title, value }, i) =>
      number(2.6 + i / 100, title, value, fineDecimals(results.flatMap((result) => value(result) ?? []))),
    ),
    number(2.7, 'mIoU', ({ model }) => model.segmentation?.miou, 3),
    number(2.8, 'pixel accuracy', ({ model }) => model.segmentation?.accuracy, 3),
    number(8, 'L1', ({ model }) => model.truth.l1?.mean, 2),
    number(3, 'PSNR dB', ({ model }) => meanPsnr(model.truth), 2),
    number(2, 'SSIM', ({ model }) => model.truth.ssim?.mean, 3),
    number(8.5, 'MS-SSIM', ({ model }) => model.truth.msSsim?.mean, 3),
    number(9, 'L1 to teacher', ({ model }) => model.teacher?.l1?.mean, 2),
    number(10, 'SSIM to teacher', ({ model }) => model.teacher?.ssim?.mean, 3),
  ];
  return columns.filter((column) => column !== undefined);
}

function text(title: string, value: (result: Result) => string): ShownColumn {
  return { rank: 0, title, value, align: 'left' };
}

/** The largest unit in which the smallest number is still 1 or more. */
function unitFor(values: readonly number[], units: Units): Units[number] {
  const smallest = smallestOf(values);
  return units.findLast(([, scale]) => scale <= smallest) ?? units[0]!;
}

/** As many decimals as give the smallest number three digits, two at most. */
function decimalsFor(values: readonly number[], scale: number): number {
  const digits = Math.floor(Math.log10(smallestOf(values) / scale));
  return Math.min(Math.max(2 - digits, 0), 2);
}

/** As many decimals as give the largest number three digits, four at most. */
function fineDecimals(values: readonly number[]): number {
  const largest = Math.max(...values.map(Math.abs), 1e-9);
  return Math.min(Math.max(2 - Math.floor(Math.log10(largest)), 0), 4);
}

function smallestOf(values: readonly number[]): number {
  const positive = values.filter((value) => value > 0);
  return positive.length > 0 ? Math.min(...positive) : 1;
}
