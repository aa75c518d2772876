import { decode, readHeader, resizePart } from './decode.ts';
import { checkChannels, readImage } from './folder/pair.ts';
import { rgbToGrey } from './image.ts';
import type { FileReading } from './open-files.ts';

/** A picture in a file of its own. */
export interface ImageFile {
  /** "train/0001.png": unique in the data set. */
  id: string;
  path: string;
}

/** How pictures in files of their own are read: size × size × channels, 8-bit (Lanczos, aspect not kept). */
export function imageReading(
  size: number,
  channels: 1 | 3,
  greyscale: 'reject' | 'expand',
  what = 'image',
): FileReading<ImageFile, Uint8Array> {
  return {
    read: async ({ path }) => [await readImage(path)],
    async check({ path }, [bytes]) {
      checkChannels(path, await readHeader(path, bytes!), channels, { greyscale });
    },
    async decode({ path }, [bytes]) {
      const picture = await decode(path, bytes!);
      const image = await resizePart(picture, 0, picture.width, size);
      return channels === 1 ? rgbToGrey(image) : image;
    },
    bytes: size * size * channels,
    what,
  };
}
