import { element } from './element.js';
import { backgroundOf } from './label-colours.js';
import { parseLabels } from './label-map.js';
import { createLabelPad } from './label-pad.js';
import { createPadControl } from './pad-control.js';
import { createPalette } from './palette.js';

/** @import { Condition } from '../../data/source.ts' */
/** @import { Catalogue, CatalogueExample } from '../catalogue.ts' */
/** @import { LabelDrawing } from './label-map.js' */

/** Sides of a thumbnail in pixels. */
const thumbnail = 56;

/**
 * The control of networks that make a picture of a map of labels: a pad with a palette and tools, kept over reloads.
 *
 * @param {Catalogue} catalogue
 * @param {Extract<Condition, { kind: 'labels' }>} condition
 * @param {{ changed(): void, chosen(example: CatalogueExample): void }} on there is something new to show; a test input was
 *   chosen
 */
export function createPaint({ size, examples }, { labels, edges }, on) {
  const background = backgroundOf(labels);
  const erased = labels[background].name;
  const { pad, choose, surface, toolRow, actionRow, tests, message } = createPadControl({
    // A map fits networks with the same labels; other demos at this address have their own.
    keptAs: `labels/${size}/${labels.map(({ name }) => name).join(',')}`,
    title: 'Paint with labels',
    name: 'Map of labels',
    noun: 'map',
    examples,
    on,
    createPad: (kept, changed) =>
      createLabelPad({
        size,
        labels,
        edges,
        background,
        first: parseLabels(kept, labels.length) ?? { base: examples[0]?.file ?? null, actions: [] },
        changed,
      }),
    isBare: (/** @type {LabelDrawing} */ { actions }) => actions.length === 0,
    tools: { brush: ['Brush', 'B'], fill: ['Fill', 'F'], eraser: ['Eraser', `E: paints ${erased}`] },
    use: ({ pen }, tool) => {
      pen.tool = tool;
    },
    width: ['Size', 5, 300],
    titles: { clear: `Paints everything ${erased}`, save: 'In its colours; it can be loaded again' },
    tests: 'Test maps',
    thumbnail: ({ preview }, { file = '' }, i, tell) => {
      const canvas = element('canvas', {
        width: size,
        height: size,
        role: 'img',
        className: 'thumbnail blocks',
        'aria-label': `test map ${i + 1}`,
      });
      canvas.style.width = canvas.style.height = `${thumbnail}px`;
      tell(preview(file).then((picture) => canvas.getContext('2d')?.putImageData(picture, 0, 0)));
      return canvas;
    },
    convert: ({ convert }, file) => convert(file),
    picture: ({ picture }) => picture(),
  });
  const palette = createPalette(labels, pad.pen.label, (label) => {
    pad.pen.label = label;
    if (pad.pen.tool === 'eraser') choose('brush');
  });
  return {
    surface,
    tools: [palette, toolRow, actionRow, message],
    tests,
    read: pad.condition,
    /** Shows what was painted last, or the first test map. */
    start: pad.start,
  };
}
