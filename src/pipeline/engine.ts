import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fastest } from '../backend/auto.ts';
import type { Backend } from '../backend/backend.ts';
import { choicesIn } from '../backend/choice.ts';
import {
  likelyEngines,
  namedBackend,
  providerEngine,
  providers,
  tfjsEngine,
  tryEngine,
} from '../backend/engines.ts';
import { cacheDir } from '../data/cache-dir.ts';
import type { Recipe } from '../recipe/schema.ts';
import { writeJsonAtomic } from '../util/atomic.ts';
import type { Log } from '../util/log.ts';

/**
 * The engine of a run: the one its recipe names, or of those that work on this machine the fastest at each program. With `debug`
 * it tells of each program what a provider leaves to the CPU. Throws TFJS_MISSING, PROVIDER_MISSING and BACKEND_MISSING.
 */
export async function runBackend(
  { backend, provider, threads = 0 }: Pick<Recipe, 'backend' | 'provider' | 'threads'>,
  log: Log,
  debug: boolean,
): Promise<Backend> {
  const options = { threads, onWarning: log.warn, onDebug: debug ? log.debug : undefined };
  // A provider other than the CPU is a choice made.
  const named = backend === 'auto' && provider !== 'cpu' ? 'onnxruntime' : backend;
  if (named !== 'auto') return namedBackend(named, provider, options);
  const engines = [providerEngine('cpu', options)];
  for (const name of likelyEngines()) {
    const { ok, found } = await tried(name);
    log.debug(`engine ${name}: ${found}`);
    const known = providers.find((p) => p === name);
    if (ok) engines.push(known ? providerEngine(known, options) : tfjsEngine(name as never, options));
  }
  return fastest({
    engines,
    choices: choicesIn(join(cacheDir(), 'engines.json')),
    onChoice: log.info,
    onDebug: log.debug,
  });
}

interface Trial {
  at: number;
  ok: boolean;
  found: string;
}

/** An engine that worked is tried again after a week, one that did not after a day. */
const [week, day] = [7, 1].map((days) => days * 24 * 3600_000) as [number, number];
const timeout = 30_000;

/** What became of an engine when it was tried last, or now. */
async function tried(name: string): Promise<Trial> {
  const file = join(cacheDir(), 'engines-tried.json');
  const before = readTrials(file);
  const last = before[name];
  const now = Date.now();
  if (last && now - last.at < (last.ok ? week : day)) return last;
  const trial: Trial = { at: now, ...(await tryEngine(name, timeout)) };
  try {
    await writeJsonAtomic(file, { ...before, [name]: trial });
  } catch {
    // Then it is tried again the next time.
  }
  return trial;
}

function readTrials(file: string): Record<string, Trial> {
  try {
    const read: unknown = JSON.parse(readFileSync(file, 'utf8'));
    const trials = Object.entries((read ?? {}) as Record<string, Partial<Trial>>);
    return Object.fromEntries(
      trials.filter(
        ([, t]) => typeof t?.at === 'number' && typeof t.ok === 'boolean' && typeof t.found === 'string',
      ),
    ) as Record<string, Trial>;
  } catch {
    return {};
  }
}
