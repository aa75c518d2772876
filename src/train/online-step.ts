import type { Program } from '../backend/backend.ts';
import type { Batch } from '../data/batch.ts';
import { float32, Graph, type Tensor } from '../graph/graph.ts';
import { prune } from '../graph/prune.ts';
import { greater } from '../ops/elementwise.ts';
import { adversarialTerms } from './adversary.ts';
import type { Policy } from './diffaugment.ts';
import { type FeedOptions, stepFeeds } from './feeds.ts';
import { generatorFeeds, stepInputs } from './generator-feeds.ts';
import { type GanMode, type ReconLoss, reconstructionLoss, total } from './losses.ts';
import { channelAdaptors, channelLoss, ssimLoss, styleLoss, variationLoss } from './online-losses.ts';
import { adamFeeds, adamInputs, learningRate } from './optimiser.ts';
import { type Perceptual, perceptualFeatures } from './perceptual.ts';
import { apply, declareTrained, dropoutInputs, update } from './trained-network.ts';

/** What a student learns of a teacher that is trained at the same time. */
export interface OnlineWeights {
  lambdaSsim: number;
  lambdaStyle: number;
  lambdaContent: number;
  lambdaVariation: number;
  lambdaChannel: number;
  /** Steps of the student for each of the teacher and the discriminator. */
  teacherEvery: number;
}

/** Everything that shapes the program of one step of a teacher and its student. */
export interface OnlineOptions extends OnlineWeights {
  teacher: Graph;
  student: Graph;
  discriminator: Graph;
  /** Values whose channels are compared, by name in both networks. */
  taps: readonly string[];
  perceptual?: Perceptual | undefined;
  batch: number;
  size: number;
  beta1: number;
  beta2: number;
  ganMode: GanMode;
  recon: ReconLoss;
  lambdaGan: number;
  lambdaRecon: number;
  diffaugment: readonly Policy[];
  /** Whether moving averages of both generators are kept. */
  ema: boolean;
  /** Seed of the adaptors' initial weights. */
  seed: number;
}

/** Scalars a step returns: what the teacher learns by, then what the student does. */
export const onlineLossNames = [
  ...['gan', 'recon', 'dReal', 'dFake', 'penalty'],
  ...['ssim', 'style', 'content', 'variation', 'channel'],
] as const;

/** Activations whose Gram matrices are compared, from the finest, and the one that is compared itself. */
const [styleTaps, contentTap] = [4, 1];

/**
 * The program of one step of online distillation (OMGD, Ren et al. 2021, §3): a wide teacher, a student, and a discriminator of
 * the teacher alone. The teacher is trained as any generator, by λ_gan·GAN + λ_recon·R(T, truth); the student, which sees neither
 * truth nor discriminator, by what it makes beside the teacher's picture of the same step,
 *
 *   λ_ssim·(1 − SSIM) + λ_style·Σ L1(Gram) + λ_content·L1(φ₂) + λ_variation·TV + λ_channel·Σ_k mean (GAP(f_k(S_k)) − GAP(T_k))²
 *
 * with φ the activations of a frozen network, the first four of them for the Gram matrices. The student's gradient does not reach
 * the teacher. All weights are updated from those before the step; with `teacherEvery` n the teacher and the discriminator keep
 * theirs in all but every nth step.
 *
 * In the state the student is `g`, the teacher `t`, the discriminator `d`, the adaptors f `a`. Returned scalars are unweighted
 * losses by `onlineLossNames`. Feeds: see `onlineFeeds`.
 */
export function onlineProgram(options: OnlineOptions): Program {
  const { batch, teacher, student, taps, perceptual, teacherEvery } = options;
  const graph = new Graph('online-step');
  const networks = { generator: student, distillation: { teacher }, discriminator: options.discriminator };
  const { condition, image, latent } = stepInputs(graph, { ...options, ...networks });
  const given = { condition, latent };
  const dropout = dropoutInputs(graph);

  const [t, s] = [declareTrained(graph, 't', teacher), declareTrained(graph, 'g', student)];
  const taught = apply(graph, t, generatorFeeds(teacher, given), 'teacher', { dropout });
  const learned = apply(graph, s, generatorFeeds(student, given), 'student', { dropout });
  const [wanted, made] = [taught.outputs[0]!, learned.outputs[0]!];

  const d = options.lambdaGan > 0 ? declareTrained(graph, 'd', options.discriminator) : undefined;
  const adversary = d && adversarialTerms(graph, options, d, condition, image, [wanted]);
  const recon = options.lambdaRecon > 0 ? reconstructionLoss(options.recon, wanted, image) : undefined;

  const ssim = options.lambdaSsim > 0 ? ssimLoss(graph, made, wanted) : undefined;
  const features = perceptual && perceptualFeatures(graph, perceptual);
  const [seen, target] = [features?.(made, 'seen'), features?.(wanted, 'target')];
  const style =
    seen && options.lambdaStyle > 0
      ? styleLoss(seen.slice(0, styleTaps), target!.slice(0, styleTaps))
      : undefined;
  const place = Math.min(contentTap, (seen?.length ?? 1) - 1);
  const content =
    seen && options.lambdaContent > 0 ? reconstructionLoss('l1', seen[place]!, target![place]!) : undefined;
  const variation = options.lambdaVariation > 0 ? variationLoss(made) : undefined;

  const compared = options.lambdaChannel > 0 ? taps : [];
  const pairs = compared.map((tap) => ({
    student: learned.values.get(tap)!,
    teacher: taught.values.get(tap)!,
  }));
  const a =
    pairs.length > 0 ? declareTrained(graph, 'a', channelAdaptors(pairs, batch, options.seed)) : undefined;
  const adapted =
    a && apply(graph, a, Object.fromEntries(pairs.map((p, i) => [`tap${i + 1}`, p.student])), 'adaptors');
  const channel =
    adapted &&
    channelLoss(
      adapted.outputs,
      pairs.map((p) => p.teacher),
    );

  const lossT = total(graph, [
    [options.lambdaGan, adversary?.generator],
    [options.lambdaRecon, recon],
  ]);
  const lossS = total(graph, [
    [options.lambdaSsim, ssim],
    [options.lambdaStyle, style],
    [options.lambdaContent, content],
    [options.lambdaVariation, variation],
    [options.lambdaChannel, channel],
  ]);
  const adam = { beta1: options.beta1, beta2: options.beta2 };
  const rate = options.ema ? graph.input('emaRate', 'float32', []) : undefined;
  const when = teacherEvery > 1 ? greater(graph.input('teach', 'float32', []), 0) : undefined;
  const own = adamInputs(graph, 'g');
  const state = [
    ...update(graph, s, lossS, own, adam, { rate, statistics: learned.statistics }),
    ...(a && adapted ? update(graph, a, lossS, own, adam, { statistics: adapted.statistics }) : []),
    ...update(graph, t, lossT, adamInputs(graph, 't'), adam, { rate, statistics: taught.statistics, when }),
    ...(d && adversary
      ? update(graph, d, adversary.discriminator, adamInputs(graph, 'd'), adam, {
          statistics: adversary.statistics,
          when,
        })
      : []),
  ];
  const losses = new Map(
    Object.entries({
      gan: adversary?.generator,
      recon,
      ...adversary?.parts,
      ssim,
      style,
      content,
      variation,
      channel,
    }),
  );
  for (const name of onlineLossNames) {
    const value = losses.get(name);
    if (value) graph.output(value, name);
  }
  return { graph: prune(graph), state };
}

/**
 * What step `step` (0, 1, …) feeds: what `stepFeeds` does, the rates of teacher and discriminator by the number of updates they
 * have had, and `teach`, 1 in the steps in which these learn.
 */
export function onlineFeeds(
  graph: Graph,
  batch: Batch,
  step: number,
  options: FeedOptions & Pick<OnlineWeights, 'teacherEvery'>,
): Record<string, Tensor> {
  const { teacherEvery, lr, lrDiscriminator = lr } = options;
  const feeds = stepFeeds(graph, batch, step, options);
  const names = new Set(graph.inputs.map(({ name }) => name));
  const updates = Math.floor(step / teacherEvery) + 1;
  const rate = (full: number) =>
    learningRate(full, options.schedule, options.constantFraction, step, options.steps);
  if (names.has('t/stepSize')) Object.assign(feeds, adamFeeds('t', updates, rate(lr), options));
  if (names.has('d/stepSize')) Object.assign(feeds, adamFeeds('d', updates, rate(lrDiscriminator), options));
  if (names.has('teach')) feeds.teach = float32([], [step % teacherEvery === 0 ? 1 : 0]);
  return feeds;
}
