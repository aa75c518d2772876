import { readFile, stat } from 'node:fs/promises';
import { fileError } from '../../util/file-error.ts';
import { BadImageError, decode, type Header, readHeader, resizePart } from '../decode.ts';
import { rgbToGrey } from '../image.ts';
import type { Channels, Pair } from '../source.ts';
import type { PairFiles } from './files.ts';

export interface PairOptions {
  size: number;
  direction: 'AtoB' | 'BtoA';
  channels: Channels;
  greyscale: 'reject' | 'expand';
}

/** The bytes of a pair's one or two files. Throws BadImageError where one cannot be read. */
export async function readPair(files: PairFiles): Promise<Uint8Array[]> {
  const paths = files.b === undefined ? [files.a] : [files.a, files.b];
  return Promise.all(paths.map(readImage));
}

/** Reasons that lie with one file. All others concern the machine, and must not leave pictures out. */
const ofTheFile = new Set(['ENOENT', 'ELOOP', 'EACCES', 'EPERM', 'EISDIR', 'EIO', 'ENAMETOOLONG']);

/** The bytes of a file of the user's. Throws BadImageError where the reason lies with that file. */
export async function readImage(path: string): Promise<Uint8Array> {
  try {
    // Reading a pipe or a device may never end.
    if (!(await stat(path)).isFile()) throw new BadImageError(path, 'is not a file');
    return await readFile(path);
  } catch (error) {
    const problem = fileError('read', path, error);
    if (!ofTheFile.has(String((error as NodeJS.ErrnoException).code))) throw problem;
    throw new BadImageError(path, `cannot be read: ${problem.message.split(': ').at(-1)}`, error);
  }
}

/** Throws BadImageError when the headers show that the files cannot be a pair. */
export async function checkPair(files: PairFiles, bytes: Uint8Array[], options: PairOptions): Promise<void> {
  const { a, b } = files;
  const left = await readHeader(a, bytes[0]!);
  if (b === undefined) {
    if (left.width !== 2 * left.height) {
      throw new BadImageError(a, `is ${sides(left)}, an aligned image must be twice as wide as high`);
    }
    // Both halves have the channels of the file.
    checkChannels(a, left, options.channels.condition === 3 ? 3 : options.channels.image, options);
    return;
  }
  const right = await readHeader(b, bytes[1]!);
  if (left.width !== right.width || left.height !== right.height) {
    throw new BadImageError(a, `is ${sides(left)}, its partner in B is ${sides(right)}: they must be equal`);
  }
  const { condition, image } = options.channels;
  const [wantedA, wantedB] = options.direction === 'AtoB' ? [condition, image] : [image, condition];
  checkChannels(a, left, wantedA, options);
  checkChannels(b, right, wantedB, options);
}

/** Decodes a pair that `checkPair` let through. Throws BadImageError when the pixels are damaged. */
export async function decodePair(files: PairFiles, bytes: Uint8Array[], options: PairOptions): Promise<Pair> {
  const { size } = options;
  const left = await decode(files.a, bytes[0]!);
  const right = files.b === undefined ? left : await decode(files.b, bytes[1]!);
  const half = files.b === undefined ? left.height : left.width;
  const a = await resizePart(left, 0, half, size);
  const b = await resizePart(right, files.b === undefined ? half : 0, half, size);
  const [condition, image] = options.direction === 'AtoB' ? [a, b] : [b, a];
  return {
    condition: options.channels.condition === 1 ? rgbToGrey(condition) : condition,
    image: options.channels.image === 1 ? rgbToGrey(image) : image,
  };
}

/** Throws BadImageError for a grey picture where colour is wanted and `greyscale` is `reject`. */
export function checkChannels(
  path: string,
  { grey }: Header,
  wanted: 1 | 3,
  { greyscale }: Pick<PairOptions, 'greyscale'>,
): void {
  if (grey && wanted === 3 && greyscale === 'reject') {
    throw new BadImageError(path, 'has one channel, an RGB image is wanted');
  }
}

function sides({ width, height }: Header): string {
  return `${width} × ${height}`;
}
