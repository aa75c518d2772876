import type { Backend } from '../backend/backend.ts';
import type { Source } from '../data/source.ts';
import type { LoadedRecipe } from '../recipe/load.ts';
import type { Recipe } from '../recipe/schema.ts';
import type { Log } from '../util/log.ts';
import type { Progress } from '../util/progress.ts';

/** What every stage of a run works with. */
export interface RunContext {
  readonly out: string;
  readonly recipe: Recipe;
  readonly loaded: LoadedRecipe;
  readonly backend: Backend;
  readonly log: Log;
  /** Starts a progress display; draws nothing under --quiet. */
  progress(total: number, label: string): Progress;
  /** Opens the data on first use. */
  source(): Promise<Source>;
}
