import { type Condition, classesOf } from '../data/source.ts';
import type { SourceSummary } from '../data/summary.ts';

/** What is shown of long lists. */
const listed = 20;

/** A summary of a data set for people: a line for each thing, its name first. */
export function printSummary(
  summary: SourceSummary,
  sheet: { file: string; split: string; rows: number },
): string {
  const { source, size, condition, channels, counts, images, truth, classes, labels, values, sampled } =
    summary;
  const list = (by: Record<string, number>) =>
    Object.entries(by)
      .map(([split, count]) => `${split} ${count}`)
      .join(', ');
  const lines: [string, string][] = [
    ['data', `${source}, ${size} × ${size}, hash ${summary.hash.slice(0, 16)}`],
    ['given', describe(condition)],
    ['made', channels.image === 1 ? 'grey pictures' : 'colour pictures'],
    ['counts', list(counts)],
  ];
  if (images) lines.push(['images', `${list(images)}; in training any of them goes with a condition`]);
  if (condition.kind !== 'class' && condition.kind !== 'none')
    lines.push(['truth', truth ? 'val and test have true pairs' : 'none: there are no pairs']);
  for (const { name, counts } of (classes ?? []).slice(0, listed))
    lines.push(['class', `${name}: ${list(counts)}`]);
  if (classes && classes.length > listed) lines.push(['class', `and ${classes.length - listed} more`]);
  const used = labels?.toSorted((a, b) => b.share - a.share).slice(0, listed);
  for (const { name, share } of used ?? [])
    lines.push(['label', `${name}: ${(100 * share).toFixed(1)} % of pixels`]);
  if (labels && labels.length > listed) lines.push(['label', `and ${labels.length - listed} more`]);
  for (const [i, { least, most, mean, sd }] of values.entries()) {
    const channel = values.length === 1 ? 'grey' : ['red', 'green', 'blue'][i]!;
    lines.push([
      'values',
      `${channel} ${least} to ${most}, mean ${mean.toFixed(1)}, sd ${sd.toFixed(1)} (${sampled} training pictures)`,
    ]);
  }
  for (const { name, reason } of summary.skipped.slice(0, listed))
    lines.push(['left out', `${name} ${reason}`]);
  if (summary.skipped.length > listed)
    lines.push(['left out', `and ${summary.skipped.length - listed} more`]);
  if (summary.doubt !== undefined) lines.push(['doubt', summary.doubt]);
  if (summary.attribution !== undefined) lines.push(['credit', summary.attribution]);
  lines.push(['sheet', `${sheet.file}: ${sheet.rows} of ${sheet.split}`]);
  return lines
    .map(([title, text], i) => `${(i > 0 && lines[i - 1]![0] === title ? '' : title).padEnd(10)}${text}\n`)
    .join('');
}

function describe(condition: Condition): string {
  const besides = condition.kind === 'class' ? 0 : classesOf(condition).length;
  return describeAlone(condition) + (besides > 0 ? `, and one of ${besides} classes` : '');
}

function describeAlone(condition: Condition): string {
  switch (condition.kind) {
    case 'image':
      return condition.channels === 1 ? 'a grey picture' : 'a colour picture';
    case 'labels':
      return `a map of ${condition.labels.length} labels${condition.edges ? ', and edges' : ''}`;
    case 'class':
      return `one of ${condition.classes.length} classes`;
    case 'none':
      return 'nothing: pictures are made from noise';
  }
}
