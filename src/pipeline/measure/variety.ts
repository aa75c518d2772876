import { drawLatents } from '../../data/latents.ts';
import type { Source } from '../../data/source.ts';
import type { Graph } from '../../graph/graph.ts';
import { type Diversity, diversitySum } from '../../metrics/diversity.ts';
import type { Levels } from '../../metrics/levels.ts';
import { openPerceptual, type PerceptualDistance } from '../../metrics/networks/perceptual.ts';
import { boxDownscale, type Pictures } from '../../metrics/path-pictures.ts';
import { type PathLength, pathLength, pathLengthFloor } from '../../metrics/ppl.ts';
import { quantise } from '../../metrics/quantise.ts';
import { latentSize } from '../../models/generator-inputs.ts';
import { GanletError } from '../../util/errors.ts';
import type { RunContext } from '../context.ts';
import { compileGenerator, type Generating } from '../generate.ts';
import { conditionsOf, type GivenConditions } from '../given-conditions.ts';
import type { RunModel } from '../run-models.ts';
import type { MeasuredVariety } from './metrics-file.ts';
import type { MeasureNetworks } from './networks.ts';

/** Metrics of what a latent vector does to the picture. */
export const varietyMetrics = ['ppl', 'diversity'] as const;

/** Pictures of a condition whose distances are taken, all pairs of them (Choi et al. 2020: 10, 45 pairs), and the most conditions. */
const [variants, mostConditions] = [10, 100];

/** Pairs on which it is seen whether equal latents give equal pictures. */
const repeated = 16;

/**
 * For each model, what its latent vectors do, where the recipe asks for it: `ppl`, the perceptual path length in z between random
 * ends, at uniform places (full) and at the first end (end); `diversity`, the mean distance of pictures made for one condition
 * from different vectors. Both by the network `evaluate.lpips`; the path length of pictures as the network gives them, not
 * rounded, brought down to about 256 pixels. All models are given the same conditions, and the same vectors where these are
 * equally long. Throws LATENT_MISSING for a model without latent input, and as `pathLength` and `openPerceptual`.
 */
export async function measureVariety(
  context: RunContext,
  source: Source,
  models: readonly (Pick<RunModel, 'role' | 'path'> & { graph: Graph })[],
  { perceptual: network }: MeasureNetworks,
): Promise<(MeasuredVariety | undefined)[]> {
  const { recipe, backend, log } = context;
  const { metrics, paths } = recipe.evaluate;
  const wanted = varietyMetrics.filter((name) => metrics.includes(name));
  if (wanted.length === 0 || !network) return models.map(() => undefined);
  const { threads } = backend.description;
  const distance = await openPerceptual(network, { threads, provider: recipe.provider });
  const progress = context.progress(models.length, wanted.join(', '));
  const measured: MeasuredVariety[] = [];
  try {
    const conditions = await conditionsOf(source, recipe.evaluate.split);
    for (const { path, graph } of models) {
      needLatent(graph, path);
      const generator = await compileGenerator(graph, source.size, backend);
      const of = { generator, latent: latentSize(graph), source, conditions, distance };
      try {
        measured.push({
          label: network.label,
          ...(wanted.includes('ppl') && { ppl: await lengths(of, paths) }),
          ...(wanted.includes('diversity') && { diversity: withoutWarnings(await diversity(of)) }),
        });
      } finally {
        await generator.dispose();
      }
      progress.update(measured.length);
    }
    for (const { ppl } of measured) {
      if (!ppl || !(ppl.floor > 0)) continue;
      log.warn(
        `equal latents do not give equal pictures: of the path length ${ppl.floor.toPrecision(3)} is noise`,
      );
    }
    return measured;
  } finally {
    progress.end();
    await distance.dispose();
  }
}

/** Throws LATENT_MISSING, naming the file, for a network that is given no latent vector. */
export function needLatent(graph: Graph, path: string): void {
  if (latentSize(graph) > 0) return;
  throw new GanletError(
    'LATENT_MISSING',
    `${varietyMetrics.join(' and ')} need a generator that is given a latent vector, ${path} is given none`,
    { hint: 'leave them out of evaluate.metrics' },
  );
}

interface Measured {
  generator: Generating;
  latent: number;
  source: Source;
  conditions: GivenConditions;
  distance: PerceptualDistance;
}

async function lengths(measured: Measured, count: number): Promise<NonNullable<MeasuredVariety['ppl']>> {
  const { generator, latent, source, conditions, distance } = measured;
  const { size, channels } = source;
  const shape = { channels: channels.image, height: size, width: size };
  const subject = {
    latentSize: latent,
    classes: conditions.count,
    async generate({ latents, labels }: { latents: Float64Array; labels: Uint32Array }): Promise<Pictures> {
      const data = await generator.generate(await conditions.of(labels), Float32Array.from(latents));
      return inColour(boxDownscale({ data, ...shape }));
    },
    async distance(a: Pictures, b: Pictures) {
      const { height, width } = a;
      return distance.distancesOf(a.data, b.data, {
        count: a.data.length / (3 * height * width),
        height,
        width,
      });
    },
  };
  const options = { count, interpolation: 'slerpAny' } as const;
  const one = ({ mean, interval }: PathLength) => ({
    value: mean,
    low: interval?.low ?? null,
    high: interval?.high ?? null,
  });
  return {
    full: one(await pathLength(subject, { ...options, sampling: 'full' })),
    end: one(await pathLength(subject, { ...options, sampling: 'end' })),
    floor: await pathLengthFloor(subject, { ...options, count: Math.min(count, repeated) }),
    count,
  };
}

/** Grey pictures as colour. */
function inColour(pictures: Pictures): Pictures {
  const { data, channels, height, width } = pictures;
  if (channels === 3) return pictures;
  const area = height * width;
  const colour = new Float32Array(3 * data.length);
  for (let i = 0; i < colour.length; i++) colour[i] = data[Math.floor(i / (3 * area)) * area + (i % area)]!;
  return { data: colour, channels: 3, height, width };
}

async function diversity(measured: Measured): Promise<Diversity> {
  const { generator, latent, source, conditions, distance } = measured;
  const sum = diversitySum<Levels>(async (a, b) => (await distance.distances([[a, b]]))[0]!);
  const groups = Math.min(conditions.count || mostConditions / variants, mostConditions);
  for (let group = 0; group < groups; group++) {
    const pictures: Levels[] = [];
    for (let i = 0; i < variants; i++) {
      const z = drawLatents(0, 'diversity', group * variants + i, latent);
      const condition = await conditions.of(Uint32Array.of(group).subarray(0, Math.min(1, conditions.count)));
      pictures.push({
        data: quantise(await generator.generate(condition, z)),
        channels: source.channels.image,
        height: source.size,
        width: source.size,
      });
    }
    await sum.add(pictures);
  }
  return sum.result();
}

function withoutWarnings({ warnings: _, ...rest }: Diversity): Omit<Diversity, 'warnings'> {
  return rest;
}
