import type { Rgb } from '../palette.ts';

/**
 * Colours that are easily told apart, the same for the same number: hues a golden angle apart, in three lightnesses that take
 * turns. They only serve to draw label maps.
 */
export function distinctColours(count: number): Rgb[] {
  return Array.from({ length: count }, (_, i) => {
    const hue = (i * 0.618033988749895) % 1;
    const [saturation, lightness] = [
      [0.65, 0.5],
      [0.8, 0.35],
      [0.75, 0.68],
    ][i % 3]! as [number, number];
    return fromHsl(hue, saturation, lightness);
  });
}

function fromHsl(hue: number, saturation: number, lightness: number): Rgb {
  const level = (n: number) => {
    const k = (n + hue * 12) % 12;
    const a = saturation * Math.min(lightness, 1 - lightness);
    return Math.round(255 * (lightness - a * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [level(0), level(8), level(4)];
}
