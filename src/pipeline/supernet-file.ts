import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { channelGroups } from '../compress/groups.ts';
import { narrow } from '../compress/narrow.ts';
import type { Architecture } from '../compress/student.ts';
import { channelsAt, type WidthSpace, type WidthVector } from '../compress/width-space.ts';
import { makeBatch } from '../data/batch.ts';
import { float32, type Graph, type Tensor } from '../graph/graph.ts';
import { loadOnnx } from '../ops/import-onnx.ts';
import { architectureSchema } from '../recipe/networks.ts';
import { recalibrate } from '../train/recalibrate.ts';
import { GanletError } from '../util/errors.ts';
import { exists } from '../util/exists.ts';
import { rng } from '../util/rng.ts';
import type { RunContext } from './context.ts';
import { searchIndices } from './search-split.ts';

/** What the supernet stage left: one network whose channels are sorted, and what may be cut from it. */
export interface Supernet {
  /** All widths; the first channels of each group are the network at a narrower one. */
  graph: Graph;
  space: WidthSpace;
  /** What the whole network could be built as, where it is one of ours. */
  architecture?: Architecture | undefined;
}

export const supernetFile = ({ out }: Pick<RunContext, 'out'>) => join(out, 'supernet', 'network.onnx');

const notes = z.object({
  architecture: architectureSchema.optional(),
  space: z.array(
    z.object({
      name: z.string(),
      groups: z.array(z.string()),
      unit: z.number(),
      full: z.number(),
      choices: z.array(z.number()).min(1),
    }),
  ),
});

/** Reads `supernet/`. Throws SUPERNET_MISSING before the stage has run, NOTES_INVALID, and what `loadOnnx` throws. */
export function loadSupernet({ out, loaded }: Pick<RunContext, 'out' | 'loaded'>): Supernet {
  const file = supernetFile({ out });
  const run = `ganlet supernet ${loaded.file} --out ${out}`;
  if (!exists(file)) {
    throw new GanletError('SUPERNET_MISSING', `the supernet must be at ${file}, there is none`, {
      hint: `train it first: ${run}`,
    });
  }
  const path = file.replace('.onnx', '.json');
  try {
    const { space, architecture } = notes.parse(JSON.parse(readFileSync(path, 'utf8')));
    return { graph: loadOnnx(file), space, architecture: architecture as Architecture | undefined };
  } catch (cause) {
    if (cause instanceof GanletError) throw cause;
    throw new GanletError(
      'NOTES_INVALID',
      `${path} must be what the training wrote, it is missing or damaged`,
      { hint: `write it again from the last training state: ${run}`, cause },
    );
  }
}

/**
 * The static network at a vector: the first channels of every group, and what it could be built as. Statistics of batch
 * normalisation are those of the whole network until `recalibrated`. Throws WIDTHS_INVALID.
 */
export function cutSupernet(
  { graph, space, architecture }: Supernet,
  vector: WidthVector,
): { graph: Graph; architecture?: Architecture } {
  const keep = new Map(
    [...channelsAt(space, vector)].map(([group, width]) => [
      group,
      Array.from({ length: width }, (_, i) => i),
    ]),
  );
  return {
    graph: narrow(graph, keep, channelGroups(graph)),
    ...(architecture?.type === 'resnet' && { architecture: { ...architecture, widths: [...vector] } }),
  };
}

/** Batches and pictures in a batch for statistics taken anew. */
const [calibrationBatches, calibrationBatch] = [32, 16];

/**
 * The network with its batch normalisation's statistics taken anew on training pictures the supernet has seen: to be done for
 * every network cut out of it, before it is scored or exported. Without batch normalisation nothing changes.
 */
export async function recalibrated(context: RunContext, network: Graph): Promise<Graph> {
  return recalibrate(network, await calibrationConditions(context), context.backend);
}

/** Conditions [16, C, size, size] of training pictures; fewer batches, and smaller ones, of small data. */
export async function calibrationConditions({ recipe, source: open }: RunContext): Promise<Tensor[]> {
  const source = await open();
  const pictures = searchIndices(recipe, source.counts).train;
  const order = rng(recipe.seed, 'recalibration').shuffle([...pictures]);
  const size = Math.min(calibrationBatch, order.length);
  const count = Math.min(calibrationBatches, Math.floor(order.length / size));
  return Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const indices = order.slice(i * size, (i + 1) * size);
      const { condition } = await makeBatch(source, 'train', indices, {}, rng(0, 'unused'));
      return float32([size, source.channels.condition, source.size, source.size], condition);
    }),
  );
}
