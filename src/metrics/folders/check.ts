import { realpathSync } from 'node:fs';
import { sep } from 'node:path';
import type { PictureFolder } from '../../data/folder/pictures.ts';
import { GanletError } from '../../util/errors.ts';
import type { FolderMetric } from '../metric-names.ts';

/**
 * Throws SAME_FOLDER for one folder named twice, by whatever path, and FOLDERS_NESTED where one lies in the other and its pictures
 * would count on both sides.
 */
export function needTwoFolders(real: string, made: string): void {
  const [a, b] = [realpathSync(real), realpathSync(made)];
  if (a === b) {
    throw new GanletError('SAME_FOLDER', `real and made pictures must be in two folders, ${real} is both`, {
      hint: 'name the folder of made pictures second',
    });
  }
  const [outer, inner] = a.length < b.length ? [a, b] : [b, a];
  if (!inner.startsWith(outer.endsWith(sep) ? outer : `${outer}${sep}`)) return;
  throw new GanletError(
    'FOLDERS_NESTED',
    `real and made pictures must be in folders apart, ${inner === b ? made : real} lies in ${inner === b ? real : made}`,
    { hint: 'sub-folders are read too: name the folders that hold only one kind' },
  );
}

/** Throws TOO_FEW_PICTURES for a metric that cannot be had of so few, before any work is done. */
export function needEnough(
  metrics: readonly FolderMetric[],
  real: { path: string; count: number } | null,
  made: { path: string; count: number },
  { dimension, splits }: { dimension: number | null; splits: number },
): void {
  const least = (metric: FolderMetric): number => {
    if (metric === 'fid' || metric === 'kid' || metric === 'diversity') return 2;
    if (metric === 'pr') return 4;
    if (metric === 'dc') return 6;
    return metric === 'fid-inf' ? 2 * (dimension ?? 0) + 16 : 1;
  };
  for (const metric of metrics) {
    for (const side of [real, made]) {
      const needed = metric === 'is' ? (side === made ? splits : 0) : least(metric);
      if (!side || side.count >= needed) continue;
      throw new GanletError(
        'TOO_FEW_PICTURES',
        `${metric} needs at least ${needed} pictures on each side, ${side.path} has ${side.count}`,
        { hint: hintFor(metric) },
      );
    }
  }
}

function hintFor(metric: FolderMetric): string {
  if (metric === 'is') return 'use fewer --splits, or add pictures';
  if (metric === 'fid-inf')
    return 'add pictures, use kid, or features of fewer dimensions (--features emoji)';
  return 'add pictures, or leave the metric out';
}

/** What is to be known of the pictures before their numbers are believed; one sentence each. */
export function pictureWarnings(real: PictureFolder | null, made: PictureFolder): string[] {
  const warnings: string[] = [];
  const folders = real ? [real, made] : [made];
  for (const { path, files, lossy, ignored, sizes } of folders) {
    if (lossy > 0) {
      warnings.push(
        `${lossy} of ${files.length} pictures in ${path} are JPEG or WebP: such compression alone changes distances; keep made pictures as PNG`,
      );
    }
    if (sizes.size > 1) {
      warnings.push(
        `the pictures in ${path} have ${sizes.size} sizes: ${listed(sizes)}; each is resized by itself`,
      );
    }
    if (ignored > 0) warnings.push(`${ignored} files in ${path} are no PNG, JPEG or WebP and left out`);
  }
  if (!real) return warnings;
  const [a, b] = [[...real.sizes.keys()], [...made.sizes.keys()]];
  if (a.length === 1 && b.length === 1 && a[0] !== b[0]) {
    warnings.push(
      `real pictures have ${a[0]} pixels, made ones ${b[0]}: what is measured is that difference too`,
    );
  }
  if (real.hash === made.hash) warnings.push('both folders hold the same pictures');
  return warnings;
}

function listed(sizes: ReadonlyMap<string, number>): string {
  const most = [...sizes].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  const shown = most.slice(0, 3).map(([size, count]) => `${size} (${count})`);
  return `${shown.join(', ')}${most.length > 3 ? ', …' : ''}`;
}
