import { hubSettings } from '../data/hub/settings.ts';
import type { FetchOptions } from '../metrics/networks/fetch.ts';
import type { Progress } from '../util/progress.ts';
import type { RunContext } from './context.ts';

/** Runs what may fetch published weights, with a progress display for each file that is fetched. */
export async function fetching<T>(
  progress: RunContext['progress'],
  body: (options: FetchOptions) => Promise<T>,
): Promise<T> {
  let shown: { file: string; bar: Progress } | undefined;
  const mebibytes = (bytes: number) => Math.ceil(bytes / 2 ** 20);
  try {
    return await body({
      offline: hubSettings().offline,
      onProgress(file, held, size) {
        if (shown?.file !== file) {
          shown?.bar.end();
          shown = { file, bar: progress(mebibytes(size), `${file}, MiB`) };
        }
        shown.bar.update(mebibytes(held));
      },
    });
  } finally {
    shown?.bar.end();
  }
}
