/** The words for metrics that recipes and the command line share. No imports, so that `ganlet --help` stays quick. */

/** Between the pictures as two sets, by features of a network. */
export const distributionMetrics = ['frechet', 'frechet-inf', 'kid', 'is', 'pr', 'dc'] as const;
export type DistributionMetric = (typeof distributionMetrics)[number];

/** What `ganlet evaluate` measures between two folders; `fid` is how the field calls a Fréchet distance of features. */
export const folderMetrics = [
  'fid',
  'fid-inf',
  'kid',
  'is',
  'pr',
  'dc',
  'lpips',
  'ssim',
  'ms-ssim',
  'psnr',
  'l1',
  'diversity',
] as const;
export type FolderMetric = (typeof folderMetrics)[number];

/** Those that compare picture with picture. */
export const pairedFolderMetrics: readonly FolderMetric[] = ['lpips', 'ssim', 'ms-ssim', 'psnr', 'l1'];

/** How pictures are brought to a network's size: the modes, and what tools call two of them. */
export const resizeWords = ['clean', 'legacy', 'tf1', 'torch', 'torch-aa', 'pil-bicubic'] as const;
export type ResizeWord = (typeof resizeWords)[number];
