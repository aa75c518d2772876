/**
 * How often 4 pixels are doubled to images of this side, or these are halved to 4; undefined where they are not, or not even once.
 */
export function doublingsOfFour(size: number): number | undefined {
  const doublings = Math.log2(size / 4);
  return Number.isInteger(doublings) && doublings >= 1 ? doublings : undefined;
}
