import { compareFolders } from '../metrics/folders/compare.ts';
import type { FolderMetric, ResizeWord } from '../metrics/metric-names.ts';
import type { Provider } from '../recipe/names.ts';
import { writeJsonAtomic } from '../util/atomic.ts';
import { createLog } from '../util/log.ts';
import { progress } from '../util/progress.ts';
import { comparisonTable } from './comparison-table.ts';

export interface FolderArguments {
  /** Null where statistics stand for the real pictures. */
  real: string | null;
  made: string;
  metrics: readonly FolderMetric[];
  features: string | undefined;
  lpips: string | undefined;
  resize: ResizeWord | undefined;
  stats: string | undefined;
  batch: number | undefined;
  threads: number | undefined;
  provider: Provider | undefined;
  seed: number | undefined;
  splits: number | undefined;
  json: boolean;
  out: string | undefined;
  quiet: boolean;
}

/** What other tools call two of the modes. */
const modes = { clean: 'pil-bicubic', legacy: 'tf1' } as const;

/** Measures one folder of pictures against another and prints a table, or JSON; warnings and progress go to stderr. */
export async function evaluateFolders(args: FolderArguments): Promise<void> {
  const { metrics, resize, json, out, quiet, ...rest } = args;
  const log = createLog(quiet ? 'warn' : 'info');
  const silent = { write: () => true };
  const show = (total: number, label: string) => progress({ total, label, ...(quiet && { stream: silent }) });
  const mode = resize === 'clean' || resize === 'legacy' ? modes[resize] : resize;
  let fetched: { file: string; shown: ReturnType<typeof show> } | undefined;
  const mebibytes = (bytes: number) => Math.ceil(bytes / 2 ** 20);
  const comparison = await compareFolders({
    ...rest,
    metrics: [...new Set(metrics)],
    resize: mode,
    progress: show,
    fetch: {
      onProgress(file, held, size) {
        if (fetched?.file !== file) {
          fetched?.shown.end();
          fetched = { file, shown: show(mebibytes(size), `${file}, MiB`) };
        }
        fetched.shown.update(mebibytes(held));
        if (size > 0 && held === size) fetched.shown.end();
      },
    },
  });
  for (const warning of comparison.warnings) log.warn(warning);
  if (out !== undefined) await writeJsonAtomic(out, comparison);
  process.stdout.write(json ? `${JSON.stringify(comparison, null, 2)}\n` : comparisonTable(comparison));
}
