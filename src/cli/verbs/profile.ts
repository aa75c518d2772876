import { providers } from '../../recipe/names.ts';
import { choice, largest, whole } from '../options.ts';
import { defineVerb } from '../verb.ts';

export const profile = defineVerb({
  command: 'profile <model>',
  describe: 'Count the multiply-adds and parameters of an ONNX model, and time it',
  positionals: {
    model: { type: 'string', demandOption: true, describe: 'An .onnx file' },
  },
  options: {
    size: whole(
      '--size',
      'Side of the input image, in pixels, where the model leaves it open; by default 256',
      1,
      largest.size,
    ),
    batch: whole(
      '--batch',
      'Images at a time, where the model leaves it open; by default 1',
      1,
      largest.batch,
    ),
    runs: whole('--runs', 'Timed runs, at least; 0 leaves the timing out'),
    threads: whole(
      '--threads',
      'Threads for arithmetic; by default as many as there are cores',
      1,
      largest.threads,
    ),
    provider: choice('--provider', 'Where the arithmetic runs', providers),
    json: { type: 'boolean', default: false, describe: 'Print JSON' },
  },
  async run({ model, json, size, batch, runs, threads, provider }) {
    const { profileModel, printProfile } = await import('../../metrics/profile/profile.ts');
    const result = await profileModel(model, {
      ...(size !== undefined && { size }),
      ...(batch !== undefined && { batch }),
      ...(runs !== undefined && { runs }),
      ...(threads !== undefined && { threads }),
      ...(provider !== undefined && { provider }),
    });
    process.stdout.write(json ? `${JSON.stringify(result, null, 2)}\n` : printProfile(result));
  },
});
