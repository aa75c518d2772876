import type { ResizeMode } from '../resize.ts';

/** What a feature network wants of a picture. */
export interface NetworkInput {
  readonly name: string;
  /** Side in pixels. */
  readonly size: number;
  readonly layout: 'NCHW' | 'NHWC';
  readonly channels: 'RGB' | 'BGR';
  /** How pictures of other sizes are brought to it unless told otherwise. */
  readonly resize: ResizeMode;
  /** Taken off levels 0..255, and what the difference is divided by; red, green, blue. It may depend on the resizing. */
  pixels(resize: ResizeMode): { mean: readonly number[]; std: readonly number[] };
}

/** A network whose features are compared, in a file. */
export interface FeatureNetwork {
  /** With layer and dimension, as statistics files and results name it: `inception-pool3-2048`, `emoji-64`. */
  readonly feature: string;
  /** What a Fréchet distance of these features is called: `FID` for the network of that name only, else `FD-emoji-64`. */
  readonly frechet: string;
  /** What a kernel distance is called: `KID`, else `KD-emoji-64`. */
  readonly kernel: string;
  readonly path: string;
  /** Of the file. */
  readonly sha256: string;
  readonly input: NetworkInput;
  /** `token`: which one counts where the output is [pictures, tokens, dimension]. */
  readonly output: { readonly name: string; readonly dimension: number; readonly token?: number };
  /** Class scores for an Inception Score, where the network has them. */
  readonly logits?: { readonly name: string; readonly classes: number };
}

/** The names of a network that is not FID's: the dimension is said once. */
export function featureNames(
  name: string,
  dimension: number,
): Pick<FeatureNetwork, 'feature' | 'frechet' | 'kernel'> {
  const feature = name.endsWith(`-${dimension}`) ? name : `${name}-${dimension}`;
  return { feature, frechet: `FD-${feature}`, kernel: `KD-${feature}` };
}
