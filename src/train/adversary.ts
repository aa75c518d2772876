import type { Graph, Value } from '../graph/graph.ts';
import { showShape } from '../graph/graph.ts';
import { add } from '../ops/elementwise.ts';
import { concat } from '../ops/segments.ts';
import { GanletError } from '../util/errors.ts';
import type { Policy } from './diffaugment.ts';
import { augmentInputs, diffAugment } from './diffaugment.ts';
import type { GanMode } from './losses.ts';
import {
  average,
  discriminatorLoss,
  generatorLoss,
  gradientPenalty,
  matchingLoss,
  summed,
} from './losses.ts';
import type { TrainedNetwork } from './trained-network.ts';
import { apply } from './trained-network.ts';

/** What of a step's options concerns the discriminator. */
export interface AdversaryOptions {
  ganMode: GanMode;
  diffaugment: readonly Policy[];
  batch: number;
  size: number;
  /** Weight of feature matching; without it the loss is not computed. */
  lambdaFeature?: number | undefined;
  /** What feature matching compares with; by default the real images. */
  matched?: Value | undefined;
  /** Tells the inputs apart from those of another discriminator in the program: `augmentD<suffix>/…`. */
  suffix?: string;
  /** What the discriminator's own loss sees in the place of each generated image, as from a pool; by default the image. */
  seen?: readonly Value[];
}

/** Losses from a discriminator's verdicts; all scalars, none weighted. */
export interface AdversarialTerms {
  generator: Value;
  /** Feature matching, where it is asked for. */
  feature?: Value;
  /** With the gradient penalty of wgangp. */
  discriminator: Value;
  parts: { dReal: Value; dFake: Value; penalty?: Value };
  /** New running statistics of batch normalisation. */
  statistics: Map<string, Value>;
}

/** What a discriminator says of a batch. */
interface Verdict {
  /** One tensor of scores for each scale. */
  scores: Value[];
  /** Inner activations by the names of their outputs, `feature/<scale>/<layer>`. */
  features: Map<string, Value>;
  statistics: Map<string, Value>;
}

/**
 * Losses of a discriminator on real and generated images [batch, C, size, size], each side with its own draw of DiffAugment;
 * several `fakes` count by their mean.
 *
 * The discriminator's first input is the image, with the condition before it on axis 1 where it takes so many channels; an
 * input `class` [batch, K] takes a condition of classes. Outputs named `score`, `score/1`, … are its verdicts: over several of
 * them (scales) hinge and wgangp are averaged, lsgan and vanilla summed, as in the code of Park et al. (2019). Outputs
 * `feature/<scale>/<layer>` are compared by feature matching (see `matchingLoss`), with those of the images `matched`; under
 * DiffAugment these are judged once more for it, augmented as the generated ones are, so that places correspond.
 *
 * Throws DISCRIMINATOR_UNFIT for feature matching without such outputs, and for inputs that nothing can be fed to.
 */
export function adversarialTerms(
  graph: Graph,
  options: AdversaryOptions,
  d: TrainedNetwork,
  condition: Value | undefined,
  image: Value,
  fakes: readonly Value[],
): AdversarialTerms {
  const { diffaugment, batch, size, ganMode, lambdaFeature = 0, suffix = '' } = options;
  const none = diffaugment.length === 0;
  const drawD = none ? {} : augmentInputs(graph, `augmentD${suffix}`, diffaugment, batch, size);
  const drawG = none ? {} : augmentInputs(graph, `augmentG${suffix}`, diffaugment, batch, size);
  const mix = ganMode === 'wgangp' ? graph.input(`mix${suffix}`, 'float32', [batch, 1, 1, 1]) : undefined;
  const judge = judging(graph, d, condition, image);

  const realPair = diffAugment(condition, image, drawD);
  const real = judge(realPair.condition, realPair.image, `${d.name}-real`);
  const matched = () => {
    const wanted = options.matched ?? image;
    if (none && wanted === image) return real;
    const pair = diffAugment(condition, wanted, drawG);
    return judge(pair.condition, pair.image, `${d.name}-match`);
  };
  const wanted = lambdaFeature > 0 ? matched() : undefined;
  if (wanted) needFeatures(d, wanted);
  const terms = fakes.map((fake, k) => {
    const use = (name: string) => `${d.name}-${name}${fakes.length > 1 ? k + 1 : ''}`;
    const fakePair = diffAugment(condition, fake, drawG);
    const judged = judge(fakePair.condition, fakePair.image, use('generator'));
    // Without augmentation both losses see the same scores of the generated pictures.
    const shown = options.seen?.[k] ?? fake;
    const same = none && shown === fake;
    const seenPair = same ? fakePair : diffAugment(condition, shown, drawD);
    const seen = same ? judged : judge(seenPair.condition, seenPair.image, use('fake'));
    const losses = discriminatorLosses(ganMode, real.scores, seen.scores);
    const penalty =
      mix &&
      gradientPenalty(
        realPair.image,
        seenPair.image,
        mix,
        (x) => judge(realPair.condition, x, use('mix')).scores,
      );
    const generator = overScales(
      ganMode,
      judged.scores.map((score) => generatorLoss(ganMode, score)),
    );
    const feature = wanted && matchingLoss(judged.features, wanted.features);
    return { ...losses, penalty, generator, feature };
  });
  const mean = (pick: (term: (typeof terms)[number]) => Value) => average(terms.map(pick));
  const penalty = mix && mean((t) => t.penalty!);
  const discriminator = mean((t) => t.total);
  return {
    generator: mean((t) => t.generator),
    ...(wanted && { feature: mean((t) => t.feature!) }),
    discriminator: penalty ? add(discriminator, penalty) : discriminator,
    parts: { dReal: terms[0]!.real, dFake: mean((t) => t.fake), ...(penalty && { penalty }) },
    statistics: real.statistics,
  };
}

type Judge = (condition: Value | undefined, x: Value, use: string) => Verdict;

/** Applies the discriminator to images with their conditions, as many of these as it takes. */
function judging(graph: Graph, d: TrainedNetwork, condition: Value | undefined, image: Value): Judge {
  const [first, ...others] = d.network.inputs as [Value, ...Value[]];
  const before = condition?.shape.length === 4 && first.shape[1] !== image.shape[1];
  const classes = others.map((input) => {
    const fits = condition?.shape.length === 2 && String(condition.shape[1]) === String(input.shape[1]);
    if (fits && others.length === 1) return input.name;
    const found = condition ? `conditions ${showShape(condition.shape)}` : 'no conditions';
    throw unfit(`take images and the conditions there are, it wants ${input.name}, there are ${found}`);
  });
  const names = d.network.outputs.map(({ name }) => name);
  return (c, x, use) => {
    const inputs: Record<string, Value> = { [first.name]: before ? concat([c!, x], 1) : x };
    for (const name of classes) inputs[name] = c!;
    const { outputs, statistics } = apply(graph, d, inputs, use);
    const scores = outputs.filter((_, i) => names[i]!.startsWith('score'));
    return {
      // A foreign discriminator calls its verdict as it likes.
      scores: scores.length > 0 ? scores : outputs.slice(0, 1),
      features: new Map(
        outputs.flatMap((y, i) => (names[i]!.startsWith('feature/') ? [[names[i]!, y] as const] : [])),
      ),
      statistics,
    };
  };
}

function discriminatorLosses(
  mode: GanMode,
  real: readonly Value[],
  fake: readonly Value[],
): ReturnType<typeof discriminatorLoss> {
  const each = real.map((score, k) => discriminatorLoss(mode, score, fake[k]!));
  const over = (part: 'real' | 'fake' | 'total') =>
    overScales(
      mode,
      each.map((losses) => losses[part]),
    );
  return { real: over('real'), fake: over('fake'), total: over('total') };
}

function overScales(mode: GanMode, losses: readonly Value[]): Value {
  return mode === 'hinge' || mode === 'wgangp' ? average(losses) : summed(losses);
}

function needFeatures({ network }: TrainedNetwork, { features }: Verdict): void {
  if (features.size > 0) return;
  const names = network.outputs.map(({ name }) => name).join(', ');
  throw unfit(`give feature/… outputs for feature matching, it gives ${names}`);
}

function unfit(must: string): GanletError {
  return new GanletError('DISCRIMINATOR_UNFIT', `the discriminator must ${must}`, {
    hint: 'take one of the types of `discriminator`, with initDiscriminator random',
  });
}
