/**
 * How often a SPADE generator doubles the size on its way from the start to the image. `normal` (COCO-Stuff), `more`
 * (Cityscapes) and `most` are those of Park et al. (2019); `fewer` leaves out the doubling before G_middle_0, so that a
 * 64-pixel image starts at 4×4 rather than 2×2.
 */
export const upsamplings = { fewer: 4, normal: 5, more: 6, most: 7 } as const;
export type Upsampling = keyof typeof upsamplings;

/** What suits images whose shorter side has `side` pixels: a start of at least 4 pixels where there can be one. */
export function defaultUpsampling(side: number): Upsampling {
  return side >= 128 ? 'normal' : 'fewer';
}
