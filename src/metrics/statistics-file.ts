import { readFile } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { unzipSync, zipSync } from 'fflate';
import { writeFileAtomic } from '../util/atomic.ts';
import { GanletError } from '../util/errors.ts';
import { fileError } from '../util/file-error.ts';
import { decodeNpy, encodeNpy } from '../util/npy.ts';
import { toolVersion } from '../util/version.ts';
import type { Moments } from './moments.ts';
import { needSamePreprocessing, type Provenance } from './preprocessing.ts';

/** Moments with what is known of how they came about. */
export interface Statistics extends Moments, Provenance {
  /** Name and version of the tool that wrote them; null where the file does not say. */
  readonly tool: string | null;
}

/** Members of our own, beside the `mu` and `sigma` of pytorch-fid, TTUR and clean-fid. */
const texts = ['feature', 'resize', 'preprocessing', 'tool'] as const;
const members = ['mu', 'sigma', 'n', 'ddof', ...texts];
/** One gibibyte holds the covariance of 11,585 dimensions. */
const largestMember = 2 ** 30;

/**
 * Writes statistics as `.npz` that pytorch-fid and clean-fid read (`mu`, `sigma`), with `n`, `ddof`, `feature`, `resize`,
 * `preprocessing` and `tool` beside. Equal statistics give equal bytes. Throws as `writeFileAtomic`.
 */
export async function writeStatistics(path: string, statistics: Omit<Statistics, 'tool'>): Promise<void> {
  const { mean, covariance, dimension, count, ddof } = statistics;
  const files: Record<string, Uint8Array> = {
    'mu.npy': encodeNpy({ shape: [dimension], data: mean }),
    'sigma.npy': encodeNpy({ shape: [dimension, dimension], data: covariance }),
    'ddof.npy': encodeNpy({ integer: ddof }),
  };
  if (count !== null) files['n.npy'] = encodeNpy({ integer: count });
  const described = { ...statistics, tool: toolVersion };
  for (const key of texts) {
    const text = described[key];
    if (text !== null) files[`${key}.npy`] = encodeNpy({ text });
  }
  await writeFileAtomic(path, zipSync(files, { level: 0, mtime: '1980-01-02T00:00:00' }));
}

/**
 * Reads statistics from an `.npz` of ours, pytorch-fid, TTUR or clean-fid. What a foreign file does not say is null, and its
 * divisor is taken to be N − 1, as all of those tools have it. Throws STATISTICS_INVALID for a damaged file, missing members or a
 * matrix that is no covariance, NPY_INVALID for arrays that hold no numbers, FILE_MISSING, …
 */
export async function readStatistics(path: string): Promise<Statistics> {
  const bytes = await readFile(path).catch((error) => {
    throw fileError('read', path, error);
  });
  const files = unpack(bytes, path);
  const array = (key: string) => {
    const file = files[`${key}.npy`];
    return file && decodeNpy(file, `${path}: ${key}`);
  };
  const numbers = (key: string) => {
    const found = array(key);
    return found && 'data' in found ? found : undefined;
  };
  const text = (key: string) => {
    const found = array(key);
    return found && 'text' in found ? found.text : null;
  };
  const [mu, sigma] = [numbers('mu'), numbers('sigma')];
  if (!mu || !sigma) return invalid(path, 'it must have the members mu and sigma');
  const dimension = mu.data.length;
  if (dimension === 0 || sigma.data.length !== dimension ** 2 || sigma.shape.length !== 2) {
    return invalid(
      path,
      `sigma must be ${dimension} × ${dimension} as mu says, got (${sigma.shape.join(', ')})`,
    );
  }
  needCovariance(mu.data, sigma.data, path);
  const [count = null, ddof = 1] = [numbers('n')?.data[0], numbers('ddof')?.data[0]];
  if (count !== null && !(Number.isInteger(count) && count > 0))
    return invalid(path, `n must be positive, got ${count}`);
  if (ddof !== 0 && ddof !== 1) return invalid(path, `ddof must be 0 or 1, got ${ddof}`);
  return {
    count,
    dimension,
    mean: mu.data,
    covariance: sigma.data,
    ddof,
    feature: text('feature'),
    resize: text('resize'),
    preprocessing: text('preprocessing'),
    tool: text('tool'),
  };
}

/**
 * Refuses statistics that must not be compared: throws PREPROCESSING_MIXED where preprocessing or dimension differ. Returns
 * warnings about what is not known. (A different ddof is refused by `frechetFromMoments`.)
 */
export function needComparableStatistics(real: Statistics, fake: Statistics): string[] {
  if (real.dimension !== fake.dimension) {
    throw new GanletError(
      'PREPROCESSING_MIXED',
      `real and fake statistics must have the same dimension, got ${real.dimension} and ${fake.dimension}`,
      { hint: 'measure both with the same feature network and layer' },
    );
  }
  return needSamePreprocessing(real, fake);
}

function invalid(path: string, found: string): never {
  throw new GanletError('STATISTICS_INVALID', `${path} must be statistics of features (.npz), ${found}`, {
    hint: 'the file may be damaged or of another kind; measure again with --stats',
  });
}

/** The known members; others are left alone. */
function unpack(bytes: Uint8Array, path: string): Record<string, Uint8Array> {
  let files: Record<string, Uint8Array>;
  try {
    const sums = checksums(bytes);
    files = unzipSync(bytes, {
      filter: ({ name, originalSize }) => {
        if (originalSize > largestMember) throw new RangeError(`${name} is too large`);
        return members.includes(name.replace(/\.npy$/, ''));
      },
    });
    for (const [name, file] of Object.entries(files)) {
      if (crc32(file) !== sums.get(name)) throw new RangeError(`${name} is damaged`);
    }
  } catch (cause) {
    return invalid(path, `it cannot be read: ${cause instanceof Error ? cause.message : cause}`);
  }
  return files;
}

/** CRC-32 of each member from the zip's central directory: fflate does not look at them. */
function checksums(bytes: Uint8Array): Map<string, number> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let end = bytes.length - 22;
  while (end >= 0 && view.getUint32(end, true) !== 0x06054b50) end--;
  if (end < 0) throw new RangeError('it is no zip file');
  const sums = new Map<string, number>();
  let at = view.getUint32(end + 16, true);
  for (let i = view.getUint16(end + 10, true); i > 0; i--) {
    const [name, extra, comment] = [28, 30, 32].map((offset) => view.getUint16(at + offset, true)) as [
      number,
      number,
      number,
    ];
    const text = Buffer.from(bytes.subarray(at + 46, at + 46 + name)).toString('utf8');
    sums.set(text, view.getUint32(at + 16, true));
    at += 46 + name + extra + comment;
  }
  return sums;
}

function needCovariance(mean: Float64Array, covariance: Float64Array, path: string): void {
  if (!mean.every(Number.isFinite) || !covariance.every(Number.isFinite)) {
    invalid(path, 'it holds numbers that are not finite');
  }
  const d = mean.length;
  let largest = 0;
  for (let i = 0; i < d; i++) {
    const variance = covariance[i * d + i]!;
    if (variance < 0) invalid(path, `sigma has a negative variance, ${variance}, in dimension ${i}`);
    largest = Math.max(largest, variance);
  }
  for (let i = 0; i < d; i++) {
    for (let j = 0; j < i; j++) {
      if (Math.abs(covariance[i * d + j]! - covariance[j * d + i]!) > 1e-6 * largest) {
        invalid(path, `sigma is not symmetric at (${i}, ${j})`);
      }
    }
  }
}
