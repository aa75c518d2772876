import { choice, text, whole } from './fields.ts';
import { backends, providers } from './names.ts';

/** The name in a recipe, with what is named in its description. */
export const nameField = (what: string) =>
  text('a name of letters, digits, "-", "_" and "."', /^[A-Za-z0-9][A-Za-z0-9._-]*$/).describe(
    `Name of ${what}; its folder is runs/<name> unless --out says otherwise.`,
  );

/** How a run computes: keys of every kind of recipe. */
export const computeFields = {
  seed: whole({ min: 0 }).default(0).describe('Every random choice follows from it.'),
  threads: whole({ min: 1, max: 1024 })
    .optional()
    .describe('Threads for arithmetic; by default as many as there are cores.'),
  backend: choice(backends)
    .default('auto')
    .describe(
      'What computes: ONNX Runtime, TensorFlow.js, or auto, the one that takes the first steps fastest on this machine.',
    ),
  provider: choice(providers)
    .default('cpu')
    .describe('Where ONNX Runtime computes. webgpu and cuda leave nothing to backend auto.'),
};
