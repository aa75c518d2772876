import type { Tensor } from '../graph/graph.ts';
import { GanletError } from '../util/errors.ts';
import type { Backend, Compiled, Feeds, Program, RunOptions } from './backend.ts';
import { type Choices, choiceKey } from './choice.ts';
import type { Engine } from './engines.ts';

export interface AutoOptions {
  /** The first is the one that is used for what is not timed. */
  engines: readonly Engine[];
  choices: Choices;
  /** Told which engine was chosen and why, in one line. */
  onChoice: (message: string) => void;
  /** Told why an engine is out of the race. */
  onDebug?: (message: string) => void;
}

/** Steps that every engine takes; the first is not counted: engines prepare themselves in it. */
const rounds = 4;
/**
 * An engine whose step takes longer than this, in ms, and many times as long as the fastest's, is out at once. In its first one a
 * device may compile all it will ever run.
 */
const hopeless = { firstAbove: 60_000, above: 3000, times: 10 };

interface Racer {
  readonly name: string;
  readonly backend: Backend;
  readonly compiled: Compiled;
  readonly times: number[];
}

/**
 * The fastest of several engines. A program with state (a training step) runs its first steps on all of them with the same feeds,
 * each from the same state; the fastest then goes on alone, with a state as if it had been alone from the start. The choice is
 * remembered by machine and size of program. Programs without state go to the engine chosen last. With one engine nothing is
 * timed or wrapped.
 *
 * Throws BACKEND_MISSING when no engine can start or run a program, with what each of them says.
 */
export async function fastest(options: AutoOptions): Promise<Backend> {
  const { engines, choices, onDebug = () => {} } = options;
  if (engines.length === 1) return engines[0]!.open();
  const names = engines.map((engine) => engine.name);
  const opened = new Map<string, Backend>();
  const open = async (engine: Engine) => {
    const backend = opened.get(engine.name) ?? (await engine.open());
    opened.set(engine.name, backend);
    return backend;
  };
  const byName = (name: string | undefined) => engines.find((engine) => engine.name === name);
  let current = await openFirst([byName(choices.last(names)), ...engines], open, onDebug);

  return {
    get description() {
      return current.description;
    },
    // Which engine it will be shows only in its steps.
    remote: engines.some((engine) => engine.remote),
    async compile(program) {
      if (program.state.length === 0) return current.compile(program);
      const key = choiceKey(program.graph, names);
      const known = byName(choices.find(key));
      if (known) {
        try {
          const backend = await open(known);
          const compiled = await backend.compile(program);
          current = backend;
          options.onChoice(`engine: ${nameOf(backend)}, the fastest when it was timed on this machine`);
          return compiled;
        } catch (error) {
          onDebug(`engine ${known.name} was the fastest before, but: ${messageOf(error)}`);
        }
      }
      const racers = await line(program, engines, open, onDebug);
      return race(program, racers, onDebug, async (winner, all) => {
        current = winner.backend;
        const times = all.map((racer) => `${nameOf(racer.backend)} ${show(timeOf(racer))}`);
        options.onChoice(
          `engine: ${nameOf(winner.backend)}, ${show(timeOf(winner))} a step; timed: ${times.join(', ')}`,
        );
        await choices.keep(key, names, winner.name);
      });
    },
  };
}

/** The first engine that starts. */
async function openFirst(
  engines: readonly (Engine | undefined)[],
  open: (engine: Engine) => Promise<Backend>,
  onDebug: (message: string) => void,
): Promise<Backend> {
  const failures: string[] = [];
  for (const engine of engines) {
    if (!engine) continue;
    try {
      return await open(engine);
    } catch (error) {
      failures.push(`${engine.name}: ${messageOf(error)}`);
      onDebug(`engine ${engine.name} is out: ${messageOf(error)}`);
    }
  }
  throw none('start', failures);
}

/** A program on every engine that takes it. */
async function line(
  program: Program,
  engines: readonly Engine[],
  open: (engine: Engine) => Promise<Backend>,
  onDebug: (message: string) => void,
): Promise<Racer[]> {
  const racers: Racer[] = [];
  const failures: string[] = [];
  for (const engine of engines) {
    try {
      const backend = await open(engine);
      racers.push({ name: engine.name, backend, compiled: await backend.compile(program), times: [] });
    } catch (error) {
      failures.push(`${engine.name}: ${messageOf(error)}`);
      onDebug(`engine ${engine.name} is out: ${messageOf(error)}`);
    }
  }
  if (racers.length === 0) throw none(`run "${program.graph.name}"`, failures);
  return racers;
}

/** Runs on all engines until one is chosen, on that one from then on. */
function race(
  program: Program,
  entered: readonly Racer[],
  onDebug: (message: string) => void,
  onEnd: (winner: Racer, all: readonly Racer[]) => Promise<void>,
): Compiled {
  let racers = [...entered];
  let winner: Compiled | undefined;

  const leave = async (racer: Racer, why: string) => {
    onDebug(`engine ${racer.name} is out: ${why}`);
    racers = racers.filter((other) => other !== racer);
    await racer.compiled.dispose().catch(() => {});
  };
  const finish = async () => {
    const all = racers;
    const best = all.reduce((a, b) => (timeOf(b) < timeOf(a) ? b : a));
    for (const racer of all) if (racer !== best) await leave(racer, 'another one is faster');
    winner = best.compiled;
    await onEnd(best, all);
  };
  const step = async (feeds: Feeds): Promise<Record<string, Tensor>> => {
    let results: Record<string, Tensor> | undefined;
    const failures: unknown[] = [];
    for (const racer of racers) {
      const begun = performance.now();
      try {
        const own = await racer.compiled.run(feeds);
        results ??= own;
        racer.times.push(performance.now() - begun);
      } catch (error) {
        // Not the engine's fault.
        if (error instanceof GanletError && error.code === 'FEED_MISMATCH') throw error;
        failures.push(error);
        await leave(racer, messageOf(error));
      }
    }
    if (!results) {
      const [only] = failures;
      if (failures.length === 1) throw only;
      throw none(`run "${program.graph.name}"`, failures.map(messageOf));
    }
    const least = Math.min(...racers.map((racer) => racer.times.at(-1)!));
    for (const racer of racers) {
      const last = racer.times.at(-1)!;
      const above = racer.times.length === 1 ? hopeless.firstAbove : hopeless.above;
      if (last > above && last > hopeless.times * least) await leave(racer, `a step took ${show(last)}`);
    }
    return results;
  };

  return {
    // While they race all results are read: what a device has yet to compute would count for nothing.
    async run(feeds, options?: RunOptions) {
      if (winner) return winner.run(feeds, options);
      const results = await step(feeds);
      if (racers.length === 1 || racers[0]!.times.length === rounds) await finish();
      return results;
    },
    readState: (names) => (winner ?? racers[0]!.compiled).readState(names),
    async writeState(values) {
      for (const { compiled } of winner ? [] : racers) await compiled.writeState(values);
      await winner?.writeState(values);
    },
    async dispose() {
      for (const { compiled } of winner ? [] : racers) await compiled.dispose();
      await winner?.dispose();
    },
  };
}

/** The shortest step, without the first. */
function timeOf({ times }: Racer): number {
  return Math.min(...(times.length > 1 ? times.slice(1) : times));
}

function nameOf({ description: { engine, provider } }: Backend): string {
  return `${engine} (${provider})`;
}

function show(ms: number): string {
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function none(what: string, failures: readonly string[]): GanletError {
  return new GanletError(
    'BACKEND_MISSING',
    `an engine must ${what}, none of ${failures.length} did: ${failures.join('; ')}`,
    {
      hint: 'run ganlet doctor to see what this machine can do',
    },
  );
}
