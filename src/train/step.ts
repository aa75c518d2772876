import { gradient } from '../autodiff/gradient.ts';
import type { Program, State } from '../backend/backend.ts';
import type { Value } from '../graph/graph.ts';
import { Graph } from '../graph/graph.ts';
import { prune } from '../graph/prune.ts';
import { adversarialTerms } from './adversary.ts';
import type { Policy } from './diffaugment.ts';
import type { AppliedStudent, Distillation } from './distillation.ts';
import { distillTerms } from './distillation.ts';
import { type Elastic, elasticStudents } from './elastic-students.ts';
import { type Encoder, encodedLatent } from './encoded-latent.ts';
import { generatorFeeds, stepInputs } from './generator-feeds.ts';
import type { GanMode, ReconLoss } from './losses.ts';
import { average, reconstructionLoss, total } from './losses.ts';
import { adamInputs } from './optimiser.ts';
import { type Perceptual, perceptualLoss } from './perceptual.ts';
import { apply, declareTrained, dropoutInputs, update } from './trained-network.ts';

/** Everything that shapes the program of one training step. */
export interface StepOptions {
  generator: Graph;
  discriminator: Graph;
  batch: number;
  size: number;
  beta1: number;
  beta2: number;
  ganMode: GanMode;
  recon: ReconLoss;
  lambdaGan: number;
  lambdaRecon: number;
  /** Weight of feature matching in the discriminator. */
  lambdaFeature?: number | undefined;
  /** Weight of the perceptual loss by the network `perceptual`. */
  lambdaPerceptual?: number | undefined;
  perceptual?: Perceptual | undefined;
  diffaugment: readonly Policy[];
  /** Whether a moving average of the generator is kept. */
  ema: boolean;
  /** Seed of the adaptors' initial weights. */
  seed: number;
  distillation?: Distillation;
  /** Takes the latent vectors from the true pictures; not with `elastic`. */
  encoder?: Encoder | undefined;
  /** Trains all widths of a space at once. */
  elastic?: Elastic;
}

/** Scalars a step returns. */
export const lossNames = [
  'gan',
  'feature',
  'perceptual',
  'recon',
  'kl',
  'distill',
  'dReal',
  'dFake',
  'penalty',
] as const;

/**
 * The program of one complete GAN training step on `image` ([batch, C, size, size] in [−1, 1]) and what the networks take of
 * `condition` ([batch, C, size, size], or of classes [batch, K]) and `latent` ([batch, Z], standard normal): generator,
 * discriminator, losses, both gradients, Adam and moving average. As in pix2pix distillation (Li et al. 2020), one forward of
 * the generator serves both losses, and both gradients are taken at the weights before the step. The generator minimises
 *
 *   λ_gan·GAN + λ_feature·FM(G, t) + λ_perceptual·P(G, t) + λ_recon·R(G, t) + λ_kl·KL + λ_distill·Σ_k D_k
 *
 * with t the true image, or the teacher's where the reconstruction compares with it (Li et al. 2020, §3.1; Park et al. 2019, §3
 * for FM and P); the discriminator ½(real + fake), and the penalty of wgangp. Teacher and student get the same latent vectors:
 * those that are fed, or with `encoder` those of the true pictures, for which the noise is fed, and whose network is trained along by
 * the same loss (see `encodedLatent`).
 *
 * With `elastic` one program serves all widths (once-for-all training, Li et al. 2020, §3.2): the generator is applied at the
 * widths that are fed, or three times in a step of the sandwich rule, where the losses are means over the three.
 *
 * Returned scalars are unweighted losses by `lossNames`. Feeds besides the pictures: `g/stepSize`, `g/epsilon`, `d/…` alike,
 * `emaRate`, `augmentD/…` and `augmentG/…`, `mix` (wgangp), `dropout/i`, `width/<entry>`.
 */
export function stepProgram(options: StepOptions): Program {
  const { generator, discriminator, distillation, elastic } = options;
  const graph = new Graph('step');
  const { condition, image, latent } = stepInputs(graph, options);

  const g = declareTrained(graph, 'g', generator, { frozen: !!elastic });
  const encoded =
    options.encoder && latent ? encodedLatent(graph, options.encoder, image, latent) : undefined;
  const given = { condition, latent: encoded?.latent ?? latent };
  const inputs = generatorFeeds(generator, given);
  const dropout = dropoutInputs(graph);
  const students: AppliedStudent[] = elastic
    ? elasticStudents(graph, g, elastic, inputs, dropout)
    : [{ applied: apply(graph, g, inputs, 'generator', { dropout }) }];
  const fakes = students.map(({ applied }) => applied.outputs[0]!);

  const { lambdaFeature = 0, lambdaPerceptual = 0 } = options;
  const d = options.lambdaGan > 0 ? declareTrained(graph, 'd', discriminator) : undefined;
  const taught = () =>
    distillation && distillTerms(graph, distillation, given, generator, students, options.seed);
  const asTeacher = distillation?.reconTarget === 'teacher';
  const known = asTeacher && lambdaFeature > 0 ? taught() : undefined;
  const judging = { ...options, matched: known?.image };
  const adversary = d && adversarialTerms(graph, judging, d, condition, image, fakes);
  const distilled = known ?? taught();
  const truth = asTeacher ? distilled!.image! : image;
  const recon =
    options.lambdaRecon > 0
      ? average(fakes.map((fake) => reconstructionLoss(options.recon, fake, truth)))
      : undefined;
  const perceptual =
    options.perceptual && lambdaPerceptual > 0
      ? perceptualLoss(graph, options.perceptual, fakes, truth)
      : undefined;

  const lossG = total(graph, [
    [options.lambdaGan, adversary?.generator],
    [lambdaFeature, adversary?.feature],
    [lambdaPerceptual, perceptual],
    [options.lambdaRecon, recon],
    [options.encoder?.lambdaKl ?? 0, encoded?.kl],
    [distillation?.lambdaDistill ?? 0, distilled?.loss],
  ]);
  const adamOptions = { beta1: options.beta1, beta2: options.beta2 };
  const rate = options.ema ? graph.input('emaRate', 'float32', []) : undefined;
  const gInputs = adamInputs(graph, 'g');
  const [{ applied }] = students as [AppliedStudent];
  // Where all channels take part in every step, or may drift, none has to be kept.
  const keeps = elastic && students.length === 1 && !elastic.drift;
  // One pass backwards serves generator and encoder: it goes through the one to the other.
  const slopes =
    encoded &&
    gradient(
      lossG,
      [g, encoded.encoder].flatMap(({ weights }) => [...weights.values()]),
      [...g.held, ...encoded.encoder.held],
    );
  const state: State[] = [
    ...update(graph, g, slopes?.slice(0, g.weights.size) ?? lossG, gInputs, adamOptions, {
      rate,
      ...(elastic ? {} : { statistics: applied.statistics }),
      slices: keeps ? applied.slices : undefined,
    }),
    ...(encoded && slopes
      ? update(graph, encoded.encoder, slopes.slice(g.weights.size), gInputs, adamOptions, {
          statistics: encoded.statistics,
        })
      : []),
    ...(distilled?.adaptors
      ? update(graph, distilled.adaptors, lossG, gInputs, adamOptions, {
          slices: keeps ? distilled.slices : undefined,
        })
      : []),
    ...(d && adversary
      ? update(graph, d, adversary.discriminator, adamInputs(graph, 'd'), adamOptions, {
          statistics: adversary.statistics,
        })
      : []),
  ];
  const losses = {
    gan: adversary?.generator,
    feature: adversary?.feature,
    perceptual,
    recon,
    kl: encoded?.kl,
    distill: distilled?.loss,
    ...adversary?.parts,
  };
  for (const name of lossNames) {
    const value = (losses as Partial<Record<typeof name, Value>>)[name];
    if (value) graph.output(value, name);
  }
  return { graph: prune(graph), state };
}
