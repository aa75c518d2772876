import { expect } from 'vitest';
import type { Backend } from '../../src/backend/backend.ts';
import { onnxruntime, runGraph } from '../../src/backend/onnxruntime.ts';
import { float32 } from '../../src/graph/graph.ts';
import { lossNames } from '../../src/train/step.ts';
import { withWeights } from '../../src/train/trained-network.ts';
import { rng } from '../../src/util/rng.ts';
import { batch, size, type TinyTraining } from './tiny-training.ts';

const reference = onnxruntime({ threads: 1 });

/** Losses of every step, and what the exported student makes of a picture on the processor. */
export interface Trained {
  readonly losses: readonly Readonly<Record<string, number>>[];
  readonly made: Float32Array;
}

export async function trained(
  backend: Backend,
  { program, generator, feeds }: TinyTraining,
  steps: number,
): Promise<Trained> {
  const compiled = await backend.compile(program);
  const losses: Record<string, number>[] = [];
  for (let step = 0; step < steps; step++) {
    const results = await compiled.run(await feeds(step));
    losses.push(
      Object.fromEntries(lossNames.flatMap((n) => (results[n] ? [[n, results[n].data[0] as number]] : []))),
    );
  }
  const student = withWeights(generator, await compiled.readState(), 'g', { ema: true });
  await compiled.dispose();
  const shape = [batch, 3, size, size];
  const numbers = new Float32Array(batch * 3 * size * size);
  const picture = float32(shape, rng(1, 'picture').fillUniform(numbers, -1, 1));
  const [input, output] = [student.inputs[0]!.name, student.outputs[0]!.name];
  const made = (await runGraph(student, { [input]: picture }, reference))[output]!;
  return { losses, made: made.data as Float32Array };
}

/** Losses equal to 1e-3, below 1 absolutely, and pictures to 1e-2. */
export function expectAgreement(found: Trained, expected: Trained): void {
  expect(expected.losses[0]).toHaveProperty('distill');
  for (const [step, losses] of expected.losses.entries())
    for (const [name, loss] of Object.entries(losses))
      expect(found.losses[step]![name], `${name} of step ${step}`).toSatisfy(
        (own: number) => Math.abs(own - loss) <= 1e-3 * Math.max(1, Math.abs(loss)),
      );
  expect(found.made).toBeAllclose(expected.made, { atol: 1e-2, rtol: 0 });
}
