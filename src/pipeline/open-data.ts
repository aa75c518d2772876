import { openSource } from '../data/index.ts';
import type { Source } from '../data/source.ts';
import type { DataConfig } from '../recipe/schema.ts';
import { progress } from '../util/progress.ts';

/** Opens a recipe's data, with displays of what takes time; none where `quiet`. Throws as `openSource`. */
export async function openRecipeData(data: DataConfig, quiet: boolean): Promise<Source> {
  const silent = { write: () => true };
  const display = (total: number, label: string) =>
    progress({ total, label, ...(quiet && { stream: silent }) });
  let shown: ReturnType<typeof display> | undefined;
  let fetched: ReturnType<typeof display> | undefined;
  const started = performance.now();
  const mebibytes = (bytes: number) => Math.ceil(bytes / 2 ** 20);
  const opened = await openSource({
    ...data,
    onDownload: (held, size) => {
      fetched ??= display(mebibytes(size), 'downloading pictures, MiB');
      fetched.update(mebibytes(held));
      if (held === size) fetched.end();
    },
    onProgress: (done, total) => {
      // A small folder is read at once; only what takes time is worth a line.
      if (performance.now() - started > 1000) shown ??= display(total, 'preparing pictures');
      shown?.update(done);
    },
  });
  shown?.end();
  return opened;
}
