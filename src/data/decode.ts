import sharp from 'sharp';
import { GanletError } from '../util/errors.ts';
import { plainBytes } from './image.ts';

/** IMAGE_INVALID with its parts, so that many can be listed: "<path> <reason>". */
export class BadImageError extends GanletError {
  readonly path: string;
  readonly reason: string;

  constructor(path: string, reason: string, cause?: unknown) {
    super('IMAGE_INVALID', `${path} ${reason}`, { hint: 'repair or remove the file', cause });
    this.path = path;
    this.reason = reason;
  }
}

/** A decoded picture: height × width × 3, RGB, 8-bit. */
export interface Picture {
  pixels: Uint8Array;
  width: number;
  height: number;
}

export interface Header {
  /** Sides in pixels as shown, after the rotation that EXIF asks for. */
  width: number;
  height: number;
  /** One channel, with or without alpha. */
  grey: boolean;
}

/** What a PNG, JPEG or WebP says about itself, without its pixels. Throws BadImageError. */
export async function readHeader(path: string, bytes: Uint8Array): Promise<Header> {
  if (bytes.length === 0) throw new BadImageError(path, 'is empty');
  const meta = await sharp(bytes)
    .metadata()
    .catch((error) => undecodable(path, error));
  if (meta.format !== 'png' && meta.format !== 'jpeg' && meta.format !== 'webp') {
    throw new BadImageError(path, `must be PNG, JPEG or WebP, is ${meta.format}`);
  }
  if (meta.pages !== undefined && meta.pages > 1)
    throw new BadImageError(path, `must be one picture, is an animation of ${meta.pages}`);
  return { width: meta.autoOrient.width, height: meta.autoOrient.height, grey: meta.channels < 3 };
}

/** Decodes to 8-bit sRGB: transparency on white, EXIF rotation applied, grey repeated. Throws BadImageError. */
export async function decode(path: string, bytes: Uint8Array): Promise<Picture> {
  const { data, info } = await sharp(bytes)
    .autoOrient()
    .flatten({ background: '#ffffff' })
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true })
    .catch((error) => undecodable(path, error));
  if (info.channels !== 3) throw new BadImageError(path, `must decode to RGB, has ${info.channels} channels`);
  return { pixels: plainBytes(data), width: info.width, height: info.height };
}

/** The columns left … left + width of a picture, resized to size × size (Lanczos, aspect not kept). */
export async function resizePart(
  picture: Picture,
  left: number,
  width: number,
  size: number,
): Promise<Uint8Array> {
  const { pixels, height } = picture;
  const resized = await sharp(pixels, { raw: { width: picture.width, height, channels: 3 } })
    .extract({ left, top: 0, width, height })
    .resize(size, size, { fit: 'fill' })
    .raw()
    .toBuffer();
  return plainBytes(resized);
}

/** What libvips says of files that are no pictures, in plain words; beginnings of its messages. */
const plainer = [
  ['Input buffer contains unsupported image format', 'is not a PNG, JPEG or WebP picture'],
  ['Input image exceeds pixel limit', 'is larger than 268 million pixels'],
  ['Input buffer has corrupt header', 'cannot be decoded: its header is damaged'],
  ['Warning treated as error due to failOn setting', 'cannot be decoded: it is damaged'],
  // The same cut file gives this or the line above, from one call to the next.
  ['vipspng: libpng read error', 'cannot be decoded: it is damaged'],
] as const;

function undecodable(path: string, error: unknown): never {
  const message = error instanceof Error ? error.message : String(error);
  const [, known] = plainer.find(([start]) => message.startsWith(start)) ?? [];
  throw new BadImageError(path, known ?? `cannot be decoded: ${message.split('\n')[0]}`, error);
}
