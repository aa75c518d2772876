import { stringify } from 'yaml';
import type { Card } from '../pipeline/card.ts';
import type { MeasuredDistribution } from '../pipeline/measure/metrics-file.ts';
import { formatBytes, formatCount } from '../util/format.ts';

export interface ModelCardOptions {
  /** owner/name of the repository the card is for. */
  repo: string;
  card: Card;
  /** The run's table, Markdown. */
  table: string;
  /** Identifier of the hub for a licence ("mit"). Default: what the data asks for where that is known, else other. */
  license?: string | undefined;
}

/**
 * README.md of a student on the hub: front matter (licence, tags, data set), what it is and what it takes, its
 * table, a picture, how it was made, the credit that the data asks for.
 */
export function modelCard({ repo, card, table, license }: ModelCardOptions): string {
  const { data, size, range } = card;
  const channels = 'N × channels × height × width';
  const attribution = data?.attribution;
  const licence = license ?? licenceOf(attribution);
  const front = {
    license: licence,
    ...(licence === 'other' && { license_name: 'not-stated' }),
    pipeline_tag: 'image-to-image',
    library_name: 'onnx',
    tags: ['image-to-image', 'gan', 'knowledge-distillation', 'model-compression', 'onnx', 'ganlet'],
    ...(data && { datasets: [data.source.replace(/^hub:/, '')] }),
  };
  const smaller = card.teacher && ` Its teacher needs ${formatCount(card.teacher.macs)}.`;
  const lines = [
    '---',
    stringify(front).trimEnd(),
    '---',
    '',
    `# ${repo.split('/').at(-1)}`,
    '',
    `A small image-to-image generator${architecture(card)}, made by [ganlet](https://www.npmjs.com/package/ganlet) from a larger one by distillation.`,
    `One picture of ${size} × ${size} pixels takes ${formatCount(card.macs.true)} multiply-adds.${smaller ?? ''}`,
    `The file \`student.onnx\` has ${formatCount(card.params)} parameters (${formatBytes(card.bytes)}).`,
    '',
    `Input and output are float32, ${channels}, values from ${range[0]} to ${range[1]}.`,
    '',
    '![Held-out pictures: condition, teacher, student, truth](comparison.png)',
    '',
    '## Cost and quality',
    '',
    table.trim(),
    '',
    ...scoreLines(card),
    '## How it was made',
    '',
    ...[
      card.recipe && `- Recipe: ${card.recipe}${card.seed === undefined ? '' : `, seed ${card.seed}`}`,
      data && `- Data: ${data.source} (hash \`${data.hash.slice(0, 16)}\`)`,
      card.teacher && `- Teacher: SHA-256 \`${card.teacher.sha256}\``,
      `- Student: SHA-256 \`${card.sha256}\``,
      `- Tool: ${card.tool}; \`student.card.json\` has every figure`,
    ].filter((line) => typeof line === 'string'),
    '',
    '## Licence and credit',
    '',
    licence === 'other' ? 'The publisher has stated no licence.' : `Licence: ${licence}.`,
    ...(attribution ? ['', attribution] : []),
    '',
  ];
  return lines.join('\n');
}

/** Distances by features, each with its network and what it must be read with. */
function scoreLines({ metrics }: Card): string[] {
  const found = (metrics as { distributions?: MeasuredDistribution[] } | undefined)?.distributions ?? [];
  const short = (value: number) => String(Number(value.toPrecision(4)));
  const lines = found.map(({ label, value, countReal, countMade, floor, realVsReal }) => {
    const beside = [
      `${countReal === null ? '' : `${countReal} real and `}${countMade} made pictures`,
      [
        floor !== null && `noise floor ${short(floor)}`,
        realVsReal && `real against real ${short(realVsReal.value)}`,
      ]
        .filter(Boolean)
        .join(', '),
    ];
    return `- ${label} ${short(value)} (${beside.filter(Boolean).join('; ')})`;
  });
  return lines.length > 0 ? [...lines, ''] : [];
}

function architecture({ architecture }: Card): string {
  if (!architecture) return '';
  const { type, baseWidth, widths } = architecture;
  return ` (${type}, ${widths ? `widths ${widths.join('_')}` : `base width ${baseWidth}`})`;
}

/** Pictures made by a network are shared as the data it learned from asks. */
function licenceOf(attribution: string | undefined): string {
  const [, kind, version] = /\bCC[ -](BY(?:-SA)?)[ -](\d\.\d)\b/i.exec(attribution ?? '') ?? [];
  return kind ? `cc-${kind.toLowerCase()}-${version}` : 'other';
}
