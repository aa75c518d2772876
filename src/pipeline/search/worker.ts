import { onnxruntime } from '../../backend/onnxruntime.ts';
import { openSource } from '../../data/index.ts';
import { serve } from '../../search/worker.ts';
import { createLog } from '../../util/log.ts';
import { progress } from '../../util/progress.ts';
import type { RunContext } from '../context.ts';
import { type SearchSetup, searchScorer } from './score.ts';

// The entry of the processes of a search: each has one thread and keeps supernet, teacher and pictures open.
serve(async (setup: SearchSetup) => {
  const { recipe, out } = setup;
  const source = openSource(recipe.data);
  const context: RunContext = {
    out,
    recipe,
    loaded: { recipe, file: recipe.name, locate: () => '' },
    backend: onnxruntime({ threads: 1 }),
    log: createLog('warn'),
    progress: (total, label) => progress({ total, label, stream: { write: () => true } }),
    source: () => source,
  };
  return searchScorer(context, setup);
});
