import { GanletError } from '../util/errors.ts';

/** One picture, channels first: `channels` planes of `height` rows. */
export interface PictureShape {
  channels: number;
  height: number;
  width: number;
}

const taps = 11;
const sigma = 1.5;
const c1 = (0.01 * 255) ** 2;
const c2 = (0.03 * 255) ** 2;

/** The Gaussian of one axis; the window is its outer product with itself, of sum 1. */
const gaussian = normalised(
  Float64Array.from({ length: taps }, (_, i) => Math.exp(-((i - 5) ** 2) / (2 * sigma ** 2))),
);

/**
 * Structural similarity of two pictures of 8-bit levels, channels first: at most 1, for equal pictures.
 *
 * Wang et al. 2004, "Image quality assessment: from error visibility to structural similarity", eq. 13, with their window
 * (11 × 11 Gaussian, σ 1.5) and constants (K1 0.01, K2 0.03, L 255), moments of the population, the mean over the positions
 * where the window lies inside the picture, computed for each channel and averaged over them. No down-scaling first. This is
 * `structural_similarity(…, gaussian_weights=True, sigma=1.5, use_sample_covariance=False)` of scikit-image, not its default.
 * Throws PICTURE_TOO_SMALL below 11 × 11 pixels.
 */
export function ssim(a: Uint8Array, b: Uint8Array, { channels, height, width }: PictureShape): number {
  if (height < taps || width < taps) {
    throw new GanletError(
      'PICTURE_TOO_SMALL',
      `SSIM needs pictures of at least ${taps} × ${taps} pixels, got ${width} × ${height}`,
      { hint: 'measure larger pictures, or leave ssim out of evaluate.metrics' },
    );
  }
  let sum = 0;
  for (let c = 0; c < channels; c++) {
    const [from, to] = [c * height * width, (c + 1) * height * width];
    sum += planeSsim(a.subarray(from, to), b.subarray(from, to), height, width);
  }
  return sum / channels;
}

function planeSsim(a: Uint8Array, b: Uint8Array, height: number, width: number): number {
  const columns = width - taps + 1;
  // Weighted row sums of a, b, a² + b² and ab: the two variances are needed only as their sum.
  const [rowA, rowB, rowSquares, rowProduct] = Array.from(
    { length: 4 },
    () => new Float64Array(height * columns),
  ) as [Float64Array, Float64Array, Float64Array, Float64Array];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < columns; x++) {
      const o = y * columns + x;
      for (let k = 0; k < taps; k++) {
        const weight = gaussian[k]!;
        const p = a[y * width + x + k]!;
        const q = b[y * width + x + k]!;
        rowA[o]! += weight * p;
        rowB[o]! += weight * q;
        rowSquares[o]! += weight * (p * p + q * q);
        rowProduct[o]! += weight * p * q;
      }
    }
  }
  let sum = 0;
  const positions = (height - taps + 1) * columns;
  for (let o = 0; o < positions; o++) {
    let [meanA, meanB, squares, product] = [0, 0, 0, 0];
    for (let k = 0; k < taps; k++) {
      const weight = gaussian[k]!;
      const i = o + k * columns;
      meanA += weight * rowA[i]!;
      meanB += weight * rowB[i]!;
      squares += weight * rowSquares[i]!;
      product += weight * rowProduct[i]!;
    }
    const meanProduct = meanA * meanB;
    const meanSquares = meanA * meanA + meanB * meanB;
    const covariance = product - meanProduct;
    const variances = squares - meanSquares;
    sum += ((2 * meanProduct + c1) * (2 * covariance + c2)) / ((meanSquares + c1) * (variances + c2));
  }
  return sum / positions;
}

function normalised(weights: Float64Array): Float64Array {
  const sum = weights.reduce((total, weight) => total + weight);
  return weights.map((weight) => weight / sum);
}
