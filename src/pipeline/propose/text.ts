import { patchMapSide } from '../../recipe/patch.ts';
import { formatCount } from '../../util/format.ts';
import type { ProposedWidths } from './widths.ts';

/** What a recipe is written of. */
export interface Proposal {
  name: string;
  /** The command that asked for it, and the one that runs it again. */
  command: string;
  again: string;
  data: {
    source: string;
    path: string;
    classes: string | undefined;
    size: number;
    condition: number;
    image: number;
  };
  teacher: { model: string; macs: number; params: number };
  groups: { narrowable: number; total: number };
  widths: ProposedWidths;
  /** Undefined where the network has no inner images. */
  taps: readonly string[] | undefined;
  /** As it was typed. */
  budget: string;
}

/** A recipe as YAML, with what was found and why it says what it says as comments. */
export function proposalText(proposal: Proposal): string {
  const { name, command, again, data, teacher, groups, widths, taps, budget } = proposal;
  const { size, condition, image } = data;
  const { separated, ratio, parts, widest, narrowest } = widths;
  const fewer = (macs: number) => `${formatCount(macs)} (${(teacher.macs / macs).toFixed(1)}× fewer)`;
  const training = [
    `  batch: ${size <= 128 ? 8 : 4}`,
    ...(taps
      ? [
          '  taps: # inner values that are compared with the teacher’s',
          ...taps.map((tap) => `    - ${quoted(tap)}`),
        ]
      : ['  distill: none # the network has no inner images to compare']),
  ];
  return `${[
    `# Written by: ${command}`,
    '#',
    '# Change it as you like, and run it again, from the last state of each stage whose settings are the same:',
    '#',
    `#   ${again}`,
    '',
    `name: ${name}`,
    'seed: 0',
    '',
    'data:',
    `  source: ${data.source}${data.source === 'unpaired' ? ' # no picture has a true counterpart: the student learns what the teacher makes' : ''}`,
    `  path: ${quoted(data.path)}`,
    ...(data.classes === undefined
      ? []
      : [`  classes: ${quoted(data.classes)} # the teacher takes a class besides`]),
    `  size: ${size}`,
    ...(condition === 3 && image === 3 ? [] : [`  channels: { condition: ${condition}, image: ${image} }`]),
    '',
    'teacher:',
    `  model: ${quoted(teacher.model)} # ${formatCount(teacher.params)} parameters, ${formatCount(teacher.macs)} multiply-adds at ${size} px`,
    '',
    `# ${groups.narrowable} of ${groups.total} channel groups can be narrowed (ganlet inspect lists them).`,
    'student:',
    `  ratio: ${ratio} # of the teacher’s channels in each group: ${fewer(widest)}`,
    ...(separated > 0
      ? [`  separable: true # ${separated} dense convolutions of residual blocks become depthwise and 1×1`]
      : []),
    '',
    '# All widths are trained together, the channels of the teacher that matter most first.',
    'supernet:',
    `  widths: [${parts.join(', ')}] # parts of the student’s channels, for each group: down to ${fewer(narrowest)}`,
    '  sampling: sandwich # the widest, the narrowest and one at random in every step',
    '  steps: 10000',
    ...training,
    '',
    'search:',
    `  budget: ${budget}`,
    '  quality: teacher-l1 # frechet, with features: inception, is what papers compare; the network is fetched once',
    '  pictures: 64',
    '  evolution: { population: 40, generations: 25 }',
    '',
    '# The student that was chosen, trained on by itself.',
    'finetune:',
    '  steps: 5000',
    ...training,
    '',
    'discriminator:',
    '  type: patch',
    `  layers: ${patchLayers(size)}`,
    `  baseWidth: ${size <= 64 ? 32 : 64}`,
  ].join('\n')}\n`;
}

/** As many halvings as leave several verdicts, at most three. */
function patchLayers(size: number): number {
  return [3, 2].find((layers) => patchMapSide(size, layers) >= 2) ?? 1;
}

/** Quoted for YAML where need be. */
function quoted(text: string): string {
  return /^[\p{L}\p{N}_./][\p{L}\p{N}_./-]*$/u.test(text) && !/^[\d.]+$/.test(text)
    ? text
    : JSON.stringify(text);
}
