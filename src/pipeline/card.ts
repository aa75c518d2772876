import { existsSync, readFileSync, statSync } from 'node:fs';
import type { Backend } from '../backend/backend.ts';
import type { Graph } from '../graph/graph.ts';
import { countMacs, countParameters, inputSymbols } from '../ops/cost.ts';
import type { GeneratorConfig } from '../recipe/schema.ts';
import { writeJsonAtomic } from '../util/atomic.ts';
import { sha256File } from '../util/hash.ts';
import { toolVersion } from '../util/version.ts';
import type { RunContext } from './context.ts';

/** What is known of a generator in an .onnx file; kept beside it as `<name>.card.json`. */
export interface Card {
  role: 'teacher' | 'student' | 'naive';
  /** Architecture, where the toolkit built the network. */
  architecture?: GeneratorConfig & { widths?: readonly number[] };
  size: number;
  /** Range of pixels in and out. */
  range: [number, number];
  taps?: readonly string[];
  params: number;
  /** Multiply-adds for one picture, in both conventions. */
  macs: { true: number; paper: number };
  bytes: number;
  sha256: string;
  /** Settings of the training that made it. */
  training?: object;
  /** Means over the sampled pictures, with the feature network where one was used. */
  metrics?: object;
  teacher?: { sha256: string; macs: number };
  data?: { source: string; hash: string; attribution?: string };
  recipe?: string;
  seed?: number;
  tool: string;
  backend: Backend['description'];
}

/** The part of a card that can be read off the network, its file and the run. */
export async function describeModel(
  { recipe, backend, source }: RunContext,
  network: Graph,
  file: string,
): Promise<Omit<Card, 'role'>> {
  const { name, hash, attribution } = await source();
  const { size } = recipe.data;
  const macs = countMacs(network, inputSymbols(network, { size }));
  return {
    size,
    range: [-1, 1],
    params: countParameters(network),
    macs: { true: macs.true, paper: macs.paper },
    bytes: statSync(file).size,
    sha256: await sha256File(file),
    data: { source: name, hash, ...(attribution && { attribution }) },
    recipe: recipe.name,
    seed: recipe.seed,
    tool: toolVersion,
    backend: backend.description,
  };
}

export function cardPath(model: string): string {
  return model.replace(/\.onnx$/, '.card.json');
}

export async function writeCard(model: string, card: Card): Promise<void> {
  await writeJsonAtomic(cardPath(model), card);
}

/** The card beside a model, or undefined when there is none or it cannot be read. */
export function readCard(model: string): Card | undefined {
  const path = cardPath(model);
  if (!existsSync(path)) return undefined;
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Card;
  } catch {
    return undefined;
  }
}
