import { join } from 'node:path';
import { makeBatch } from '../../data/batch.ts';
import { conditionColumn } from '../../data/draw-condition.ts';
import { type SheetColumn, sampleSheet } from '../../data/sheet.ts';
import { hasTruth, type Source } from '../../data/source.ts';
import type { Graph } from '../../graph/graph.ts';
import { rng } from '../../util/rng.ts';
import type { RunContext } from '../context.ts';
import { compileGenerator } from '../generate.ts';
import { pictureLatents } from '../given.ts';
import { makeDirectory } from '../run-directory.ts';
import { type ReadState, shownPictures, shownWeights, stepName } from '../train/stage-training.ts';

/** Writes `samples/step-N.png` at each tick: condition, truth where there is one, and what teacher and student make by now. */
export async function onlineSheet(
  { recipe, backend }: RunContext,
  source: Source,
  { teacher, student }: { teacher: Graph; student: Graph },
  samples: number,
  directory: string,
) {
  const { size } = recipe.data;
  const { split, indices } = shownPictures(recipe, source, samples);
  if (indices.length === 0) return { write: async () => {}, dispose: async () => {} };
  const folder = makeDirectory(join(directory, 'samples'));
  const { condition, image } = await makeBatch(source, split, indices, {}, rng(0, 'unused'));
  const given = conditionColumn(source, condition);
  const fixed: SheetColumn[] = [
    ...(given ? [given] : []),
    ...(hasTruth(source, split) ? [{ title: 'truth', images: image, channels: source.channels.image }] : []),
  ];
  const compile = (graph: Graph) => compileGenerator(graph, size, backend, { replaceable: true });
  const made = [
    { title: 'teacher', graph: teacher, state: 't', making: await compile(teacher) },
    { title: 'student', graph: student, state: 'g', making: await compile(student) },
  ];
  return {
    async write(step: number, readState: ReadState) {
      const columns = [...fixed];
      for (const { title, graph, state, making } of made) {
        await making.setWeights(await shownWeights(graph, state, readState));
        const latents = pictureLatents(graph, split, indices);
        columns.push({ title, images: await making.generate(condition, latents) });
      }
      await sampleSheet(columns, size, join(folder, `step-${stepName(step)}.png`));
    },
    async dispose() {
      for (const { making } of made) await making.dispose();
    },
  };
}
