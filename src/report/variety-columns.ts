import type { MeasuredVariety } from '../pipeline/measure/metrics-file.ts';
import type { Column } from '../util/table.ts';
import type { Result } from './results.ts';

/** A number that says what latent vectors do to pictures. */
export interface VarietyColumn {
  /** `PPL z-full LPIPS-vgg`. */
  title: string;
  value(result: Result): number | undefined;
}

const kinds: readonly { title: string; of: (variety: MeasuredVariety) => number | undefined }[] = [
  { title: 'PPL z-full', of: ({ ppl }) => ppl?.full.value },
  { title: 'PPL z-end', of: ({ ppl }) => ppl?.end.value },
  { title: 'diversity', of: ({ diversity }) => diversity?.value },
];

/** One column for each of these numbers and each network by which it was taken, where any result has it. */
export function varietyColumns(results: readonly Result[]): VarietyColumn[] {
  const labels = [...new Set(results.flatMap(({ model }) => model.variety?.label ?? []))];
  return labels.flatMap((label) =>
    kinds.flatMap(({ title, of }) => {
      const value = ({ model: { variety } }: Result) => (variety?.label === label ? of(variety) : undefined);
      return results.some((result) => value(result) !== undefined)
        ? [{ title: `${title} ${label}`, value }]
        : [];
    }),
  );
}

/** The same for programs, with the ends of intervals, deviations and counts. */
export function rawVarietyColumns(results: readonly Result[]): Column<Result>[] {
  const column = (title: string, value: Column<Result>['value']): Column<Result> => ({ title, value });
  const all = results.map(({ model }) => model.variety);
  return [
    ...varietyColumns(results).map(({ title, value }) => column(title, value)),
    ...(all.some((variety) => variety?.ppl)
      ? [
          ...(['full', 'end'] as const).flatMap((kind) =>
            (['low', 'high'] as const).map((end) =>
              column(`PPL z-${kind} ${end}`, ({ model }) => model.variety?.ppl?.[kind][end] ?? undefined),
            ),
          ),
          column('PPL floor', ({ model }) => model.variety?.ppl?.floor),
          column('PPL pairs', ({ model }) => model.variety?.ppl?.count),
        ]
      : []),
    ...(all.some((variety) => variety?.diversity)
      ? [
          column('diversity sd', ({ model }) => model.variety?.diversity?.sd ?? undefined),
          column('diversity conditions', ({ model }) => model.variety?.diversity?.conditions),
        ]
      : []),
  ];
}

/** What must be known to read these columns. */
export function varietyNotes(results: readonly Result[], titles: readonly string[]): string[] {
  const shown = varietyColumns(results).filter(({ title }) => titles.includes(title));
  const found = results.flatMap(({ model }) => model.variety ?? []);
  const pairs = found.find(({ ppl }) => ppl)?.ppl?.count;
  const diversity = found.find((variety) => variety.diversity)?.diversity;
  return [
    ...(pairs !== undefined && shown.some(({ title }) => title.startsWith('PPL'))
      ? [`PPL: perceptual path length in z of ${pairs} pairs, lower is smoother.`]
      : []),
    ...(diversity && shown.some(({ title }) => title.startsWith('diversity'))
      ? [
          `diversity: mean distance of pictures of one condition, ${diversity.conditions} conditions; higher is more varied, but so is noise.`,
        ]
      : []),
  ];
}
