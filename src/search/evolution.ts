import { formatWidths, type WidthSpace, type WidthVector } from '../compress/width-space.ts';
import { type Rng, rng } from '../util/rng.ts';
import { drawFeasible, fits, type Weights } from './feasible.ts';
import { paretoFront, paretoOrder } from './pareto.ts';
import { type Outcome, type Problem, pointOf, ranked, type Scored } from './problem.ts';

export interface EvolutionOptions {
  /** Vectors of the first generation, and children of each later one. */
  population: number;
  /** Generations at most. */
  generations: number;
  /** Part of the population that survives and has children. */
  parents: number;
  /** Part of the children that are mutants of one parent; the others mix two. */
  mutations: number;
  /** Chance of each number of a mutant to be drawn anew. */
  mutationProbability: number;
  /** How the first generation is drawn. */
  weights: Weights;
  /** Ends after so many generations without progress: a vector better by half a percent, or a front of which a twentieth is new. */
  patience: number;
}

/** Less than this is within the noise of a distance between few pictures. */
const leastGain = 0.005;
const leastNew = 0.05;

/**
 * Evolution as in GAN Compression (Li et al. 2020, appendix): each generation the best quarter survives, half of the children
 * are mutants and half mix the numbers of two parents, all within the limits. No vector is evaluated twice; where a child
 * cannot be new, a random vector takes its place. With several objectives parents are chosen by fronts. A function of the
 * problem and its seed.
 */
export async function evolutionSearch(problem: Problem, options: EvolutionOptions): Promise<Outcome> {
  const { space, limits, seed } = problem;
  const { population, patience } = options;
  const seen = new Set<string>();
  const all: Scored[] = [];
  let pool: Scored[] = [];
  let front: Scored[] = [];
  let idle = 0;
  let milestone = Number.POSITIVE_INFINITY;
  for (let generation = 0; ; generation++) {
    const random = rng(seed, 'evolution', generation);
    const drawn =
      generation === 0
        ? repeat(population, () => drawFeasible(space, limits, random, seen, options.weights), seen)
        : offspring(problem, pool, options, random, seen);
    const qualities = await problem.evaluate(drawn, generation);
    const scored = drawn.map((vector, i) => ({ vector, quality: qualities[i]! }));
    all.push(...scored);
    const best = ranked(all)[0];
    if (best) problem.onGeneration?.(generation, best);
    const leading = leaders(problem, [...front, ...scored]);
    const fresh = leading.filter((each) => !front.includes(each)).length;
    front = leading;
    const gained = best !== undefined && milestone - best.quality > leastGain * Math.abs(milestone);
    const progress = problem.objectives?.length ? fresh > leastNew * front.length : gained;
    if (best && (gained || generation === 0)) milestone = best.quality;
    idle = progress || generation === 0 ? 0 : idle + 1;

    const ended =
      drawn.length < population
        ? 'complete'
        : idle >= patience
          ? 'no progress'
          : generation + 1 >= options.generations
            ? 'limit'
            : undefined;
    if (ended) return { scored: ranked(all), generations: generation + 1, ended };
    const parents = Math.min(population, Math.max(2, Math.round(population * options.parents)));
    pool = bestOf(problem, [...pool, ...scored]).slice(0, parents);
  }
}

function offspring(
  { space, limits }: Problem,
  parents: readonly Scored[],
  { population, mutations, mutationProbability }: EvolutionOptions,
  random: Rng,
  seen: Set<string>,
): WidthVector[] {
  const parent = () => random.choice(parents).vector;
  const mutants = Math.round(population * mutations);
  const mutant = () => mutate(parent(), space, mutationProbability, random);
  const mixed = () => {
    const [a, b] = [parent(), parent()];
    return a.map((width, i) => (random.uniform() < 0.5 ? width : b[i]!));
  };
  const child = (make: () => WidthVector) => () => {
    for (let i = 0; i < attempts; i++) {
      const vector = make();
      if (!seen.has(formatWidths(vector)) && fits(limits, vector)) return vector;
    }
    return drawFeasible(space, limits, random, seen);
  };
  return [...repeat(mutants, child(mutant), seen), ...repeat(population - mutants, child(mixed), seen)];
}

/** Draws before a child is given up: parents that are much alike have few new ones. */
const attempts = 200;

function mutate(vector: WidthVector, space: WidthSpace, probability: number, random: Rng): WidthVector {
  return vector.map((width, i) =>
    random.uniform() < probability ? random.choice(space[i]!.choices) : width,
  );
}

/** Up to `count` vectors; they are added to `seen`. Fewer only where there are no more. */
function repeat(count: number, draw: () => WidthVector | undefined, seen: Set<string>): WidthVector[] {
  const drawn: WidthVector[] = [];
  while (drawn.length < count) {
    const vector = draw();
    if (!vector) break;
    seen.add(formatWidths(vector));
    drawn.push(vector);
  }
  return drawn;
}

function bestOf(problem: Problem, scored: readonly Scored[]): Scored[] {
  const order = ranked(scored);
  if (!problem.objectives?.length) return order;
  return paretoOrder(order.map((each) => pointOf(problem, each))).map((i) => order[i]!);
}

/** What a generation must change to count as progress: the best vector, or the front. */
function leaders(problem: Problem, scored: readonly Scored[]): Scored[] {
  const order = ranked(scored);
  if (!problem.objectives?.length) return order.slice(0, 1);
  return paretoFront(order.map((each) => pointOf(problem, each))).map((i) => order[i]!);
}
