import type { RecipeFields } from './recipe-fields.ts';

type Fail = (path: readonly string[], message: string) => void;

/** What a teacher's latent vector and its encoder need of each other and of the losses, where the teacher is a SPADE. */
export function checkEncoder(recipe: RecipeFields, fail: Fail): void {
  const { generator, train } = recipe.teacher;
  const encoder = generator?.type === 'spade' && generator.encoder === true;
  if (train?.lambdaKl !== undefined && !encoder)
    fail(['teacher', 'train', 'lambdaKl'], 'must be left out where teacher.generator.encoder is not true');
  if (generator?.type !== 'spade' || !train) return;
  const key = ['teacher', 'generator', 'encoder'];
  if (generator.latent === 0) {
    if (encoder)
      fail(
        key,
        'must be left out where teacher.generator.latent is 0: there is no vector for a picture; or give latent, as 256 in GauGAN',
      );
    return;
  }
  const compared = (['lambdaRecon', 'lambdaFeature', 'lambdaPerceptual'] as const).flatMap((name) =>
    (train[name] ?? 0) > 0 ? [`${name} ${train[name]}`] : [],
  );
  if (!encoder && compared.length > 0) {
    const losses = compared.join(', ');
    fail(
      key,
      `must be true where a teacher with a latent vector is compared with true pictures (${losses}): it would learn to take no notice of vectors that are drawn at random; or set those weights to 0`,
    );
  }
  if (encoder && recipe.online)
    fail(key, 'must be left out where online is: a student that learns along has no use for it');
  for (const section of ['distill', 'supernet', 'finetune'] as const)
    if (recipe[section]?.reconTarget === 'truth')
      fail(
        [section, 'reconTarget'],
        'must be "auto" or "teacher" for a teacher with a latent vector: what a vector gives is known of the teacher alone',
      );
}
