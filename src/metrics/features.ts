import { open } from 'node:fs/promises';
import { endianness } from 'node:os';
import { GanletError } from '../util/errors.ts';
import { fileError } from '../util/file-error.ts';
import { randomState } from '../util/mt19937.ts';
import type { Matrix } from './algebra/matrix.ts';

/** Features of pictures, one row each, read a block at a time: in memory or in a file, so that no metric must hold them all. */
export interface Features {
  readonly count: number;
  readonly dimension: number;
  /** Rows from..to − 1, row-major; not to be written to. */
  rows(from: number, to: number): Promise<Float32Array | Float64Array>;
}

/**
 * Features in memory, row-major. Throws FEATURES_INVALID when the length is no multiple of `dimension` or a number is not
 * finite: one bad picture would make every distance NaN.
 */
export function features(data: Float32Array | Float64Array, dimension: number): Features {
  const count = data.length / dimension;
  if (!Number.isInteger(count)) {
    throw new GanletError(
      'FEATURES_INVALID',
      `features must have ${dimension} numbers a picture, got ${data.length} numbers`,
    );
  }
  needFinite(data, dimension, 0);
  return { count, dimension, rows: async (from, to) => data.subarray(from * dimension, to * dimension) };
}

/**
 * Features in a file of little-endian float32, row-major, read as they are needed. Throws FEATURES_INVALID for a file that
 * does not hold whole rows and, on reading, for numbers that are not finite; FILE_MISSING, NOT_READABLE, …
 */
export async function featuresOnDisk(path: string, dimension: number): Promise<Features & AsyncDisposable> {
  if (endianness() !== 'LE') {
    throw new GanletError('FEATURES_INVALID', 'feature files are read on little-endian machines only');
  }
  const handle = await open(path, 'r').catch((error) => {
    throw fileError('read', path, error);
  });
  const { size } = await handle.stat();
  const count = size / (4 * dimension);
  if (!Number.isInteger(count)) {
    await handle.close();
    throw new GanletError(
      'FEATURES_INVALID',
      `${path} must hold rows of ${dimension} float32, it has ${size} bytes`,
      { hint: 'the file may be cut short; delete it and measure again' },
    );
  }
  return {
    count,
    dimension,
    async rows(from, to) {
      const data = new Float32Array((to - from) * dimension);
      const { bytesRead } = await handle.read(
        new Uint8Array(data.buffer),
        0,
        data.byteLength,
        from * dimension * 4,
      );
      if (bytesRead !== data.byteLength) {
        throw new GanletError('FEATURES_INVALID', `${path} must hold ${count} rows, it became shorter`);
      }
      needFinite(data, dimension, from);
      return data;
    },
    [Symbol.asyncDispose]: () => handle.close(),
  };
}

function needFinite(data: Float32Array | Float64Array, dimension: number, first: number): void {
  for (let i = 0; i < data.length; i++) {
    if (Number.isFinite(data[i]!)) continue;
    const row = first + Math.floor(i / dimension);
    throw new GanletError(
      'FEATURES_INVALID',
      `features must be finite numbers, picture ${row} has ${data[i]}`,
      {
        hint: 'check the feature network and its preprocessing on that picture',
      },
    );
  }
}

/** Blocks of at most `size` rows in order, as float64 matrices. */
export async function* blocks(from: Features, size: number): AsyncGenerator<Matrix & { first: number }> {
  for (let first = 0; first < from.count; first += size) {
    const rows = Math.min(size, from.count - first);
    const data = Float64Array.from(await from.rows(first, first + rows));
    yield { first, rows, columns: from.dimension, data };
  }
}

/** All rows as one float64 matrix of its own. */
export async function inMemory(all: Features): Promise<Matrix> {
  const data = Float64Array.from(await all.rows(0, all.count));
  return { rows: all.count, columns: all.dimension, data };
}

/** The given rows, in that order, repeats allowed, as one float64 matrix. */
export async function gather(from: Features, indices: ArrayLike<number>): Promise<Matrix> {
  const { dimension } = from;
  const data = new Float64Array(indices.length * dimension);
  for (let i = 0; i < indices.length; i++) {
    data.set(await from.rows(indices[i]!, indices[i]! + 1), i * dimension);
  }
  return { rows: indices.length, columns: dimension, data };
}

/** Some of the rows as features of their own, in that order, repeats allowed; read from `from` when they are asked for. */
export function selected(from: Features, indices: ArrayLike<number>): Features {
  const { dimension } = from;
  return {
    count: indices.length,
    dimension,
    async rows(first, end) {
      const chosen = Array.from({ length: end - first }, (_, i) => indices[first + i]!);
      return (await gather(from, chosen)).data;
    },
  };
}

/**
 * Two random halves of equal size (one picture is left out of an odd number): the distance between them is what two samples
 * of one distribution are apart, the real-vs-real value printed beside a distance. numpy's permutation for `seed`.
 */
export function halves(from: Features, seed = 2020): [Features, Features] {
  const order = randomState(seed).permutation(from.count);
  const half = Math.floor(from.count / 2);
  return [selected(from, order.subarray(0, half)), selected(from, order.subarray(half, 2 * half))];
}

/** Throws FEATURES_MISMATCH unless both have the same dimension, TOO_FEW_PICTURES unless both have `least` rows. */
export function needComparable(real: Features, fake: Features, least: number): void {
  if (real.dimension !== fake.dimension) {
    throw new GanletError(
      'FEATURES_MISMATCH',
      `real and fake features must have the same dimension, got ${real.dimension} and ${fake.dimension}`,
      { hint: 'measure both with the same feature network and layer' },
    );
  }
  for (const [name, { count }] of Object.entries({ real, fake })) {
    if (count < least) {
      throw new GanletError(
        'TOO_FEW_PICTURES',
        `this metric needs at least ${least} ${name} pictures, got ${count}`,
        { hint: 'add pictures, or leave the metric out' },
      );
    }
  }
}
