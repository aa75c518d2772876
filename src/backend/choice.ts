import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { type Graph, sizeOf } from '../graph/graph.ts';
import { writeJsonAtomic } from '../util/atomic.ts';
import { sha256Json } from '../util/hash.ts';

/** Which engine was the fastest, by machine and size of program, in a file. */
export interface Choices {
  find(key: string): string | undefined;
  /** The engine that was chosen last among those of a machine's. */
  last(engines: readonly string[]): string | undefined;
  /** Writes it down; a folder that cannot be written to only makes the next run choose again. */
  keep(key: string, engines: readonly string[], choice: string): Promise<void>;
}

interface Entry {
  key: string;
  engines: string;
  choice: string;
}

/** Entries that are kept, the newest last. */
const limit = 100;

export function choicesIn(file: string): Choices {
  const read = (): Entry[] => {
    try {
      const list: unknown = JSON.parse(readFileSync(file, 'utf8'));
      return Array.isArray(list) ? list.filter(isEntry) : [];
    } catch {
      return [];
    }
  };
  return {
    find: (key) => read().findLast((entry) => entry.key === key)?.choice,
    last: (engines) => read().findLast((entry) => entry.engines === machineOf(engines))?.choice,
    async keep(key, engines, choice) {
      const others = read().filter((entry) => entry.key !== key);
      const entry: Entry = { key, engines: machineOf(engines), choice };
      await writeJsonAtomic(file, [...others, entry].slice(-limit)).catch(() => {});
    },
  };
}

function isEntry(x: unknown): x is Entry {
  const { key, engines, choice } = (x ?? {}) as Partial<Entry>;
  return typeof key === 'string' && typeof engines === 'string' && typeof choice === 'string';
}

/** This machine, with the engines it has. */
function machineOf(engines: readonly string[]): string {
  const { platform, arch, version } = process;
  return sha256Json({ platform, arch, version, cpu: cpus()[0]?.model, cores: cpus().length, engines });
}

/**
 * What a choice holds for: the machine with its engines, and the program's size as powers of two of its nodes and of the numbers
 * they compute. Sizes known only at run time count as one.
 */
export function choiceKey(graph: Graph, engines: readonly string[]): string {
  let elements = 0;
  for (const { outputs } of graph.nodes)
    for (const { shape } of outputs) elements += sizeOf(shape.map((d) => (typeof d === 'number' ? d : 1)));
  const power = (x: number) => Math.round(Math.log2(x + 1));
  return sha256Json({
    machine: machineOf(engines),
    nodes: power(graph.nodes.length),
    elements: power(elements),
  });
}
