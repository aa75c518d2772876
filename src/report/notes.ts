import { formatCount } from '../util/format.ts';
import type { Column } from '../util/table.ts';
import { distributionNotes, perceptualLabels } from './distribution-columns.ts';
import type { Result } from './results.ts';
import { segmentationNotes } from './segmentation-columns.ts';
import { stepsNote } from './steps-note.ts';
import { varietyNotes } from './variety-columns.ts';

/** What must be known to read a table of these columns: one sentence or two an entry. */
export function notesOn(results: readonly Result[], columns: readonly Column<Result>[]): string[] {
  const titles = columns.map(({ title }) => title);
  const has = (pattern: RegExp) => titles.some((title) => pattern.test(title));
  const notes = [...conditions(results), ...stepsNote(results)];
  if (has(/MACs$/)) {
    notes.push(
      `MACs: multiply-adds for one picture, transposed convolutions by their input${paperMacs(results)}.`,
    );
  }
  if (has(/^ms$/)) notes.push('ms: median time of one picture.');
  const distances = [
    has(/^L1/) && 'L1 (8-bit levels, 0 to 255)',
    has(/^PSNR/) && 'PSNR (8-bit)',
    has(/^SSIM/) && 'SSIM (11×11 Gaussian window)',
    has(/^MS-SSIM/) && 'MS-SSIM',
    ...perceptualLabels(results).map((label) => titles.includes(label) && label),
  ].filter((name) => name !== false);
  if (distances.length > 0) notes.push(`${distances.join(', ')}: means over the pictures.`);
  const exact = results.filter(({ model }) => model.truth.psnr?.identical);
  if (has(/^PSNR/) && exact.length > 0) {
    const each = exact.map((result) => `${nameOf(result, results)} ${result.model.truth.psnr?.identical}`);
    notes.push(`PSNR is infinite for, and leaves out, pictures equal to the true ones: ${each.join(', ')}.`);
  }
  if (results.some(({ metrics }) => metrics.paired === false)) {
    notes.push(
      'The data has no true pictures of its conditions: distances from them, picture by picture, are left out.',
    );
  }
  notes.push(...distributionNotes(results, titles), ...varietyNotes(results, titles));
  notes.push(...segmentationNotes(results, titles));
  if (new Set(results.map(({ metrics }) => metrics.data.hash)).size > 1) {
    notes.push('The runs were measured on different data: compare within a run only.');
  }
  return notes;
}

/** One sentence for each network whose file is not the one that was measured. */
export function staleNotes(results: readonly Result[]): string[] {
  return results
    .filter(({ current }) => !current)
    .map(
      (result) =>
        `Warning: the file of ${nameOf(result, results)} has changed since it was measured; run ganlet evaluate again.`,
    );
}

/** Fills lines of at most `width` characters with the words of `text`; a longer word has a line of its own. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const longer = `${lines.at(-1)} ${word}`;
    if (lines.length > 0 && [...longer].length <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

/** On what and with what was measured: once where it is the same for all runs. */
function conditions(results: readonly Result[]): string[] {
  const byText = new Map<string, Set<string>>();
  for (const { run, metrics } of results) {
    const { count, split, size, backend } = metrics;
    const { engine, version, provider, threads, cpu } = backend;
    const pictures = `${count} ${split} ${count === 1 ? 'picture' : 'pictures'} of ${size}×${size} pixels`;
    const machine = `${engine} ${version}, ${provider}, ${threads} ${threads === 1 ? 'thread' : 'threads'}, ${cpu}`;
    const text = `${pictures}; ${machine}.`;
    byText.set(text, (byText.get(text) ?? new Set()).add(run));
  }
  if (byText.size === 1) return [...byText.keys()];
  return [...byText].map(([text, runs]) => `${[...runs].join(', ')}: ${text}`);
}

function paperMacs(results: readonly Result[]): string {
  if (results.every(({ model }) => model.macs.paper === model.macs.true)) return '';
  const rule = '; GAN Compression counts them by their output, and norms too';
  if (isSeveral(results)) return `${rule} (macsPaper in --format csv)`;
  const each = results.map(({ model }) => `${model.role} ${formatCount(model.macs.paper)}`);
  return `${rule}: ${each.join(', ')}`;
}

function isSeveral(results: readonly Result[]): boolean {
  return new Set(results.map(({ run }) => run)).size > 1;
}

/** "student", or "run-a student" where there are several runs. */
function nameOf({ run, model }: Result, results: readonly Result[]): string {
  return isSeveral(results) ? `${run} ${model.role}` : model.role;
}
