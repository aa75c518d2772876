/**
 * Separable ResNets of nine blocks at 256 pixels: widths, parameters, and multiply-adds as GAN Compression's tool counts
 * (undefined where nobody has printed them), as it counts without norms, and as they are computed. Of three rows the tool
 * itself printed the multiply-adds.
 */
export const published: [
  widths: string,
  params: number,
  paper: number | undefined,
  paperConv: number,
  exact: number,
][] = [
  ['64_64_64_64_64_64_64_64', 1_987_075, 18_365_808_640, 18_314_428_416, 11_066_671_104],
  ['96_96_96_96_96_96_96_96', 4_418_307, undefined, 40_155_217_920, 23_847_763_968],
  ['48_48_48_48_48_48_48_48', 1_130_883, 10_603_462_656, 10_564_927_488, 6_488_064_000],
  ['32_32_32_32_32_32_32_32', 514_307, 4_955_045_888, 4_929_355_776, 3_117_416_448],
  ['16_16_16_16_16_16_16_16', 137_347, 1_420_558_336, 1_407_713_280, 954_728_448],
  ['32_32_48_32_48_48_16_16', 822_051, 4_993_843_200, 4_961_599_488, 4_055_629_824],
  ['16_16_32_16_32_32_16_16', 356_867, 2_546_204_672, 2_525_233_152, 1_845_755_904],
  ['16_16_24_16_32_64_16_24', 355_235, 2_640_576_512, 2_618_425_344, 1_938_948_096],
  ['16_16_32_16_16_64_16_24', 411_619, 2_984_771_584, 2_961_702_912, 2_168_979_456],
  ['16_16_16_48_64_64_24_16', 362_387, 2_597_322_752, 2_571_632_640, 1_892_155_392],
  ['24_24_40_56_24_56_16_40', 702_835, 4_863_164_416, 4_831_838_208, 3_699_376_128],
  ['32_32_48_32_32_48_24_24', 780_819, 5_591_531_520, 5_560_074_240, 4_031_250_432],
  ['16_24_48_56_40_48_24_16', 886_307, 5_451_284_480, 5_418_516_480, 4_059_561_984],
  ['32_32_48_32_48_32_16_16', 746_211, 4_683_202_560, 4_652_531_712, 3_746_562_048],
  ['16_16_40_40_40_64_24_16', 719_507, 4_569_694_208, 4_539_678_720, 3_350_593_536],
  ['24_24_24_32_20_16', 341_627, undefined, 2_649_096_192, 1_941_307_392],
];

/** Six numbers under the rule of the paper's first models: parameters, multiply-adds without norms, and as computed. */
export const olderRule: [widths: string, params: number, paperConv: number, exact: number][] = [
  ['32_32_40_48_16_32', 699_875, 4_777_967_616, 3_758_751_744],
  ['48_32_40_40_24_32', 707_347, 5_633_212_416, 4_104_388_608],
];

/** Widths of a ResNet of nine blocks of which only every third has the inner width, the others that of the trunk. */
export function olderWidths(text: string): number[] {
  const [stem, down1, trunk, inner, up1, up2] = text.split('_').map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const perBlock = Array.from({ length: 9 }, (_, i) => (i % 3 === 0 ? inner : trunk));
  return [stem, down1, trunk, ...perBlock, up1, up2];
}
