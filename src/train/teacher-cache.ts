import type { Backend } from '../backend/backend.ts';
import { makeBatch } from '../data/batch.ts';
import { conditionShape, type Source } from '../data/source.ts';
import type { Tensor } from '../graph/graph.ts';
import { float32 } from '../graph/graph.ts';
import type { Rng } from '../util/rng.ts';
import { rng } from '../util/rng.ts';
import type { Distillation } from './distillation.ts';
import { targetProgram, teacherTargets } from './distillation.ts';

/** Memory that cached activations may take. */
export const cacheBudget = 1.5 * 2 ** 30;

/** Names of the teacher's values a distillation asks for. */
function targetNames({ teacher, taps, distill, reconTarget }: Distillation): string[] {
  return teacherTargets(
    teacher,
    distill === 'none' ? [] : taps.map((t) => t.teacher),
    reconTarget === 'teacher',
  );
}

/** Bytes the activations of a whole training split take, flipped and not. */
export function cacheBytes(distillation: Distillation, size: number, count: number, flip: boolean): number {
  const { graph } = targetProgram(distillation.teacher, targetNames(distillation), size);
  const each = graph.outputs.reduce((sum, v) => sum + (v.shape as number[]).reduce((a, b) => a * b, 4), 0);
  return each * count * (flip ? 2 : 1);
}

/**
 * The teacher's activations, computed once for each training picture and its mirror image. Each picture is run alone, so what
 * is kept does not depend on the batches, and a resumed run computes the same bits again. Not for teachers with a latent vector,
 * of which each step draws another.
 */
export async function teacherCache(distillation: Distillation, source: Source, backend: Backend) {
  const names = targetNames(distillation);
  const program = targetProgram(distillation.teacher, names, source.size);
  const compiled = await backend.compile(program);
  const shapes = program.graph.outputs.map((v) => v.shape as readonly number[]);
  const kept = new Map<number, Float32Array[]>();

  const targetsOf = async (index: number, mirrored: boolean): Promise<Float32Array[]> => {
    const key = index * 2 + Number(mirrored);
    let found = kept.get(key);
    if (!found) {
      const { condition } = await makeBatch(
        source,
        'train',
        [index],
        { flip: mirrored },
        mirrored ? always : never,
      );
      const outputs = await compiled.run({ condition: float32(conditionShape(source, 1)!, condition) });
      found = names.map((name) => outputs[`target/${name}`]!.data as Float32Array);
      kept.set(key, found);
    }
    return found;
  };

  return {
    async targets(indices: Int32Array, mirrored: readonly boolean[]): Promise<Record<string, Tensor>> {
      const each: Float32Array[][] = [];
      for (const [n, index] of indices.entries()) each.push(await targetsOf(index, mirrored[n]!));
      return Object.fromEntries(
        names.map((name, k) => {
          const [, ...rest] = shapes[k]!;
          const size = each[0]![k]!.length;
          const data = new Float32Array(indices.length * size);
          for (const [n, values] of each.entries()) data.set(values[k]!, n * size);
          return [`teacher/${name}`, float32([indices.length, ...rest], data)];
        }),
      );
    },
    dispose: () => compiled.dispose(),
  };
}

/** Random streams that decide the flip. */
const never: Rng = { ...rng(0, 'never'), uniform: () => 1 };
const always: Rng = { ...rng(0, 'always'), uniform: () => 0 };
