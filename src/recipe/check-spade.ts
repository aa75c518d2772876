import type { RecipeFields } from './recipe-fields.ts';
import { spadeWidthCount } from './spade.ts';
import { defaultUpsampling, upsamplings } from './upsampling.ts';

type Fail = (path: readonly string[], message: string) => void;

/** Reports a SPADE generator or a multi-scale discriminator that does not fit the images, and widths it does not have. */
export function checkSpade({ teacher, discriminator, data, student }: RecipeFields, fail: Fail): void {
  if (discriminator.type === 'multiscale') {
    const { scales, layers } = discriminator;
    const least = 2 ** (scales - 1 + layers);
    if (data.size < least) {
      const needed = `at least ${least} for a multiscale discriminator of ${scales} scales and ${layers} layers`;
      fail(
        ['data', 'size'],
        `must be ${needed} (discriminator.scales, discriminator.layers), got ${data.size}`,
      );
    }
  }
  const { generator } = teacher;
  if (generator?.type !== 'spade') return;
  const { upsampling = defaultUpsampling(data.size) } = generator;
  const multiple = 2 ** upsamplings[upsampling];
  if (data.size % multiple !== 0) {
    const reason = `a spade generator with upsampling "${upsampling}" doubles the size ${upsamplings[upsampling]} times`;
    fail(['data', 'size'], `must be a multiple of ${multiple}: ${reason}, got ${data.size}`);
  }
  const count = spadeWidthCount(upsampling);
  const given = student?.widths?.length;
  if (given !== undefined && given !== count) {
    fail(['student', 'widths'], `must be ${count} numbers for a spade teacher, got ${given}`);
  }
}
