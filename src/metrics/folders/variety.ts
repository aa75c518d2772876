import type { PictureFile, PictureFolder } from '../../data/folder/pictures.ts';
import { GanletError } from '../../util/errors.ts';
import { type Diversity, diversitySum } from '../diversity.ts';
import type { PerceptualDistance } from '../networks/perceptual.ts';
import { levelsOf } from './pictures.ts';

/** Conditions of at most this many pictures are compared in all pairs (StarGAN v2: 10 pictures, 45 pairs). */
const allPairs = 10;
/** Of larger ones so many pairs are drawn. */
const drawnPairs = 100;

/**
 * Mean LPIPS between pictures made for the same condition, which are those in one sub-folder; a folder without sub-folders is one
 * condition. Throws TOO_FEW_PICTURES for a condition of one picture, PAIR_SIZES where its pictures differ in size.
 */
export async function folderDiversity(
  folder: PictureFolder,
  perceptual: PerceptualDistance,
  seed: number,
  onProgress?: (done: number) => void,
): Promise<Diversity> {
  const conditions = new Map<string, PictureFile[]>();
  for (const file of folder.files) {
    const condition = file.name.includes('/') ? file.name.slice(0, file.name.lastIndexOf('/')) : '';
    conditions.set(condition, [...(conditions.get(condition) ?? []), file]);
  }
  const distance = async (a: PictureFile, b: PictureFile) => {
    const [p, q] = await Promise.all([levelsOf(a), levelsOf(b)]);
    if (p.width !== q.width || p.height !== q.height) {
      throw new GanletError(
        'PAIR_SIZES',
        `${a.path} and ${b.path} must have one size to be compared, they are ${p.width} × ${p.height} and ${q.width} × ${q.height}`,
        { hint: 'bring them to one size, or leave diversity out' },
      );
    }
    const [d] = await perceptual.distances([[p, q]]);
    return d!;
  };
  const most = Math.max(...[...conditions.values()].map((files) => files.length));
  const sum = diversitySum(distance, most > allPairs ? { random: drawnPairs, seed } : 'all');
  let done = 0;
  for (const [condition, files] of conditions) {
    if (files.length < 2) {
      throw new GanletError(
        'TOO_FEW_PICTURES',
        `diversity needs at least 2 pictures for a condition, ${condition === '' ? folder.path : `${folder.path}/${condition}`} has 1`,
        { hint: 'put the pictures made for one condition into a sub-folder of their own' },
      );
    }
    await sum.add(files);
    done += files.length;
    onProgress?.(done);
  }
  return sum.result();
}
