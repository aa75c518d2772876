import { type PictureFile, readPicture } from '../../data/folder/pictures.ts';
import { type Levels, planes } from '../levels.ts';

/** A file's picture as planes of 8-bit levels. */
export async function levelsOf(file: PictureFile): Promise<Levels> {
  const { pixels, height, width } = await readPicture(file);
  return planes(pixels, height, width);
}

/** The pictures of files, `size` at a time, the next ones being decoded while these are used. */
export async function* decoded(
  files: readonly PictureFile[],
  size: number,
): AsyncGenerator<{ first: number; pictures: Levels[] }> {
  const some = (first: number) => {
    const reading = Promise.all(files.slice(first, first + size).map(levelsOf));
    // It is awaited in the next turn; until then a failure is nobody's.
    reading.catch(() => {});
    return reading;
  };
  let next = some(0);
  for (let first = 0; first < files.length; first += size) {
    const pictures = await next;
    next = some(first + size);
    yield { first, pictures };
  }
}
