import type { Program, State } from '../backend/backend.ts';
import type { Value } from '../graph/graph.ts';
import { Graph } from '../graph/graph.ts';
import { prune } from '../graph/prune.ts';
import { add } from '../ops/elementwise.ts';
import { concat } from '../ops/segments.ts';
import type { AugmentInputs, Policy } from './diffaugment.ts';
import { augmentInputs, diffAugment } from './diffaugment.ts';
import type { AppliedStudent, Distillation } from './distillation.ts';
import { distillTerms } from './distillation.ts';
import { type Elastic, elasticStudents } from './elastic-students.ts';
import type { GanMode, ReconLoss } from './losses.ts';
import {
  average,
  discriminatorLoss,
  generatorLoss,
  gradientPenalty,
  reconstructionLoss,
  total,
} from './losses.ts';
import type { TrainedNetwork } from './trained-network.ts';
import { apply, declareTrained, update } from './trained-network.ts';

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
  diffaugment: readonly Policy[];
  /** Whether a moving average of the generator is kept. */
  ema: boolean;
  /** Seed of the adaptors' initial weights. */
  seed: number;
  distillation?: Distillation;
  /** Trains all widths of a space at once. */
  elastic?: Elastic;
}

/** Scalars a step returns. */
export const lossNames = ['gan', 'recon', 'distill', 'dReal', 'dFake', 'penalty'] as const;

/**
 * The program of one complete GAN training step on `condition` and `image` ([batch, C, size, size] in [−1, 1]): generator,
 * discriminator, losses, both gradients, Adam and moving average. As in pix2pix distillation (Li et al. 2020), one forward of
 * the generator serves both losses, and both gradients are taken at the weights before the step.
 *
 * With `elastic` one program serves all widths (once-for-all training, Li et al. 2020, §3.2): the generator is applied at the
 * widths that are fed, or three times in a step of the sandwich rule, where the losses are means over the three.
 *
 * Returned scalars are unweighted losses by `lossNames`. Feeds besides the pictures: `g/stepSize`, `g/epsilon`, `d/…` alike,
 * `emaRate`, `augmentD/…` and `augmentG/…`, `mix` (wgangp), `dropout/i`, `width/<entry>`.
 */
export function stepProgram(options: StepOptions): Program {
  const { batch, size, generator, discriminator, distillation, elastic } = options;
  const graph = new Graph('step');
  const channels = generator.inputs[0]!.shape[1]!;
  const condition = graph.input('condition', 'float32', [batch, channels, size, size]);
  const image = graph.input('image', 'float32', [batch, generator.outputs[0]!.shape[1]!, size, size]);
  const adamInputs = (prefix: string) => ({
    stepSize: graph.input(`${prefix}/stepSize`, 'float32', []),
    epsilon: graph.input(`${prefix}/epsilon`, 'float32', []),
  });

  const g = declareTrained(graph, 'g', generator, { frozen: !!elastic });
  const inputs = { [generator.inputs[0]!.name]: condition };
  const dropout = dropoutInputs(graph);
  const students: AppliedStudent[] = elastic
    ? elasticStudents(graph, g, elastic, inputs, dropout)
    : [{ applied: apply(graph, g, inputs, 'generator', { dropout }) }];
  const fakes = students.map(({ applied }) => applied.outputs[0]!);

  const d = options.lambdaGan > 0 ? declareTrained(graph, 'd', discriminator) : undefined;
  const adversary = d && adversarialTerms(graph, options, d, condition, image, fakes);

  const distilled =
    distillation && distillTerms(graph, distillation, condition, generator, students, options.seed);
  const truth = distillation?.reconTarget === 'teacher' ? distilled!.image! : image;
  const recon =
    options.lambdaRecon > 0
      ? average(fakes.map((fake) => reconstructionLoss(options.recon, fake, truth)))
      : undefined;

  const lossG = total(graph, [
    [options.lambdaGan, adversary?.generator],
    [options.lambdaRecon, recon],
    [distillation?.lambdaDistill ?? 0, distilled?.loss],
  ]);
  const adamOptions = { beta1: options.beta1, beta2: options.beta2 };
  const rate = options.ema ? graph.input('emaRate', 'float32', []) : undefined;
  const gInputs = adamInputs('g');
  const [{ applied }] = students as [AppliedStudent];
  // Where all channels take part in every step, or may drift, none has to be kept.
  const keeps = elastic && students.length === 1 && !elastic.drift;
  const state: State[] = [
    ...update(graph, g, lossG, gInputs, adamOptions, {
      rate,
      ...(elastic ? {} : { statistics: applied.statistics }),
      slices: keeps ? applied.slices : undefined,
    }),
    ...(distilled?.adaptors
      ? update(graph, distilled.adaptors, lossG, gInputs, adamOptions, {
          slices: keeps ? distilled.slices : undefined,
        })
      : []),
    ...(d && adversary
      ? update(graph, d, adversary.discriminator, adamInputs('d'), adamOptions, {
          statistics: adversary.statistics,
        })
      : []),
  ];
  const losses = { gan: adversary?.generator, recon, distill: distilled?.loss, ...adversary?.parts };
  for (const name of lossNames) {
    const value = losses[name];
    if (value) graph.output(value, name);
  }
  return { graph: prune(graph), state };
}

interface AdversarialTerms {
  generator: Value;
  discriminator: Value;
  parts: Partial<Record<(typeof lossNames)[number], Value>>;
  statistics: Map<string, Value>;
}

/** Masks of dropout layers, fed so that a resumed run repeats them: `dropout/0`, `dropout/1`, … */
function dropoutInputs(graph: Graph): (x: Value, ratio: number) => Value {
  let count = 0;
  return (x, ratio) => graph.input(`dropout/${count++}/${ratio}`, 'float32', x.shape);
}

/** The discriminator on real and generated pairs, each side with its own draw of DiffAugment. */
function adversarialTerms(
  graph: Graph,
  { diffaugment, batch, size, ganMode }: StepOptions,
  d: TrainedNetwork,
  condition: Value,
  image: Value,
  fakes: readonly Value[],
): AdversarialTerms {
  const conditional = d.network.inputs[0]!.shape[1] !== image.shape[1];
  const score = (c: Value, x: Value, use: string) => {
    const pair = conditional ? concat([c, x], 1) : x;
    return apply(graph, d, { [d.network.inputs[0]!.name]: pair }, use);
  };
  const augmented = (draw: AugmentInputs, x: Value) => diffAugment(condition, x, draw);
  const none = diffaugment.length === 0;
  const drawD = none ? {} : augmentInputs(graph, 'augmentD', diffaugment, batch, size);
  const drawG = none ? {} : augmentInputs(graph, 'augmentG', diffaugment, batch, size);
  const mix = ganMode === 'wgangp' ? graph.input('mix', 'float32', [batch, 1, 1, 1]) : undefined;

  const realPair = augmented(drawD, image);
  const real = score(realPair.condition, realPair.image, 'd-real');
  const terms = fakes.map((fake, k) => {
    const use = (name: string) => (fakes.length > 1 ? `${name}${k + 1}` : name);
    const fakePair = augmented(drawG, fake);
    const judged = score(fakePair.condition, fakePair.image, use('d-generator'));
    // Without augmentation both losses see the same scores of the generated pictures.
    const seenPair = none ? fakePair : augmented(drawD, fake);
    const seen = none ? judged : score(seenPair.condition, seenPair.image, use('d-fake'));
    const losses = discriminatorLoss(ganMode, real.outputs[0]!, seen.outputs[0]!);
    const penalty =
      mix &&
      gradientPenalty(
        realPair.image,
        seenPair.image,
        mix,
        (x) => score(realPair.condition, x, use('d-mix')).outputs[0]!,
      );
    return { ...losses, penalty, generator: generatorLoss(ganMode, judged.outputs[0]!) };
  });
  const mean = (pick: (term: (typeof terms)[number]) => Value) => average(terms.map(pick));
  const penalty = mix && mean((t) => t.penalty!);
  const discriminator = mean((t) => t.total);
  return {
    generator: mean((t) => t.generator),
    discriminator: penalty ? add(discriminator, penalty) : discriminator,
    parts: { dReal: terms[0]!.real, dFake: mean((t) => t.fake), ...(penalty && { penalty }) },
    statistics: real.statistics,
  };
}
