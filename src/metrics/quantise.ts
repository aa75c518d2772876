import { GanletError } from '../util/errors.ts';

/**
 * Pictures in [−1, 1] as the 8-bit levels 0..255 in which they would be saved; −1 is 0, 1 is 255, the layout stays. Values
 * beyond the range are clamped. Throws PICTURE_INVALID where a value is not a finite number.
 */
export function quantise(pictures: Float32Array): Uint8Array {
  const levels = new Uint8Array(pictures.length);
  for (let i = 0; i < pictures.length; i++) {
    const value = pictures[i]!;
    if (!Number.isFinite(value)) {
      throw new GanletError(
        'PICTURE_INVALID',
        `a picture must hold finite numbers, got ${value} at element ${i}`,
      );
    }
    levels[i] = Math.round(Math.min(Math.max(value, -1), 1) * 127.5 + 127.5);
  }
  return levels;
}
