import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { edgesOf } from '../../src/data/labels/labelmap.ts';
import type { Label } from '../../src/data/source.ts';

interface LabelMap {
  ids: Uint8Array;
  edges: Uint8Array;
}
interface Stroke {
  label: number;
  width: number;
  points: number[];
}
interface Fill {
  label: number;
  fill: [number, number];
}
interface LabelMapModule {
  brushLabel(ids: Uint8Array, size: number, stroke: Stroke, from?: number): void;
  fillLabel(ids: Uint8Array, size: number, fill: Fill): void;
  paintLabels(actions: (Stroke | Fill)[], below: Uint8Array, size: number): Uint8Array;
  labelEdges(ids: Uint8Array, below: LabelMap, size: number): Uint8Array;
  parseLabels(text: string | null, labels: number): object | undefined;
}
interface ColoursModule {
  labelsOf(data: Uint8ClampedArray, labels: readonly Label[]): Uint8Array;
  backgroundOf(labels: readonly { name: string }[]): number;
}

/** The page's modules are plain JavaScript. */
const files: [string, string] = ['label-map.js', 'label-colours.js'];
const page = '../../src/demo/page';
const map = (await import(`${page}/${files[0]}`)) as LabelMapModule;
const colours = (await import(`${page}/${files[1]}`)) as ColoursModule;

const size = 16;
const place = fc.double({ min: -0.5, max: 1.5, noNaN: true });
const stroke = fc.record({
  label: fc.integer({ min: 0, max: 4 }),
  width: fc.double({ min: 0, max: 1, noNaN: true }),
  points: fc.array(fc.tuple(place, place), { minLength: 1, maxLength: 6 }).map((points) => points.flat()),
});
const fill = fc.record({ label: fc.integer({ min: 0, max: 4 }), fill: fc.tuple(place, place) });
const ids = fc.uint8Array({ minLength: size * size, maxLength: size * size, max: 4 });

describe('painting labels', () => {
  it('covers a disc with the brush, and one pixel with the finest', () => {
    const painted = new Uint8Array(size * size);
    map.brushLabel(painted, size, { label: 1, width: 0.5, points: [0.5, 0.5] });
    const area = painted.reduce((a, b) => a + b, 0);
    expect(Math.abs(area - Math.PI * 16)).toBeLessThan(4);
    const fine = new Uint8Array(size * size);
    map.brushLabel(fine, size, { label: 1, width: 0, points: [3.5 / size, 5.5 / size] });
    expect([...fine.entries()].filter(([, id]) => id === 1)).toEqual([[5 * size + 3, 1]]);
  });

  it('while the pen moves gives what the whole stroke gives', () => {
    fc.assert(
      fc.property(ids, stroke, fc.nat(5), (below, drawn, count) => {
        const split = Math.min(drawn.points.length / 2, count);
        const grown = below.slice();
        map.brushLabel(grown, size, { ...drawn, points: drawn.points.slice(0, 2 * split) });
        map.brushLabel(grown, size, drawn, split);
        expect(grown).toEqual(map.paintLabels([drawn], below, size));
      }),
    );
  });

  it('fills what hangs together, up to other labels, and nothing from outside of the map', () => {
    const rows = ['0010', '0110', '1101', '0011'];
    const small = Uint8Array.from(rows.join(''), Number);
    map.fillLabel(small, 4, { label: 2, fill: [0.1, 0.1] });
    expect([...small].join('')).toBe('2210' + '2110' + '1101' + '0011');
    map.fillLabel(small, 4, { label: 3, fill: [0.9, 0.9] });
    expect([...small].join('')).toBe('2210' + '2110' + '1103' + '0033');
    map.fillLabel(small, 4, { label: 5, fill: [1.2, 0.5] });
    expect([...small]).not.toContain(5);
  });

  it('leaves the map below as it was', () => {
    fc.assert(
      fc.property(ids, fc.array(fc.oneof(stroke, fill)), (below, actions) => {
        const before = below.slice();
        map.paintLabels(actions, below, size);
        expect(below).toEqual(before);
      }),
    );
  });
});

describe('the edges of a map', () => {
  it('are its own where nothing was painted', () => {
    fc.assert(
      fc.property(ids, ids, (labels, edges) => {
        const below = { ids: labels, edges: edges.map((x) => x % 2) };
        expect(map.labelEdges(labels, below, size)).toEqual(below.edges);
      }),
    );
  });

  it('are those of the training data where everything was', () => {
    fc.assert(
      fc.property(ids, (labels) => {
        const below = { ids: new Uint8Array(size * size).fill(9), edges: new Uint8Array(size * size) };
        expect(map.labelEdges(labels, below, size)).toEqual(edgesOf(labels, size));
      }),
    );
  });
});

describe('a map kept by the browser', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(stroke, fill)), (actions) => {
        const text = JSON.stringify({ base: null, actions });
        expect(JSON.stringify(map.parseLabels(text, 5))).toBe(text);
      }),
    );
  });

  it.each([
    ['other text', 'hello'],
    ['nothing', null],
    ['an address elsewhere', '{"base":"https://example.org/x.png","actions":[]}'],
    ['a label there is not', '{"base":null,"actions":[{"label":5,"fill":[0,0]}]}'],
    ['half a point', '{"base":null,"actions":[{"label":1,"width":0.1,"points":[0]}]}'],
    ['no number', '{"base":null,"actions":[{"label":1,"width":0.1,"points":[0,null]}]}'],
  ])('that is %s is none', (_what, text) => {
    expect(map.parseLabels(text, 5)).toBeUndefined();
  });
});

describe('a picture of a map', () => {
  const labels: Label[] = [
    { name: 'road', colour: [128, 64, 128] },
    { name: 'sky', colour: [70, 130, 180] },
    { name: 'unlabelled', colour: [0, 0, 0] },
  ];
  const picture = (...pixels: [number, number, number][]) =>
    Uint8ClampedArray.from(pixels.flatMap((pixel) => [...pixel, 255]));

  it('is read by its colours, the nearest where none is met', () => {
    expect([...colours.labelsOf(picture([70, 130, 180], [128, 64, 128]), labels)]).toEqual([1, 0]);
    expect([...colours.labelsOf(picture([75, 120, 190], [10, 5, 0]), labels)]).toEqual([1, 2]);
  });

  it('that is grey is read as numbers', () => {
    expect([...colours.labelsOf(picture([1, 1, 1], [2, 2, 2], [0, 0, 0]), labels)]).toEqual([1, 2, 0]);
  });

  it('is erased to the label that is called background, else the first', () => {
    expect(colours.backgroundOf(labels)).toBe(2);
    expect(colours.backgroundOf(labels.slice(0, 2))).toBe(0);
  });
});
