import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { channelGroups } from '../../src/compress/groups.ts';
import { narrow } from '../../src/compress/narrow.ts';
import { Graph } from '../../src/graph/graph.ts';
import { resnetGenerator } from '../../src/models/resnet.ts';
import { relu } from '../../src/ops/activation.ts';
import { countMacs, inputSymbols } from '../../src/ops/cost.ts';
import { loadOnnx } from '../../src/ops/import-onnx.ts';
import { globalAveragePool } from '../../src/ops/pool.ts';
import { inspectGraph } from '../../src/report/inspect.ts';
import { printInspection, series } from '../../src/report/inspect-print.ts';
import { exported, loadExport } from '../compress/foreign.ts';
import { readPage } from '../docs/markdown.ts';

const root = join(import.meta.dirname, '../..');

test('the page on inspect shows what is printed', () => {
  const name = 'teachers/openmoji-64/teacher.onnx';
  const shown = readPage('docs/inspect.md').blocks.find(({ language }) => language === 'text')!;
  expect(shown.text.trimEnd()).toBe(
    printInspection(inspectGraph(loadOnnx(join(root, name)), { name })).trimEnd(),
  );
});

test('a network with fixed groups, open sizes and layers of long names', () => {
  const found = inspectGraph(loadExport('decoder-13'), { size: 32, name: 'decoder.onnx' });
  expect(printInspection(found)).toMatchInlineSnapshot(`
    "decoder.onnx

    input   image  batch×3×height×width
    output  picture  batch×2×2*floor(height/2)×2*floor(width/2)
    cost    1.28k parameters, 944k MACs at 32 px

    group                    channels     MACs   + also made by → read by
    image                           3    2.6 %   → stem
      stays: network input "image"
    stem                            4   43.5 %   + excite value → squeeze query +3
      stays: Reshape "/group/Reshape" splits this axis (and 4 more)
    stem_1                          4   43.5 %   + stem excite value → squeeze +4
      stays: Reshape "/group/Reshape" splits this axis (and 3 more)
    squeeze                         4    0.0 %   → excite
    query                           2   14.7 %   + key
    /group/Constant_1_outpu…        2    0.0 %
      stays: Reshape "/group/Reshape" splits this axis (and 1 more)
    head                            3   23.4 %
      stays: Softmax "/Softmax_1" sums over this axis (and 1 more)

    2 of 7 groups can be narrowed
    at half of their channels: 944k MACs, 1.0× fewer
    at a quarter of their channels: 944k MACs, 1.0× fewer

    taps for distillation
      /Mul_3_output_0
      /Add_1_output_0
      /Add_3_output_0
    "
  `);
  const spade = inspectGraph(loadExport('spade-12'), { size: 32, name: 'spade.onnx' });
  expect(printInspection(spade)).toMatchInlineSnapshot(`
    "spade.onnx

    input   image  batch×5×height×width
    output  picture  batch×3×4*floor(height/4)×4*floor(width/4)
    cost    7.52k parameters, 1.23M MACs at 32 px

    group                    channels     MACs   + also made by → read by
    image                           5   21.5 %   → fc +3
      stays: network input "image"
    fc                              8   54.9 %   + head_0.norm… +6 → head_0.conv… +2
    head_0.norm_0.mlp_share…        6    5.9 %   → head_0.norm_0.mlp_gamma +1
    head_0.conv_0                   8   10.5 %   + head_0.norm_1… +1 → head_0.conv_1
    head_0.norm_1.mlp_share…        6    5.9 %   → head_0.norm_1.mlp_gamma +1
    up_0.norm_s.mlp_shared.0        6   23.6 %   → up_0.norm_s.mlp_gamma +1
    up_0.conv_s                     4   12.6 %   + up_0.conv_1 → conv_img
    up_0.norm_0.mlp_shared.0        6   23.6 %   → up_0.norm_0.mlp_gamma +1
    up_0.conv_0                     4   18.0 %   + up_0.norm_1.mlp… +1 → up_0.conv_1
    up_0.norm_1.mlp_shared.0        6   14.6 %   → up_0.norm_1.mlp_gamma +1
    conv_img                        3    9.0 %
      stays: network output "picture"

    9 of 11 groups can be narrowed
    at half of their channels: 638k MACs, 1.9× fewer
    at a quarter of their channels: 638k MACs, 1.9× fewer

    taps for distillation
      /fc/Conv_output_0
      /head_0/Add_output_0
      /up_0/Add_output_0
    "
  `);
});

describe.each(exported)('%s.onnx', (name) => {
  const graph = loadExport(name);
  const found = inspectGraph(graph, { size: 16, name });

  test('is told in lines of 80 columns, plain unless coloured', () => {
    const text = printInspection(found);
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(text).not.toContain('\u001b');
    expect(stripVTControlCharacters(printInspection(found, true))).toBe(text);
  });

  test('has half the channels at the cost it says', () => {
    const groups = channelGroups(graph);
    const keep = groups.list
      .filter((group) => group.narrowable)
      .map(({ name: group, width }) => {
        const half = Math.min(width, Math.max(4, 4 * Math.round(width / 8)));
        return [group, Array.from({ length: half }, (_, i) => i)] as const;
      });
    const small = narrow(graph, new Map(keep), groups);
    expect(found.shrunk[0]!.macs).toBe(countMacs(small, inputSymbols(graph, { size: 16 })).true);
  });
});

test('the share of a group is what goes when its last channel would go', () => {
  const { groups, macs } = inspectGraph(resnetGenerator({ baseWidth: 4, blocks: 2 }), { size: 64 });
  const share = (name: string) => groups.find((group) => group.name === name)!.share * macs.true;
  // 7×7 convolution to 4 channels of 64² pixels from 3, 3×3 from 4 to 8 of 32².
  expect(share('stem')).toBeCloseTo(64 ** 2 * 49 * 3 * 4 + 32 ** 2 * 9 * 4 * 8, 0);
  // The trunk of 16 channels of 16²: from 8, in and out of two blocks, and the layer up that reads it at its own size.
  expect(share('down2')).toBeCloseTo(16 ** 2 * 9 * (8 * 16 + 2 * 2 * 16 * 16 + 16 * 8), 0);
  expect(groups.find((group) => group.name === 'down2')).toMatchObject({
    channels: 16,
    makers: ['down2', 'block1.conv2', 'block2.conv2'],
    readers: ['block1.conv1', 'block2.conv1', 'up1'],
  });
});

test('layers that keep channels apart are told apart from those that mix them', () => {
  const { groups } = inspectGraph(resnetGenerator({ baseWidth: 4, blocks: 1, separable: true }));
  expect(groups.find((group) => group.name === 'block1.conv1')).toMatchObject({
    makers: ['block1.conv1'],
    followers: ['block1.conv2'],
    readers: ['block1.conv2'],
  });
});

test('names that count up become one', () => {
  expect(series(['stem', 'block1.conv2', 'block2.conv2', 'block3.conv2', 'up1', 'up2'])).toEqual([
    'stem',
    'block1…3.conv2',
    'up1…2',
  ]);
  expect(series(['a1', 'a3', 'b1.c1', 'b1.c2', 'b2.c2'])).toEqual(['a1', 'a3', 'b1.c1…2', 'b2.c2']);
  expect(series([])).toEqual([]);
});

test('what a file calls its values does not reach the terminal as it is', () => {
  const graph = new Graph('evil');
  const x = graph.input('in\u001b[2J', 'float32', ['batch', 3, 8, 8]);
  graph.output(relu(globalAveragePool(x)), 'y');
  const text = printInspection(inspectGraph(graph, { name: 'evil\u0007.onnx' }));
  expect(text).toContain('evil\\x07.onnx');
  expect(text).toContain('in\\x1b[2J');
  expect(text).toContain('0 of 0 groups can be narrowed');
  expect(text).not.toContain('taps');
});
