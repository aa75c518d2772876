import { expect } from 'vitest';
import { gradient } from '../../src/autodiff/gradient.ts';
import type { Compiled } from '../../src/backend/backend.ts';
import { onnxruntime } from '../../src/backend/onnxruntime.ts';
import { checkGraph } from '../../src/graph/check.ts';
import { type Dim, float32, Graph, int64, type Tensor, type Value } from '../../src/graph/graph.ts';
import { checkTypes } from '../../src/ops/check-types.ts';
import { identity, mul } from '../../src/ops/elementwise.ts';
import { sum } from '../../src/ops/reduce.ts';
import { type Rng, rng } from '../../src/util/rng.ts';

/** One input of a case: its shape, and how its numbers are drawn. */
export interface Drawn {
  shape: readonly Dim[];
  /** Sizes that stand for the symbols of `shape`, all axes. */
  sizes: readonly number[];
  draw: (random: Rng, count: number) => number[];
  /** Integers, fed as int64 and never differentiated. */
  integer?: boolean;
  /** Not differentiated. */
  frozen?: boolean;
}

export interface GradientCase {
  name: string;
  inputs: Record<string, Drawn>;
  /** The value whose random weighted sum is differentiated. */
  build: (inputs: Record<string, Value>, graph: Graph) => Value;
  /** Allowed error of a directional derivative, relative to the gradient's norm. */
  tolerance?: number;
}

const plain =
  (draw: Drawn['draw']) =>
  (shape: readonly number[]): Drawn => ({ shape, sizes: shape, draw });
const each = (one: (random: Rng) => number) =>
  plain((random, count) => Array.from({ length: count }, () => one(random)));

/** Standard normal numbers. */
export const normal = each((random) => random.normal());
/** Uniform in [0.5, 2]. */
export const positive = each((random) => random.uniform(0.5, 2));
/** Of either sign, at least 0.2 from zero: for functions with a kink there. */
export const nonzero = each((random) => (random.int(0, 1) === 0 ? -1 : 1) * random.uniform(0.2, 1.5));
/** Uniform in [lo, hi]. */
export const between = (lo: number, hi: number) => each((random) => random.uniform(lo, hi));
/** No two numbers closer than 0.1: where the largest is chosen, small steps do not change the choice. */
export const distinct = plain((random, count) => {
  const numbers = Array.from({ length: count }, (_, i) => (i - count / 2) * 0.1 + random.uniform(0.01, 0.02));
  return random.shuffle(numbers);
});
export const frozen = (drawn: Drawn): Drawn => ({ ...drawn, frozen: true });
export const integers = (values: readonly number[], shape: readonly number[] = [values.length]): Drawn => ({
  shape,
  sizes: shape,
  draw: () => [...values],
  integer: true,
  frozen: true,
});
/** The same input with symbols in place of some sizes: `symbolic(normal([2, 3]), ['batch', 3])`. */
export const symbolic = (drawn: Drawn, shape: readonly Dim[]): Drawn => ({ ...drawn, shape });

const seed = Number(process.env.GANLET_TEST_SEED ?? 1);
const engine = onnxruntime({ threads: 1 });

function declare(graph: Graph, inputs: GradientCase['inputs']): Record<string, Value> {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, { shape, integer }]) => [
      name,
      graph.input(name, integer ? 'int64' : 'float32', shape),
    ]),
  );
}

export function drawInputs(c: GradientCase): Record<string, Tensor> {
  const random = rng(seed, c.name);
  return Object.fromEntries(
    Object.entries(c.inputs).map(([name, { sizes, draw, integer }]) => {
      const numbers = draw(
        random,
        sizes.reduce((a, b) => a * b, 1),
      );
      return [name, integer ? int64(numbers, sizes) : float32(sizes, numbers)];
    }),
  );
}

/** The case's graph, checked, with its value as output `result`. */
export function forwardGraph(c: GradientCase): Graph {
  const graph = new Graph(c.name);
  const y = c.build(declare(graph, c.inputs), graph);
  graph.output(identity(y), 'result');
  checkGraph(graph);
  checkTypes(graph);
  return graph;
}

/** Gradients of Σ y·r for every input that is not frozen, as outputs `d:<input>`; r is an input. */
export function backwardGraph(c: GradientCase, sizes: readonly number[]): Graph {
  const graph = new Graph(`${c.name} backward`);
  const inputs = declare(graph, c.inputs);
  const loss = sum(mul(c.build(inputs, graph), graph.input('weights', 'float32', sizes)));
  const names = Object.keys(inputs).filter((name) => !c.inputs[name]!.frozen);
  const grads = gradient(
    loss,
    names.map((name) => inputs[name]!),
  );
  for (const [i, name] of names.entries()) graph.output(identity(grads[i]!), `d:${name}`);
  checkGraph(graph);
  checkTypes(graph);
  return graph;
}

const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i]! * b[i]!;
  return total;
};

/** Runs a graph once. */
export async function runOnce(graph: Graph, feeds: Record<string, Tensor>): Promise<Record<string, Tensor>> {
  const compiled = await engine.compile({ graph, state: [] });
  try {
    return await compiled.run(feeds);
  } finally {
    await compiled.dispose();
  }
}

/** The gradients of a case, of Σ y·r with r drawn from its name. */
export async function analyticGradients(c: GradientCase) {
  const feeds = drawInputs(c);
  const forward = await engine.compile({ graph: forwardGraph(c), state: [] });
  const y = (await forward.run(feeds)).result!;
  const random = rng(seed, `${c.name} r`);
  const r = float32(
    y.shape,
    Array.from({ length: y.data.length }, () => random.normal()),
  );
  const grads = await runOnce(backwardGraph(c, y.shape), { ...feeds, weights: r });
  return { feeds, forward, y, r: r.data as Float32Array, grads };
}

/**
 * Holds the gradients of a case against central differences of fourth order, along random directions of all numbers of an
 * input and along single ones. Forward values are summed in double precision.
 */
export async function checkGradients(c: GradientCase): Promise<void> {
  const { feeds, forward, y, r, grads } = await analyticGradients(c);
  expectShape(forwardGraph(c).outputs[0]!.shape, y.shape, c.name);
  const random = rng(seed, `${c.name} directions`);
  const tolerance = c.tolerance ?? 1e-3;
  try {
    for (const [key, { data, shape }] of Object.entries(grads)) {
      const name = key.slice(2);
      const x = feeds[name]!;
      expect(shape, `shape of the gradient for ${name}`).toEqual(x.shape);
      const grad = data as Float32Array;
      const norm = Math.sqrt(dot(grad, grad));
      const count = grad.length;
      expect(Number.isFinite(norm), `gradient for ${name} is finite`).toBe(true);
      for (let k = 0; k < 6; k++) {
        const whole = k < 3;
        const direction = new Float32Array(count);
        if (whole) for (let i = 0; i < count; i++) direction[i] = random.int(0, 1) * 2 - 1;
        else direction[random.int(0, count - 1)] = 1;
        const expected = await slope(forward, feeds, name, direction, r);
        const error = Math.abs(expected - dot(grad, direction));
        const scale = whole ? norm : Math.max(Math.abs(expected), norm / Math.sqrt(count));
        expect(
          error <= tolerance * scale + 1e-5 * Math.sqrt(r.length),
          `${c.name} (seed ${seed}), input ${name}, ${whole ? 'direction' : 'single number'} ${k}: ` +
            `differences give ${expected}, the gradient ${dot(grad, direction)}, norm ${norm}`,
        ).toBe(true);
      }
    }
  } finally {
    await forward.dispose();
  }
}

async function slope(
  forward: Compiled,
  feeds: Record<string, Tensor>,
  name: string,
  direction: Float32Array,
  r: Float32Array,
): Promise<number> {
  const x = feeds[name]!.data as Float32Array;
  const h = 0.01;
  const at = async (t: number) => {
    const moved = float32(
      feeds[name]!.shape,
      x.map((v, i) => v + t * h * direction[i]!),
    );
    return dot((await forward.run({ ...feeds, [name]: moved })).result!.data as Float32Array, r);
  };
  return (8 * ((await at(1)) - (await at(-1))) - ((await at(2)) - (await at(-2)))) / (12 * h);
}

function expectShape(inferred: readonly Dim[], actual: readonly number[], name: string): void {
  expect(
    inferred.map((d, i) => (typeof d === 'number' ? d : actual[i])),
    `inferred shape of ${name}`,
  ).toEqual(actual);
}
