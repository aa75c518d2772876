/**
 * Peak signal-to-noise ratio of two pictures of 8-bit levels in decibels: 10·log10(255² / MSE), the mean square error taken
 * over all channels. Infinity for equal pictures. Any layout, the same for both.
 */
export function psnr(a: Uint8Array, b: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = a[i]! - b[i]!;
    sum += difference * difference;
  }
  return 10 * Math.log10((255 * 255 * a.length) / sum);
}
