/** For each output position along one axis: the two source positions and the weight of the second. */
export interface Sampler {
  size: number;
  first: Int32Array;
  second: Int32Array;
  weight: Float32Array;
}

export function sampler(size: number): Sampler {
  return {
    size,
    first: new Int32Array(size),
    second: new Int32Array(size),
    weight: new Float32Array(size),
  };
}

/** Points the sampler at the window that starts at `offset` in the axis enlarged to `enlarged` samples. */
export function place(axis: Sampler, offset: number, enlarged: number, mirrored: boolean): void {
  const { size, first, second, weight } = axis;
  for (let i = 0; i < size; i++) {
    const at = ((offset + i + 0.5) * size) / enlarged - 0.5;
    const low = Math.floor(at);
    const o = mirrored ? size - 1 - i : i;
    first[o] = Math.max(low, 0);
    second[o] = Math.min(low + 1, size - 1);
    weight[o] = at - low;
  }
}

/** Bilinear samples of an 8-bit HWC picture, written as one CHW picture in [−1, 1] from `start` on. */
export function window(
  from: Uint8Array,
  to: Float32Array,
  start: number,
  channels: number,
  columns: Sampler,
  rows: Sampler,
): void {
  const { size, first, second, weight } = columns;
  const area = size * size;
  for (let y = 0; y < size; y++) {
    const top = rows.first[y]! * size;
    const bottom = rows.second[y]! * size;
    const down = rows.weight[y]!;
    for (let x = 0; x < size; x++) {
      const left = first[x]!;
      const right = second[x]!;
      const across = weight[x]!;
      const topLeft = (top + left) * channels;
      const topRight = (top + right) * channels;
      const bottomLeft = (bottom + left) * channels;
      const bottomRight = (bottom + right) * channels;
      const o = start + y * size + x;
      for (let c = 0; c < channels; c++) {
        const upper = from[topLeft + c]! + across * (from[topRight + c]! - from[topLeft + c]!);
        const lower = from[bottomLeft + c]! + across * (from[bottomRight + c]! - from[bottomLeft + c]!);
        to[o + c * area] = (upper + down * (lower - upper)) / 127.5 - 1;
      }
    }
  }
}

/** An 8-bit HWC picture as CHW in [−1, 1], written from `start` on. */
export function copy(
  from: Uint8Array,
  to: Float32Array,
  start: number,
  channels: number,
  size: number,
  mirrored: boolean,
): void {
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < size; y++) {
      const row = y * size;
      let o = start + (c * size + y) * size;
      for (let x = 0; x < size; x++) {
        const column = mirrored ? size - 1 - x : x;
        to[o++] = from[(row + column) * channels + c]! / 127.5 - 1;
      }
    }
  }
}

/** The nearest samples of planes of 8-bit numbers that must not be mixed, the planes one after another. */
export function nearest(from: Uint8Array, to: Uint8Array, columns: Sampler, rows: Sampler): void {
  const { size } = columns;
  const area = size * size;
  const at = ({ first, second, weight }: Sampler, i: number) => (weight[i]! < 0.5 ? first[i]! : second[i]!);
  for (let start = 0; start < from.length; start += area) {
    for (let y = 0; y < size; y++) {
      const row = start + at(rows, y) * size;
      for (let x = 0; x < size; x++) to[start + y * size + x] = from[row + at(columns, x)]!;
    }
  }
}
