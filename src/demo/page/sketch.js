import { parseDrawing } from './drawing.js';
import { element } from './element.js';
import { createPad } from './pad.js';
import { createPadControl } from './pad-control.js';
import { toInput } from './pixels.js';

/** @import { Catalogue, CatalogueExample } from '../catalogue.ts' */
/** @import { Drawing } from './drawing.js' */

/**
 * The control of networks that make a picture of a picture: a pad with tools, kept over reloads.
 *
 * @param {Catalogue} catalogue
 * @param {1 | 3} channels of what the networks take
 * @param {{ changed(): void, chosen(example: CatalogueExample): void }} on there is something new to show; a test input was
 *   chosen
 */
export function createSketch({ size, examples }, channels, on) {
  const { pad, choose, surface, toolRow, actionRow, tests, message } = createPadControl({
    // A drawing fits networks of one size and number of channels; other demos at this address have their own.
    keptAs: `sketch/${size}x${channels}`,
    title: 'Draw',
    name: 'Drawing',
    noun: 'drawing',
    examples,
    on,
    createPad: (kept, changed) =>
      createPad({
        size,
        first: parseDrawing(kept) ?? { base: examples[0]?.file ?? null, strokes: [] },
        changed,
      }),
    isBare: (/** @type {Drawing} */ { strokes }) => strokes.length === 0,
    tools: { brush: ['Brush', 'B'], eraser: ['Eraser', 'E'] },
    use: ({ pen }, tool) => {
      pen.erases = tool === 'eraser';
    },
    width: ['Width', 10, 120],
    tests: 'Test pictures',
    thumbnail: (_pad, { file = '' }, i) =>
      element('img', { src: file, alt: `test picture ${i + 1}`, width: 56, height: 56 }),
    convert: ({ shrink }, file) => shrink(file),
    picture: ({ canvas }) => canvas,
  });
  if (channels === 3) {
    const colour = element('input', {
      type: 'color',
      value: pad.pen.colour,
      oninput: () => {
        pad.pen.colour = colour.value;
        choose('brush');
      },
    });
    toolRow.append(element('label', { className: 'field' }, ['Colour', colour]));
  }
  return {
    surface,
    tools: [toolRow, actionRow, ...tests, message],
    tests: [],
    read: () => toInput(pad.pixels(), size, channels),
    /** Shows what was drawn last, or the first test picture. */
    start: pad.start,
  };
}
