/** How a network is fed by hand: with a picture that is drawn. */
export type InputKind = 'sketch';

/** One network the page can run. Files are relative to the page. */
export interface CatalogueModel {
  /** What people read: "student", or "run-a student" where several runs are shown. */
  name: string;
  role: 'teacher' | 'student';
  file: string;
  /** Names of the network's input and output. */
  input: string;
  output: string;
  /** Channels of the pictures it makes: 1 is grey, 3 is RGB. */
  channels: 1 | 3;
  /** The numbers that black and white have in what it takes and makes. */
  range: [number, number];
  /** Multiply-adds for one picture, transposed convolutions by their input. */
  macs: number;
  params: number;
  bytes: number;
  sha256: string;
}

/** A picture of the test split that can be put on the pad: size × size pixels. */
export interface CatalogueExample {
  name: string;
  file: string;
}

/** All that the page knows, in its `catalogue.json`. */
export interface Catalogue {
  title: string;
  tool: string;
  input: {
    kind: InputKind;
    /** Side of the pictures in pixels. */
    size: number;
    /** Channels the networks take. */
    channels: 1 | 3;
  };
  /** Smallest multiply-adds first. */
  models: CatalogueModel[];
  examples: CatalogueExample[];
  /** The credit that must go with the pictures. */
  attribution?: string;
}
