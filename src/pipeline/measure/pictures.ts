import { makeBatch, realImages } from '../../data/batch.ts';
import { conditionColumn } from '../../data/draw-condition.ts';
import type { SheetColumn } from '../../data/sheet.ts';
import { hasTruth, type Source } from '../../data/source.ts';
import type { Graph } from '../../graph/graph.ts';
import type { Levels } from '../../metrics/levels.ts';
import { openPerceptual } from '../../metrics/networks/perceptual.ts';
import { type Measuring, measurePairs, runningMean } from '../../metrics/paired.ts';
import { quantise } from '../../metrics/quantise.ts';
import { GanletError } from '../../util/errors.ts';
import { rng } from '../../util/rng.ts';
import type { RunContext } from '../context.ts';
import { compileGenerator, type Generating } from '../generate.ts';
import { pictureLatents } from '../given.ts';
import type { RunModel } from '../run-models.ts';
import type {
  MeasuredDistances,
  MeasuredDistribution,
  MeasuredSegmentation,
  MetricsFile,
  Role,
} from './metrics-file.ts';
import type { MeasureNetworks } from './networks.ts';
import { measureSegmentation } from './segmentation.ts';
import { measureSets } from './sets.ts';

export interface Measured {
  /** In the order of the models. */
  distances: {
    /** Empty where the data has no true pictures of its conditions. */
    truth: MeasuredDistances;
    teacher?: MeasuredDistances;
    distributions?: MeasuredDistribution[];
    segmentation?: MeasuredSegmentation;
  }[];
  /** Of the true pictures. */
  segmentation?: MeasuredSegmentation;
  /** The feature network of the distributions. */
  features?: NonNullable<MetricsFile['features']>;
  /** Condition and truth, where there are such, and what each model makes of some fixed pictures, for `sampleSheet`. */
  columns: SheetColumn[];
}

const shown = 8;

/**
 * Makes every picture of the split with every model, one at a time, and compares it with the truth, where the data has one, and
 * with the teacher's; as sets they are compared with the images of the split, whether or not these belong to its conditions.
 * Pictures are compared as the 8-bit pictures that would be saved. Memory does not grow with the split. The teacher, where
 * there is one, must come first. `networks` are those of the metrics that need any (see `measureNetworks`). Throws PICTURE_INVALID
 * naming the model whose picture is not finite, and as `measureSets` and `measureSegmentation`.
 */
export async function measurePictures(
  context: RunContext,
  source: Source,
  models: readonly (RunModel & { graph: Graph })[],
  networks: MeasureNetworks = {},
): Promise<Measured> {
  const { split, metrics } = context.recipe.evaluate;
  const { size, channels } = source;
  const count = source.counts[split];
  const measure = () => measurePairs(metrics, { channels: channels.image, height: size, width: size });
  const withTeacher = models[0]?.role === 'teacher';
  const paired = hasTruth(source, split);
  const segments = measureSegmentation<Role | 'truth'>(source, split, metrics);
  const rows = shownRows(count);
  const columns = new Map<string, { title: string; images: Uint8Array; channels: 1 | 3 }>();
  const show = (title: string, row: number | undefined, picture: Uint8Array) => {
    if (row === undefined) return;
    const column = columns.get(title) ?? {
      title,
      images: new Uint8Array(rows.size * picture.length),
      channels: channels.image,
    };
    columns.set(title, column);
    column.images.set(interleave(picture, size * size), row * picture.length);
  };
  const running: {
    role: Role;
    path: string;
    graph: Graph;
    generator: Generating;
    truth: Measuring;
    teacher?: Measuring;
    lpips: { truth: RunningMean; teacher: RunningMean };
  }[] = [];
  const sets = networks.features && (await measureSets(context, source, networks.features));
  const others = sets && !sets.knowsTruth && source.unpaired ? realImages(source, split) : undefined;
  const progress = context.progress(count + (others?.count ?? 0), 'evaluate');
  const { threads } = context.backend.description;
  const { provider } = context.recipe;
  const perceptual =
    networks.perceptual && metrics.includes('lpips')
      ? await openPerceptual(networks.perceptual, { threads, provider })
      : undefined;
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
        graph,
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
      if (paired) show('truth', row, image);
      if (paired) await segments?.add('truth', image, i);
      if (!source.unpaired) await sets?.add('truth', levels(image));
      let reference: Uint8Array | undefined;
      const compared: { pair: [Levels, Levels]; into: RunningMean }[] = [];
      for (const { role, path, graph, generator, truth, teacher, lpips } of running) {
        const made = await generator.generate(pair.condition, pictureLatents(graph, split, [i]));
        const picture = levelsOf(path, made, image.length);
        show(role, row, picture);
        await sets?.add(role, levels(picture));
        await segments?.add(role, picture, i);
        if (paired) {
          truth.add(picture, image);
          compared.push({ pair: [levels(picture), levels(image)], into: lpips.truth });
        }
        if (role === 'teacher') reference = picture;
        else if (reference) {
          teacher?.add(picture, reference);
          compared.push({ pair: [levels(picture), levels(reference)], into: lpips.teacher });
        }
      }
      if (perceptual && compared.length > 0) {
        const found = await perceptual.distances(compared.map(({ pair }) => pair));
        for (const [k, { into }] of compared.entries()) into.add(found[k]!);
      }
      progress.update(i + 1);
    }
    for (let i = 0; i < (others?.count ?? 0); i++) {
      await sets!.add('truth', levels(quantise(await others!.image(i))));
      progress.update(count + i + 1);
    }
    progress.end();
    for (const warning of perceptual?.warnings() ?? []) context.log.warn(warning);
    const found = await sets?.results();
    const ceiling = segments?.result('truth');
    const first = await makeBatch(source, split, [...rows.keys()], {}, rng(0, 'unused'));
    const given = conditionColumn(source, first.condition);
    const withLpips = (measured: Measuring, lpips: RunningMean): MeasuredDistances => ({
      ...measured.distances(),
      ...(perceptual && { lpips: { label: perceptual.network.label, ...lpips.summary() } }),
    });
    return {
      distances: running.map(({ role, truth, teacher, lpips }) => {
        const distributions = found?.scores.get(role);
        const segmentation = segments?.result(role);
        return {
          truth: paired ? withLpips(truth, lpips.truth) : {},
          ...(teacher && { teacher: withLpips(teacher, lpips.teacher) }),
          ...(distributions && { distributions }),
          ...(segmentation && { segmentation }),
        };
      }),
      ...(ceiling && { segmentation: ceiling }),
      columns: [...(given ? [given] : []), ...columns.values()],
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
