import { describe, expect, test } from 'vitest';
import { channelGroups } from '../../src/compress/groups.ts';
import {
  channelsAt,
  formatWidths,
  largest,
  parseWidths,
  smallest,
  spaceSize,
  widthSpace,
} from '../../src/compress/width-space.ts';
import { resnetGenerator } from '../../src/models/resnet.ts';
import { unetGenerator } from '../../src/models/unet.ts';

const resnet = (baseWidth: number, blocks = 9) => {
  const options = { type: 'resnet', baseWidth, blocks, separable: true } as const;
  const rest = { norm: 'instance', padding: 'reflect', dropout: 0 } as const;
  return {
    groups: channelGroups(resnetGenerator({ ...options, size: 64 })),
    architecture: { ...options, ...rest },
  };
};

describe('the width space of a network', () => {
  test('a ResNet has the eight entries of GAN Compression, in its notation', () => {
    const { groups, architecture } = resnet(64);
    const space = widthSpace(groups, [16, 24, 32, 48, 64], architecture);
    expect(space.map(({ name, unit, full }) => [name, unit, full])).toEqual([
      ['stem', 1, 64],
      ['down1', 2, 64],
      ['trunk', 4, 64],
      ['inner1', 4, 64],
      ['inner2', 4, 64],
      ['inner3', 4, 64],
      ['up1', 2, 64],
      ['up2', 1, 64],
    ]);
    expect(spaceSize(space)).toBe(390_625);
    expect(spaceSize(widthSpace(groups, [64, 56, 48, 40, 32, 24, 16], architecture))).toBe(5_764_801);
    expect(formatWidths(largest(space))).toBe('64_64_64_64_64_64_64_64');
    expect(formatWidths(smallest(space))).toBe('16_16_16_16_16_16_16_16');
    const channels = channelsAt(space, parseWidths(space, '16_24_32_16_48_64_24_32'));
    expect(channels.get('stem')).toBe(16);
    expect(channels.get('down1')).toBe(48);
    expect(channels.get('down2')).toBe(128);
    expect(channels.get('block3.conv1')).toBe(64);
    expect(channels.get('block4.conv1')).toBe(192);
    expect(channels.get('block9.conv1')).toBe(256);
    expect(channels.get('up1')).toBe(48);
  });

  test('six numbers give all blocks one inner width', () => {
    const { groups, architecture } = resnet(64);
    const space = widthSpace(groups, [16, 64], architecture);
    expect(formatWidths(parseWidths(space, '24_24_24_32_20_16'))).toBe('24_24_24_32_32_32_20_16');
  });

  test('a ResNet of two blocks has an inner entry for each', () => {
    const { groups, architecture } = resnet(8, 2);
    const names = widthSpace(groups, [8, 4], architecture).map(({ name }) => name);
    expect(names).toEqual(['stem', 'down1', 'trunk', 'inner1', 'inner2', 'up1', 'up2']);
  });

  test('lists by name leave the other entries at their full width', () => {
    const { groups, architecture } = resnet(8);
    const space = widthSpace(groups, { trunk: [4, 8, 4], up2: [2] }, architecture);
    expect(space.map(({ choices }) => choices)).toEqual([[8], [8], [8, 4], [8], [8], [8], [8], [2]]);
  });

  test('another network has an entry for each group that can be narrowed, parts being multiples of 4 channels', () => {
    const groups = channelGroups(unetGenerator({ baseWidth: 8, levels: 3, size: 16 }));
    const space = widthSpace(groups, [1, 0.7, 0.1]);
    expect(space.length).toBe(groups.list.filter(({ narrowable }) => narrowable).length);
    for (const { full, choices } of space) {
      expect(choices[0]).toBe(full);
      for (const width of choices.slice(1)) expect(width % 4).toBe(0);
    }
  });

  test.each([
    [{ trunk: [16] }, 'the widths of trunk must be at most 8, its full width, got 16'],
    [{ trunk: [3.3] }, 'the widths of trunk must come to whole numbers of channels above 0, got 3.3'],
    [{ trunc: [4] }, 'widths must name channel groups of the network, it has no "trunc"'],
    [{ head: [1] }, 'group "head" must keep its 3 channels: network output "image"'],
    [[], 'the widths of stem must be at least one number'],
  ])('%j is refused', (lists, message) => {
    const { groups, architecture } = resnet(8);
    expect(() => widthSpace(groups, lists, architecture)).toThrow(message);
  });

  test.each(['8_8', '8_8_8_8_8_8_8_x', '', '9_8_8_8_8_8_8_8', '0_8_8_8_8_8_8_8'])(
    '"%s" is no vector',
    (text) => {
      const { groups, architecture } = resnet(8);
      const space = widthSpace(groups, [8, 4], architecture);
      expect(() => parseWidths(space, text)).toThrow(/must (be|have)/);
    },
  );
});
