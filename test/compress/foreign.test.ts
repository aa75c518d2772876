import { describe, expect, test } from 'vitest';
import { channelGroups } from '../../src/compress/groups.ts';
import { narrow } from '../../src/compress/narrow.ts';
import { encodeOnnx } from '../../src/graph/onnx.ts';
import { checkTypes } from '../../src/ops/check-types.ts';
import { loadOnnx } from '../../src/ops/import-onnx.ts';
import { drawn, exported, loadExport, masked } from './foreign.ts';
import { noise, outputOf } from './networks.ts';

const image = (channels: number) => `image ${channels}: network input "image"`;
const picture = (name: string) => `${name} 3: network output "picture"`;

/** What each network's groups are, whatever the opset and whatever the exporter merged and folded. */
const expected: Record<string, string[]> = {
  resnet: [image(3), '1 4', '4 8', '7.body.1 8', '8 4', picture('12')],
  unet: [image(3), 'down1 4', 'down2.1 8', 'up2.1 4', picture('up1.3')],
  pix2pixhd: [
    image(3),
    'model1_1.1 3',
    'model1_1.4 6',
    'model.1 6',
    'model.4 12',
    'model.7.conv_block.1 12',
    'model.8.conv_block.1 12',
    'model1_2.0.conv_block.1 6',
    'model1_2.1 3',
    picture('model1_2.5'),
  ],
  spade: [
    image(5),
    'fc 8',
    'head_0.norm_0.mlp_shared.0 6',
    'head_0.conv_0 8',
    'head_0.norm_1.mlp_shared.0 6',
    'up_0.norm_s.mlp_shared.0 6',
    'up_0.conv_s 4',
    'up_0.norm_0.mlp_shared.0 6',
    'up_0.conv_0 4',
    'up_0.norm_1.mlp_shared.0 6',
    picture('conv_img'),
  ],
  mobile: [
    image(3),
    'stem.0 4',
    'down.conv.0 8',
    'down.conv.6 8',
    'trunk.0.conv.0 16',
    'trunk.0.conv.6.fc.0 4',
    'trunk.1.conv.0 16',
    'shuffle.0 4',
    'gates 4',
    picture('head'),
  ],
};

const decoderReasons = [
  'Reshape "/group/Reshape" splits this axis',
  'Reshape "/group/Reshape_1" splits this axis',
];

describe.each(exported)('%s.onnx', (file) => {
  const graph = loadExport(file);
  const groups = channelGroups(graph);
  const listing = groups.list.map(({ name, width, reasons }) =>
    [`${name} ${width}`, ...reasons.slice(0, 2)].join(': '),
  );

  test('its groups, their widths, and what cannot be narrowed', () => {
    const network = file.slice(0, file.indexOf('-'));
    if (network !== 'decoder') {
      expect(listing).toEqual(expected[network]);
      return;
    }
    // What normalises over channels keeps them; what attention compares and what excites can be narrowed.
    const open = groups.list.filter((group) => group.narrowable);
    expect(open.map(({ name, width }) => `${name} ${width}`)).toEqual(['squeeze 4', 'query 2']);
    expect(groups.find('stem')?.reasons.slice(0, 2)).toEqual(decoderReasons);
  });

  test('channels in another order change nothing but rounding', async () => {
    const reordered = narrow(graph, drawn(groups, 1, true), groups);
    checkTypes(reordered);
    const [before, after] = [await outputOf(graph), await outputOf(reordered, noise(graph))];
    expect(after).toBeAllclose(before, { atol: 1e-5 });
  });

  test('narrowed at random it is the full network without the dropped channels, in its file too', async () => {
    const whole = await outputOf(graph);
    let changed = false;
    for (const seed of [1, 2, 3]) {
      const keep = drawn(groups, seed);
      const small = narrow(graph, keep, groups);
      checkTypes(small);
      const widths = new Map(channelGroups(small).list.map(({ name, width }) => [name, width]));
      for (const [name, kept] of keep) expect(widths.get(name), name).toBe(kept.length);
      const pictures = await outputOf(small, noise(graph));
      const full = await outputOf(masked(graph, groups, keep), noise(graph));
      expect(pictures).toBeAllclose(full, { atol: 1e-5 });
      changed ||= full.some((x, i) => Math.abs(x - whole[i]!) > 1e-3);
      expect(await outputOf(loadOnnx(encodeOnnx(small)), noise(graph))).toEqual(pictures);
    }
    expect(changed).toBe(true);
  });
});
