import { makeBatch } from '../data/batch.ts';
import type { SheetColumn } from '../data/sheet.ts';
import type { PairedSource } from '../data/source.ts';
import type { Graph } from '../graph/graph.ts';
import type { Levels } from '../metrics/levels.ts';
import { openPerceptual } from '../metrics/networks/perceptual.ts';
import { type Measuring, measurePairs, runningMean } from '../metrics/paired.ts';
import { quantise } from '../metrics/quantise.ts';
import { GanletError } from '../util/errors.ts';
import { rng } from '../util/rng.ts';
import type { RunContext } from './context.ts';
import { compileGenerator, type Generating } from './generate.ts';
import type { MeasureNetworks } from './measure-networks.ts';
import { measureSets } from './measure-sets.ts';
import type { MeasuredDistances, MeasuredDistribution, MetricsFile, Role } from './metrics-file.ts';
import type { RunModel } from './run-models.ts';

export interface Measured {
  /** In the order of the models. */
  distances: {
    truth: MeasuredDistances;
    teacher?: MeasuredDistances;
    distributions?: MeasuredDistribution[];
  }[];
  /** The feature network of the distributions. */
  features?: NonNullable<MetricsFile['features']>;
  /** Condition, truth and what each model makes of some fixed pictures, for `sampleSheet`. */
  columns: SheetColumn[];
}

const shown = 8;

/**
 * Makes every picture of the split with every model, one at a time, and compares it with the truth and with the teacher's.
 * Pictures are compared as the 8-bit pictures that would be saved. Memory does not grow with the split. The teacher, where
 * there is one, must come first. `networks` are those of the metrics that need any (see `measureNetworks`). Throws PICTURE_INVALID
 * naming the model whose picture is not finite, and as `measureSets`.
 */
export async function measurePictures(
  context: RunContext,
  source: PairedSource,
  models: readonly (RunModel & { graph: Graph })[],
  networks: MeasureNetworks = {},
): Promise<Measured> {
  const { split, metrics } = context.recipe.evaluate;
  const { size, channels } = source;
  const count = source.counts[split];
  const measure = () => measurePairs(metrics, { channels: channels.image, height: size, width: size });
  const withTeacher = models[0]?.role === 'teacher';
  const rows = shownRows(count);
  const columns = new Map<string, { title: string; images: Uint8Array; channels: 1 | 3 }>();
  const show = (title: string, row: number | undefined, picture: Uint8Array) => {
    if (row === undefined) return;
    const column = columns.get(title) ?? {
      title,
      images: new Uint8Array(rows.size * picture.length),
      channels: title === 'condition' ? channels.condition : channels.image,
    };
    columns.set(title, column);
    column.images.set(interleave(picture, size * size), row * picture.length);
  };
  const progress = context.progress(count, 'evaluate');
  const running: {
    role: Role;
    path: string;
    generator: Generating;
    truth: Measuring;
    teacher?: Measuring;
    lpips: { truth: RunningMean; teacher: RunningMean };
  }[] = [];
  const sets = networks.features && (await measureSets(context, source, networks.features));
  const { threads } = context.backend.description;
  const { provider } = context.recipe;
  const perceptual =
    networks.perceptual && (await openPerceptual(networks.perceptual, { threads, provider }));
  const levels = (data: Uint8Array): Levels => ({
    data,
    channels: channels.image,
    height: size,
    width: size,
  });
  try {
    for (const { role, path, graph } of models) {
      const generator = await compileGenerator(graph, size, context.backend);
      const compared = withTeacher && role !== 'teacher';
      const lpips = { truth: runningMean(), teacher: runningMean() };
      running.push({
        role,
        path,
        generator,
        truth: measure(),
        lpips,
        ...(compared && { teacher: measure() }),
      });
    }
    for (let i = 0; i < count; i++) {
      const pair = await makeBatch(source, split, [i], {}, rng(0, 'unused'));
      const row = rows.get(i);
      const image = quantise(pair.image);
      show('condition', row, quantise(pair.condition));
      show('truth', row, image);
      await sets?.add('truth', levels(image));
      let reference: Uint8Array | undefined;
      const compared: { pair: [Levels, Levels]; into: RunningMean }[] = [];
      for (const { role, path, generator, truth, teacher, lpips } of running) {
        const picture = levelsOf(path, await generator.generate(pair.condition), image.length);
        show(role, row, picture);
        truth.add(picture, image);
        await sets?.add(role, levels(picture));
        compared.push({ pair: [levels(picture), levels(image)], into: lpips.truth });
        if (role === 'teacher') reference = picture;
        else if (reference) {
          teacher?.add(picture, reference);
          compared.push({ pair: [levels(picture), levels(reference)], into: lpips.teacher });
        }
      }
      if (perceptual) {
        const found = await perceptual.distances(compared.map(({ pair }) => pair));
        for (const [k, { into }] of compared.entries()) into.add(found[k]!);
      }
      progress.update(i + 1);
    }
    progress.end();
    for (const warning of perceptual?.warnings() ?? []) context.log.warn(warning);
    const found = await sets?.results();
    const withLpips = (measured: Measuring, lpips: RunningMean): MeasuredDistances => ({
      ...measured.distances(),
      ...(perceptual && { lpips: { label: perceptual.network.label, ...lpips.summary() } }),
    });
    return {
      distances: running.map(({ role, truth, teacher, lpips }) => {
        const distributions = found?.scores.get(role);
        return {
          truth: withLpips(truth, lpips.truth),
          ...(teacher && { teacher: withLpips(teacher, lpips.teacher) }),
          ...(distributions && { distributions }),
        };
      }),
      columns: [...columns.values()],
      ...(found && { features: found.features }),
    };
  } finally {
    progress.end();
    for (const { generator } of running) await generator.dispose();
    await sets?.dispose();
    await perceptual?.dispose();
  }
}

type RunningMean = ReturnType<typeof runningMean>;

/** Which pictures of a split are shown, and in which row: the same for every run on the same data. */
function shownRows(count: number): Map<number, number> {
  const order = rng(0, 'comparison').shuffle(Array.from({ length: count }, (_, i) => i));
  return new Map(order.slice(0, shown).map((index, row) => [index, row]));
}

function levelsOf(path: string, picture: Float32Array, length: number): Uint8Array {
  if (picture.length !== length) {
    throw new GanletError(
      'MODEL_MISMATCH',
      `${path} must make pictures of ${length} numbers, as the true ones have, it makes ${picture.length}`,
      { hint: 'make data.size and data.channels those the network was trained with' },
    );
  }
  try {
    return quantise(picture);
  } catch (cause) {
    throw new GanletError(
      'PICTURE_INVALID',
      `${path} must make finite pictures, it makes some that are not`,
      {
        hint: 'its training diverged, or the file is damaged: train it again, with a lower lr where it diverged',
        cause,
      },
    );
  }
}

/** Channels first to channels last. */
function interleave(planes: Uint8Array, area: number): Uint8Array {
  const channels = planes.length / area;
  return planes.map((_, o) => planes[(o % channels) * area + Math.floor(o / channels)]!);
}
