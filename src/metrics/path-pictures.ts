import type { PictureShape } from './ssim.ts';

/** Pictures side by side in memory: N × channels × height × width. */
export interface Pictures extends PictureShape {
  data: Float32Array;
}

/**
 * The middle of faces as StyleGAN's cropped path lengths take it: with c = ⌊height/8⌋, rows 3c..7c − 1 and columns 2c..6c − 1.
 */
export function faceCrop({ data, channels, height, width }: Pictures): Pictures {
  const c = Math.floor(height / 8);
  const size = 4 * c;
  const planes = data.length / (height * width);
  const cropped = new Float32Array(planes * size * size);
  for (let p = 0; p < planes; p++) {
    for (let y = 0; y < size; y++) {
      const from = (p * height + 3 * c + y) * width + 2 * c;
      cropped.set(data.subarray(from, from + size), (p * size + y) * size);
    }
  }
  return { data: cropped, channels, height: size, width: size };
}

/**
 * Pictures brought down to about `target` pixels a side by averaging f × f boxes, f = ⌊of/target⌋, with `of` the height of the
 * picture at hand (StyleGAN2 in TensorFlow), or the full height before cropping if that is given (StyleGAN2-ADA). Rows and columns
 * that fill no box are dropped; f < 2 changes nothing.
 */
export function boxDownscale(pictures: Pictures, target = 256, of = pictures.height): Pictures {
  const { data, channels, height, width } = pictures;
  const f = Math.floor(of / target);
  if (f < 2) return pictures;
  const [rows, columns] = [Math.floor(height / f), Math.floor(width / f)];
  const planes = data.length / (height * width);
  const small = new Float32Array(planes * rows * columns);
  for (let p = 0, o = 0; p < planes; p++) {
    for (let y = 0; y < rows; y++) {
      for (let x = 0; x < columns; x++, o++) {
        let sum = 0;
        for (let i = 0; i < f; i++) {
          const from = (p * height + y * f + i) * width + x * f;
          for (let j = 0; j < f; j++) sum += data[from + j]!;
        }
        small[o] = sum / (f * f);
      }
    }
  }
  return { data: small, channels, height: rows, width: columns };
}
