import type { MeasuredDistribution } from '../pipeline/measure/metrics-file.ts';
import type { Column } from '../util/table.ts';
import type { Result } from './results.ts';

/** A score of features: one column, whose numbers all come from one network. */
export interface SharedLabel {
  /** `FD-emoji-64`; with a part of the network's hash where several of that name were used. */
  title: string;
  metric: MeasuredDistribution['metric'];
  of(result: Result): MeasuredDistribution | undefined;
}

/** The scores that any of the results has, in the order in which they were measured. */
export function sharedLabels(results: readonly Result[]): SharedLabel[] {
  const found = new Map<string, { label: string; network: string; metric: MeasuredDistribution['metric'] }>();
  for (const { metrics, model } of results) {
    for (const { label, metric } of model.distributions ?? []) {
      const network = networkOf(metrics);
      found.set(`${label} ${network}`, { label, network, metric });
    }
  }
  const all = [...found.values()];
  return all.map(({ label, network, metric }) => ({
    title:
      all.filter((other) => other.label === label).length > 1 ? `${label} (${network.slice(0, 6)})` : label,
    metric,
    of: ({ metrics, model }) =>
      networkOf(metrics) === network
        ? model.distributions?.find((score) => score.label === label)
        : undefined,
  }));
}

/** The names of LPIPS networks that were used. */
export function perceptualLabels(results: readonly Result[]): string[] {
  return [...new Set(results.flatMap(({ model }) => model.truth.lpips?.label ?? []))];
}

/** LPIPS of a result by a network of that name. */
export function perceptual(distances: Result['model']['truth'] | undefined, label: string) {
  return distances?.lpips?.label === label ? distances.lpips : undefined;
}

/** The scores of features as they are, for programs: columns for those that are there. */
export function rawDistributionColumns(results: readonly Result[]): Column<Result>[] {
  const column = (title: string, value: Column<Result>['value']): Column<Result> => ({ title, value });
  const hasMsSsim = results.some(({ model }) => model.truth.msSsim);
  return [
    ...(hasMsSsim ? [column('msSsim', ({ model }) => model.truth.msSsim?.mean)] : []),
    ...perceptualLabels(results).flatMap((label) => [
      column(label, ({ model }) => perceptual(model.truth, label)?.mean),
      column(`${label} sd`, ({ model }) => perceptual(model.truth, label)?.sd),
      column(`${label} to teacher`, ({ model }) => perceptual(model.teacher, label)?.mean),
    ]),
    ...sharedLabels(results).flatMap(({ title, metric, of }) => [
      column(title, (result) => of(result)?.value),
      ...(metric === 'kid' || metric === 'is' ? [column(`${title} sd`, (result) => of(result)?.sd)] : []),
      ...(metric === 'is'
        ? []
        : [column(`${title} real vs real`, (result) => of(result)?.realVsReal?.value)]),
      ...(metric === 'frechet'
        ? [
            column(`${title} floor`, (result) => of(result)?.floor),
            column(`${title} over teacher`, (result) => of(result)?.overTeacher?.value),
            column(`${title} over teacher low`, (result) => of(result)?.overTeacher?.low),
            column(`${title} over teacher high`, (result) => of(result)?.overTeacher?.high),
          ]
        : []),
    ]),
  ];
}

/** What must be known to read these columns: the numbers of pictures, floor, real against real, and what is sure of the teacher's lead. */
export function distributionNotes(results: readonly Result[], titles: readonly string[]): string[] {
  const several = new Set(results.map(({ run }) => run)).size > 1;
  return sharedLabels(results).flatMap(({ title, metric, of }) => {
    if (!titles.includes(title)) return [];
    const with_ = results.filter((result) => of(result));
    const first = of(with_[0]!)!;
    const parts = [`${title}: ${kindOf(metric, first)}`];
    if (metric === 'frechet') {
      const floors = with_.map((result) => of(result)!.floor).filter((floor) => floor !== null);
      if (floors.length > 0) parts.push(`noise floor ${range(floors)}`);
    }
    if (first.realVsReal) {
      const values = with_.flatMap((result) => of(result)!.realVsReal?.value ?? []);
      parts.push(`real against real ${range(values)} (${first.realVsReal.count} each)`);
    }
    const led = with_.flatMap((result) => {
      const over = of(result)!.overTeacher;
      if (!over) return [];
      const name = several ? `${result.run} ${result.model.role}` : result.model.role;
      return `${name} exceeds the teacher's by ${short(over.value)} [${short(over.low)}, ${short(over.high)}]`;
    });
    const sure =
      led.length > 0
        ? ` (${Math.round(100 * of(with_.find((result) => of(result)!.overTeacher)!)!.overTeacher!.level)} % by resampling pictures of both)`
        : '';
    return [`${[...parts, ...led].join(', ')}${sure}.`];
  });
}

function kindOf(
  metric: MeasuredDistribution['metric'],
  { feature, countReal, countMade }: MeasuredDistribution,
): string {
  const what = {
    frechet: 'Fréchet distance',
    'frechet-inf': 'Fréchet distance, extrapolated',
    kid: 'kernel distance',
    is: 'Inception Score',
    pr: 'share of pictures',
    dc: 'density or coverage',
  }[metric];
  const counts = countReal === null ? `${countMade} made` : `${countReal} real and ${countMade} made`;
  return `${what} of ${feature} features, ${counts} pictures`;
}

function range(values: readonly number[]): string {
  const [low, high] = [short(Math.min(...values)), short(Math.max(...values))];
  return low === high ? low : `${low} to ${high}`;
}

function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function networkOf({ features }: Result['metrics']): string {
  return features?.network ?? '';
}
