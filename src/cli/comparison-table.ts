import type { Comparison } from '../metrics/folders/compare.ts';
import type { FolderScore } from '../metrics/folders/score.ts';
import { wrap } from '../report/notes.ts';
import { type Column, table } from '../util/table.ts';

const width = 80;

/** The scores of two folders for people: a row each, what must be known to read them below. */
export function comparisonTable(comparison: Comparison): string {
  const { scores } = comparison;
  const column = (title: string, value: (score: FolderScore) => string): Column<FolderScore> => ({
    title,
    value,
    align: title === 'measure' ? 'left' : 'right',
  });
  const all = [
    column('measure', ({ label }) => label),
    column('value', shownValue),
    column('sd', ({ sd }) => (sd === null ? '' : `±${shown(sd)}`)),
    column('N real', ({ countReal }) => (countReal === null ? '' : String(countReal))),
    column('N made', ({ countMade }) => String(countMade)),
    column('noise floor', ({ floor }) => (floor === null ? '' : shown(floor))),
    column('real vs real', ({ realVsReal }) => (realVsReal ? shown(realVsReal.value) : '')),
  ];
  const used = all.filter(({ value }) => scores.some((score) => value(score) !== ''));
  const notes = wrap(notesOf(comparison).join(' '), width).map((line) => `${line}\n`);
  return `${table(scores, used, 'md')}\n${notes.join('')}`;
}

/** Five digits are more than any of these numbers has. */
function shown(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  return size >= 1e-4 && size < 1e6 ? String(Number(value.toPrecision(5))) : value.toExponential(3);
}

function shownValue({ metric, value, details }: FolderScore): string {
  if (value !== null) return shown(value);
  return metric === 'psnr' && details.identical ? '∞' : '';
}

function notesOf({ scores, features, real, made, statistics, seed }: Comparison): string[] {
  const has = (...metrics: FolderScore['metric'][]) =>
    scores.filter(({ metric }) => metrics.includes(metric));
  const notes = [`Made: ${made.path}${real ? `; real: ${real.path}` : ''}.`];
  if (features) {
    notes.push(
      `Features: ${features.feature} (${features.network.slice(0, 12)}), pictures resized by ${features.resize}.`,
    );
  }
  const [frechet] = has('fid');
  if (frechet) {
    const floor =
      frechet.floor === null
        ? 'The noise floor is not known: the statistics do not say of how many pictures they are.'
        : 'Noise floor: what two samples of one distribution would give with so many pictures.';
    notes.push(floor);
  }
  const halves = scores.find(({ realVsReal, metric }) => realVsReal && metric !== 'diversity');
  if (halves) {
    notes.push(
      `Real vs real: two random halves of the real pictures, ${halves.realVsReal!.count} each (seed ${seed}).`,
    );
  }
  const [extrapolated] = has('fid-inf');
  if (extrapolated) {
    const r2 = extrapolated.details.r2;
    notes.push(
      `${extrapolated.label}: extrapolated to infinitely many made pictures${r2 === null ? '' : `, R² ${Number(r2).toFixed(3)}`}.`,
    );
  }
  const [kernel] = has('kid');
  if (kernel) {
    const { subsets, subsetSize } = kernel.details;
    notes.push(
      subsets === 1
        ? `${kernel.label}: of all pictures at once.`
        : `${kernel.label}: ${subsets} subsets of ${subsetSize}; ± is their spread, no standard error.`,
    );
  }
  const [inception] = has('is');
  if (inception) notes.push(`${inception.label}: ${inception.details.splits} splits.`);
  const [manifold] = has('pr', 'dc');
  if (manifold) {
    const ks = [...new Set(has('pr', 'dc').map(({ metric, details }) => `k = ${details.k} for ${metric}`))];
    notes.push(`Neighbourhoods: ${ks.join(', ')}, ${manifold.details.compared} pictures of each side.`);
  }
  if (has('lpips', 'ssim', 'ms-ssim', 'psnr', 'l1').length > 0) {
    notes.push('Paired measures: means over pictures of one name, ± is the spread over them.');
  }
  const equal = Number(has('psnr')[0]?.details.identical ?? 0);
  if (equal > 0) {
    notes.push(
      `PSNR leaves out ${equal} ${equal === 1 ? 'picture that equals its' : 'pictures that equal their'} real one.`,
    );
  }
  if (statistics) {
    notes.push(
      `Statistics ${statistics.written ? 'written to' : 'of real pictures read from'} ${statistics.path}.`,
    );
  }
  return notes;
}
