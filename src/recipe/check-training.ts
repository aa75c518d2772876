import type { Fail } from './fields.ts';
import type { RecipeFields } from './recipe-fields.ts';

/** Keys of a training that need or exclude each other, whatever it trains. */
export function checkTraining({ teacher, distill, supernet, finetune }: RecipeFields, fail: Fail): void {
  for (const [path, config] of [
    [['teacher', 'train'], teacher.train],
    [['distill'], distill],
    [['supernet'], supernet],
    [['finetune'], finetune],
  ] as const) {
    if (!config) continue;
    const { lambdaGan, lambdaFeature = 0, lambdaPerceptual = 0 } = config;
    const section = path.join('.');
    const noDiscriminator = `where ${section}.lambdaGan is 0: there is no discriminator`;
    if (lambdaFeature > 0 && lambdaGan === 0)
      fail([...path, 'lambdaFeature'], `must be 0 ${noDiscriminator}`);
    if (config.lrDiscriminator !== undefined && lambdaGan === 0)
      fail([...path, 'lrDiscriminator'], `must be left out ${noDiscriminator}`);
    if (config.perceptual !== undefined && lambdaPerceptual === 0)
      fail([...path, 'perceptual'], `must be left out where ${section}.lambdaPerceptual is not above 0`);
  }
}
