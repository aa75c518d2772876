import { expect } from 'vitest';
import type { Backend } from '../../src/backend/backend.ts';
import { onnxruntime, runGraph } from '../../src/backend/onnxruntime.ts';
import { float32, type Graph, type Tensor } from '../../src/graph/graph.ts';
import { type OpType, ops } from '../../src/ops/index.ts';
import { rng } from '../../src/util/rng.ts';
import { composed, table } from '../ops/cases/table.ts';
import { backwardGraph, drawInputs, forwardGraph, type GradientCase } from '../ops/finite-differences.ts';
import { convolutions, further, withoutGradient } from './forward-cases.ts';

/** Cases that an engine computes as ONNX Runtime does on the CPU. */
export interface EngineCases {
  readonly of: string;
  readonly cases: readonly GradientCase[];
  /** Whether the gradients are compared too. */
  readonly gradient: boolean;
}

/** The cases of every operator, of builders made of several, and of forms that engines may stumble over. */
export const engineCases: readonly EngineCases[] = [
  ...(Object.keys(ops) as OpType[]).map((of): EngineCases => {
    const cases = table[of];
    return cases === 'no gradient'
      ? { of, cases: withoutGradient[of] ?? [], gradient: false }
      : { of, cases, gradient: true };
  }),
  { of: 'builders made of several operators', cases: composed, gradient: true },
  { of: 'further forms of convolutions', cases: convolutions, gradient: true },
  { of: 'further forms', cases: further, gradient: false },
];

const reference = onnxruntime({ threads: 1 });

/** Runs a case, and its gradients, on an engine: every number equal to `tolerance` of it, or of the largest where sums cancel. */
export async function expectSame(
  engine: Backend,
  c: GradientCase,
  { gradient, tolerance }: { gradient: boolean; tolerance: number },
): Promise<void> {
  const [graph, feeds] = [forwardGraph(c), drawInputs(c)];
  const { result } = await expectEqual(engine, graph, feeds, tolerance);
  if (!gradient) return;
  const { shape, data } = result!;
  const random = rng(1, `${c.name} r`);
  const weights = float32(
    shape,
    Array.from({ length: data.length }, () => random.normal()),
  );
  await expectEqual(engine, backwardGraph(c, shape), { ...feeds, weights }, tolerance);
}

async function expectEqual(
  engine: Backend,
  graph: Graph,
  feeds: Record<string, Tensor>,
  tolerance: number,
): Promise<Record<string, Tensor>> {
  const expected = await runGraph(graph, feeds, reference);
  const found = await runGraph(graph, feeds, engine);
  for (const [name, { dtype, shape, data }] of Object.entries(expected)) {
    expect(found[name], name).toMatchObject({ dtype, shape: [...shape] });
    const numbers = Array.from(data as Iterable<number | bigint>, Number);
    const largest = Math.max(0, ...numbers.filter(Number.isFinite).map(Math.abs));
    const own = Array.from(found[name]!.data as Iterable<number | bigint>, Number);
    const allowed = { rtol: tolerance, atol: tolerance * largest };
    expect(own, `${name} of ${graph.name}`).toBeAllclose(numbers, allowed);
  }
  return expected;
}
