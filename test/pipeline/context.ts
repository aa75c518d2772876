import type { Backend } from '../../src/backend/backend.ts';
import { openSource } from '../../src/data/index.ts';
import type { Source } from '../../src/data/source.ts';
import type { RunContext } from '../../src/pipeline/context.ts';
import type { LoadedRecipe } from '../../src/recipe/load.ts';

/** What the stages of a run in the folder `out` are given, on an engine of a test's choice; what they log goes to `lines`. */
export function contextOf(
  loaded: LoadedRecipe,
  out: string,
  backend: Backend,
  lines: string[] = [],
): RunContext {
  const line = (message: string) => void lines.push(message);
  let source: Promise<Source> | undefined;
  return {
    out,
    recipe: loaded.recipe,
    loaded,
    backend,
    log: { debug: line, info: line, warn: line },
    progress: () => ({ update() {}, line() {}, end() {} }),
    source() {
      source ??= openSource(loaded.recipe.data);
      return source;
    },
  };
}
