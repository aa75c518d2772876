import type { Condition } from '../data/source.ts';

/** A tensor a network takes, for one picture. */
export interface CatalogueInput {
  name: string;
  /** Labels and classes are one-hot in float32; a whole number is the class itself. */
  type: 'float32' | 'int32' | 'int64';
  shape: number[];
}

/** One network the page can run. Files are relative to the page. */
export interface CatalogueModel {
  /** What people read: "student", or "run-a student" where several runs are shown. */
  name: string;
  role: 'teacher' | 'student';
  file: string;
  /** `class`: of a class besides a picture or label map; without it such a class is planes behind the condition's channels. */
  inputs: { condition?: CatalogueInput; class?: CatalogueInput; latent?: CatalogueInput };
  /** Name of the network's output. */
  output: string;
  /** Channels of the pictures it makes: 1 is grey, 3 is RGB. */
  channels: 1 | 3;
  /** The numbers that black and white have in pictures it takes, and in those it makes. */
  range: readonly [number, number];
  outputRange: readonly [number, number];
  /** Multiply-adds for one picture, transposed convolutions by their input. */
  macs: number;
  params: number;
  bytes: number;
  sha256: string;
}

/** A condition of the test split that can be chosen, and the latent that goes with it where networks take one. */
export interface CatalogueExample {
  name: string;
  /**
   * PNG of size × size pixels, where networks are given a picture or labels: the picture; of labels the label's number as
   * red, 255 as green where there is an edge.
   */
  file?: string;
  /** Number of the class, or of that which comes with the picture. */
  class?: number;
  latent?: number[];
}

/** All that the page knows, in its `catalogue.json`. */
export interface Catalogue {
  title: string;
  tool: string;
  /** Side of the pictures in pixels. */
  size: number;
  /** What all the networks are given. */
  condition: Condition;
  /** Numbers of the latent all of them take; 0 for none. */
  latent: number;
  /** Unit vectors of the latent that change the picture much; without them the sliders move its first numbers. */
  directions?: number[][];
  /** Smallest multiply-adds first. */
  models: CatalogueModel[];
  examples: CatalogueExample[];
  /** The credit that must go with the pictures. */
  attribution?: string;
}
