import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import type { ChannelGroups } from '../../compress/groups.ts';
import type { WidthSpace } from '../../compress/width-space.ts';
import type { Graph } from '../../graph/graph.ts';
import { measureLatency } from '../../metrics/profile/latency.ts';
import { inputSymbols } from '../../ops/cost.ts';
import { type LatencyTable, latencyTable } from '../../search/latency.ts';
import { shapeOf } from '../../search/layers.ts';
import { writeJsonAtomic } from '../../util/atomic.ts';
import { sha256Json } from '../../util/hash.ts';
import type { RunContext } from '../context.ts';

/** Milliseconds of one run on the backend of a run; short, as many layers have to be timed. */
export async function quickLatency({ backend, recipe }: RunContext, network: Graph): Promise<number> {
  const symbols = inputSymbols(network, { size: recipe.data.size });
  const { median } = await measureLatency(network, backend, { symbols, runs: 15, atLeastMs: 40 });
  return median;
}

/**
 * The times of a network's layers on this machine, measured once a run: kept in `search/latency.json` with what they depend on
 * (processor, engine, provider, threads, operators and sizes).
 */
export async function searchLatency(
  context: RunContext,
  graph: Graph,
  groups: ChannelGroups,
  space: WidthSpace,
): Promise<LatencyTable> {
  const { recipe, backend, out, log } = context;
  const symbols = inputSymbols(graph, { size: recipe.data.size });
  const machine = { ...backend.description, cpu: cpus()[0]?.model.trim() || 'unknown' };
  const network = shapeOf(graph, symbols);
  const inputs = sha256Json({ machine, space, network, seed: recipe.seed, times: 'rising' });
  const path = join(out, 'search', 'latency.json');
  const before = readTable(path);
  if (before?.inputs === inputs) return before.table;
  let bar: ReturnType<RunContext['progress']> | undefined;
  const table = await latencyTable(graph, groups, space, symbols, {
    seed: recipe.seed,
    time: (network) => quickLatency(context, network),
    onProgress(done, total) {
      bar ??= context.progress(total, 'timing layers');
      bar.update(done);
    },
  }).finally(() => bar?.end());
  await writeJsonAtomic(path, { machine, inputs, table });
  log.info(`search: latency of whole networks predicted to ${(100 * table.error).toFixed(1)} %`);
  return table;
}

function readTable(path: string): { inputs: string; table: LatencyTable } | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as { inputs: string; table: LatencyTable };
  } catch {
    // Missing or damaged: measured again.
    return undefined;
  }
}
