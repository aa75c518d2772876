/** Mean absolute difference of two pictures of 8-bit levels, in levels: 0 to 255. Any layout, the same for both. */
export function l1(a: Uint8Array, b: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs(a[i]! - b[i]!);
  return sum / a.length;
}
