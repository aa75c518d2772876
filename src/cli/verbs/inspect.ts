import { largest, whole } from '../options.ts';
import { defineVerb } from '../verb.ts';

export const inspect = defineVerb({
  command: 'inspect <model>',
  describe: 'Show what of an ONNX generator can be narrowed, and why the rest cannot',
  positionals: {
    model: { type: 'string', demandOption: true, describe: 'An .onnx file, of this toolkit or another' },
  },
  options: {
    size: whole(
      '--size',
      'Side of the input image, in pixels, where the model leaves it open; by default 256',
      1,
      largest.size,
    ),
    json: { type: 'boolean', default: false, describe: 'Print JSON' },
  },
  examples: [['ganlet inspect teacher.onnx', 'before writing a recipe, or: ganlet compress']],
  async run({ model, size, json }) {
    const [{ loadOnnx }, { inspectGraph }, { printInspection }, { usesColour }] = await Promise.all([
      import('../../ops/import-onnx.ts'),
      import('../../report/inspect.ts'),
      import('../../report/inspect-print.ts'),
      import('../../util/log.ts'),
    ]);
    const found = inspectGraph(loadOnnx(model), { name: model, ...(size !== undefined && { size }) });
    process.stdout.write(
      json ? `${JSON.stringify(found, null, 2)}\n` : printInspection(found, usesColour(process.stdout)),
    );
  },
});
