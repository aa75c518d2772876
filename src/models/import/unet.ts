import type { UnetConfig } from '../../recipe/schema.ts';
import { unetGenerator } from '../unet.ts';
import { kernelOf, type LayerPlace, normAfter, parameterNames, unusedStatistics } from './layers.ts';
import { checkRoom, loadParameters, mismatch, namesIn, type StateDict } from './load.ts';
import type { ImportedGenerator } from './resnet.ts';

/**
 * The U-Net generator of pytorch-CycleGAN-and-pix2pix from its state dict, whose levels are inside one another:
 * `model.model.0`, `model.model.1.model.1`, `model.model.1.model.3.model.1`, …. `levels`: 8 for unet_256, 7 for unet_128;
 * any number when left out. Throws CHECKPOINT_MISMATCH, CHECKPOINT_INVALID.
 */
export function importUnet(
  tensors: StateDict,
  expected: { levels?: number },
  file: string,
): ImportedGenerator<UnetConfig> {
  const what = `a U-Net generator of ${expected.levels ?? 'some'} levels`;
  const prefixes = levelPrefixes(tensors);
  const levels = prefixes.length;
  if (levels < 2) throw mismatch(file, what, `model.model.1.model.1.weight is missing, ${namesIn(tensors)}`);
  if (expected.levels !== undefined && levels !== expected.levels)
    throw mismatch(file, what, `it has ${levels} levels`);
  const layers = places(prefixes);
  const first = kernelOf(tensors, `${prefixes[0]}.0`, what, file);
  const image = kernelOf(tensors, `${prefixes[0]}.3`, what, file).in;
  // Down and up again between levels of n, 2n, 4n, 8n, 8n, … channels, by 4×4 kernels.
  const squares = [2, 8, 32, ...new Array(levels).fill(64)].slice(0, levels - 1);
  const inner = 2 * first.out ** 2 * squares.reduce((a, b) => a + b, 0);
  checkRoom(16 * (inner + first.out * (first.in + image)), tensors, what, file);
  const norm = normAfter(tensors, layers.find(({ ours }) => ours === 'up1')!);
  const architecture = { type: 'unet' as const, baseWidth: first.out, levels, norm, dropout: 0 };
  const channels = { condition: first.in, image };
  const graph = unetGenerator({ ...architecture, inputChannels: first.in, outputChannels: image });
  loadParameters(graph, tensors, parameterNames(layers), {
    what,
    file,
    ...(norm === 'instance' && { ignore: unusedStatistics(layers) }),
  });
  return { graph, architecture, channels };
}

/** Where the modules of each level are, outermost first. */
function levelPrefixes(tensors: StateDict): string[] {
  if (!tensors.has('model.model.0.weight')) return [];
  const prefixes = ['model.model'];
  while (prefixes.length < 16) {
    const next = `${prefixes.at(-1)}.${prefixes.length === 1 ? 1 : 3}.model`;
    if (!tensors.has(`${next}.1.weight`)) break;
    prefixes.push(next);
  }
  return prefixes;
}

/** Outermost level: down 0, inside 1, up 3. Others: down 1, norm 2, inside 3, up 5, norm 6. Innermost: down 1, up 3, norm 4. */
function places(prefixes: readonly string[]): LayerPlace[] {
  const levels = prefixes.length;
  return prefixes.flatMap((at, depth): LayerPlace[] => {
    const [down, up] = [`down${depth + 1}`, `up${levels - depth}`];
    if (depth === 0)
      return [
        { ours: down, theirs: `${at}.0` },
        { ours: up, theirs: `${at}.3` },
      ];
    const innermost = depth === levels - 1;
    return [
      { ours: down, theirs: `${at}.1`, ...(!innermost && { norm: `${at}.2` }) },
      innermost
        ? { ours: up, theirs: `${at}.3`, norm: `${at}.4` }
        : { ours: up, theirs: `${at}.5`, norm: `${at}.6` },
    ];
  });
}
