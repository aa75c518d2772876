/**
 * Halves a picture with even sides: each output sample is the rounded mean of a 2 × 2 block.
 * `pixels` is height × width × channels, 8-bit.
 */
export function halve(pixels: Uint8Array, width: number, height: number, channels: number): Uint8Array {
  const out = new Uint8Array((width >> 1) * (height >> 1) * channels);
  const row = width * channels;
  let o = 0;
  for (let y = 0; y + 1 < height; y += 2) {
    for (let x = 0; x + 1 < width; x += 2) {
      const i = y * row + x * channels;
      for (let c = i; c < i + channels; c++) {
        out[o++] =
          (pixels[c]! + pixels[c + channels]! + pixels[c + row]! + pixels[c + row + channels]! + 2) >> 2;
      }
    }
  }
  return out;
}

/** Repeats every sample three times: a one-channel picture as RGB. */
export function greyToRgb(grey: Uint8Array): Uint8Array {
  const out = new Uint8Array(grey.length * 3);
  for (let i = 0, o = 0; i < grey.length; i++, o += 3) {
    out[o] = grey[i]!;
    out[o + 1] = grey[i]!;
    out[o + 2] = grey[i]!;
  }
  return out;
}

/** Luma of an RGB picture, one channel, 8-bit (ITU-R BT.601 weights in 1/256: 77, 150, 29). */
export function rgbToGrey(rgb: Uint8Array): Uint8Array {
  const out = new Uint8Array(rgb.length / 3);
  for (let o = 0, i = 0; o < out.length; o++, i += 3) {
    out[o] = (77 * rgb[i]! + 150 * rgb[i + 1]! + 29 * rgb[i + 2]! + 128) >> 8;
  }
  return out;
}

/** The same bytes as a plain array: a Buffer compares, slices and prints differently. */
export function plainBytes(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}
