/** One picture of 8-bit levels, channels first: `channels` planes of `height` rows. */
export interface Levels {
  readonly data: Uint8Array;
  readonly channels: 1 | 3;
  readonly height: number;
  readonly width: number;
}

/** Pictures that can be asked for again and again, in any order; `picture(i)` is always the same. */
export interface PictureSet {
  readonly count: number;
  picture(index: number): Levels | Promise<Levels>;
}

/** A decoded picture, height × width × 3, as planes. */
export function planes(pixels: Uint8Array, height: number, width: number): Levels {
  const area = height * width;
  const data = new Uint8Array(3 * area);
  for (let i = 0, o = 0; o < area; o++) {
    data[o] = pixels[i++]!;
    data[area + o] = pixels[i++]!;
    data[2 * area + o] = pixels[i++]!;
  }
  return { data, channels: 3, height, width };
}

/** The same picture with three planes: grey is repeated. */
export function inColour(picture: Levels): Levels {
  if (picture.channels === 3) return picture;
  const { data, height, width } = picture;
  const repeated = new Uint8Array(3 * data.length);
  for (let c = 0; c < 3; c++) repeated.set(data, c * data.length);
  return { data: repeated, channels: 3, height, width };
}
