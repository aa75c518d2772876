import { isSection } from './fields.ts';
import { generators, isGeneratorType } from './networks.ts';

/**
 * A recipe's data in which a teacher whose pictures are nowhere in the data is not compared with them unless the recipe says so:
 * there `lambdaRecon` is 0 when it is left out. What an SNGAN should make of a class and a latent vector is in no picture.
 */
export function withoutTruth(data: unknown): unknown {
  const { teacher } = isSection(data) ? data : {};
  if (!isSection(teacher) || !isSection(teacher.generator) || !isSection(teacher.train)) return data;
  const { type } = teacher.generator;
  if (!isGeneratorType(type) || generators[type].hasTruth) return data;
  if (teacher.train.lambdaRecon !== undefined) return data;
  return { ...(data as object), teacher: { ...teacher, train: { ...teacher.train, lambdaRecon: 0 } } };
}
