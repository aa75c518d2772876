import { perceptual, perceptualLabels, sharedLabels } from '../distribution-columns.ts';
import { meanPsnr } from '../raw-columns.ts';
import type { Result } from '../results.ts';

/** One measure of how good the pictures of a network are. */
export interface Quality {
  /** "FD-emoji-64", "PSNR". */
  label: string;
  unit: string;
  better: 'lower' | 'higher';
  of(result: Result): number | undefined;
}

/** What the results were measured by, the most telling first: sets of pictures, then perception, then pixels. */
export function qualitiesOf(results: readonly Result[]): Quality[] {
  const finite = (value: number | null | undefined) =>
    value !== null && value !== undefined && Number.isFinite(value) ? value : undefined;
  const sets = sharedLabels(results)
    .filter(({ metric }) => metric === 'frechet' || metric === 'frechet-inf' || metric === 'kid')
    .map(({ title, of }): Quality => {
      return { label: title, unit: '', better: 'lower', of: (result) => finite(of(result)?.value) };
    });
  const perceived = perceptualLabels(results).map((label): Quality => {
    const of = ({ model }: Result) => finite(perceptual(model.truth, label)?.mean);
    return { label, unit: '', better: 'lower', of };
  });
  const pixels: Quality[] = [
    { label: 'SSIM', unit: '', better: 'higher', of: ({ model }) => finite(model.truth.ssim?.mean) },
    { label: 'PSNR', unit: 'dB', better: 'higher', of: ({ model }) => finite(meanPsnr(model.truth)) },
    { label: 'L1', unit: 'levels', better: 'lower', of: ({ model }) => finite(model.truth.l1?.mean) },
  ];
  return [...sets, ...perceived, ...pixels].filter(({ of }) =>
    results.some((result) => of(result) !== undefined),
  );
}

/** Three significant digits, more for large numbers. */
export function formatQuality(value: number, unit = ''): string {
  const digits = Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
  return unit ? `${digits} ${unit}` : digits;
}
