import type { Graph, Tensor, Value } from '../graph/graph.ts';

/** Something a program remembers between runs: fed as `input`, replaced by `output`. */
export interface State {
  readonly name: string;
  readonly input: Value;
  readonly output: Value;
  readonly initial: Tensor;
}

/** A graph with memory. Inputs that are not state are fed at each run, outputs that are not state are returned. */
export interface Program {
  readonly graph: Graph;
  readonly state: readonly State[];
}

export type Feeds = Readonly<Record<string, Tensor>>;

export interface RunOptions {
  /** Names of outputs that are not state; all of them when left out. */
  readonly results?: readonly string[];
}

/** A program ready to run. State lives where the engine computes; it is read and written only on request. */
export interface Compiled {
  /**
   * Runs once: new state replaces the old, the other outputs are returned by name. With `results` only those of them, which on a
   * device saves waiting for the rest; with none of them the run may go on there after this returns.
   */
  run(feeds: Feeds, options?: RunOptions): Promise<Record<string, Tensor>>;
  /** Copies of the state's tensors by name, all of it or the names given. */
  readState(names?: readonly string[]): Promise<Map<string, Tensor>>;
  /** Replaces state by name. Throws STATE_MISMATCH for a name or shape the program does not have. */
  writeState(values: ReadonlyMap<string, Tensor>): Promise<void>;
  dispose(): Promise<void>;
}

export interface Backend {
  /** Engine, version, provider and threads, as recorded in cards. */
  readonly description: Readonly<{ engine: string; version: string; provider: string; threads: number }>;
  /** Whether results may lie on a device, so that to ask for one is to wait for all that was asked before. */
  readonly remote: boolean;
  compile(program: Program): Promise<Compiled>;
}
