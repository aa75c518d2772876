import { createSketch } from './sketch.js';

/** The control of each kind of input that networks have. */
export const inputs = { sketch: createSketch };
