import { parseDrawing } from './drawing.js';
import { element } from './element.js';
import { loadButton } from './files.js';
import { createPad } from './pad.js';
import { toInput } from './pixels.js';
import { saveCanvas } from './save.js';
import { listenForKeys } from './shortcuts.js';
import { kept } from './storage.js';
import { testInputs } from './test-inputs.js';

/** @import { Catalogue, CatalogueExample } from '../catalogue.ts' */

/**
 * The control of networks that make a picture of a picture: a pad with tools, kept over reloads.
 *
 * @param {Catalogue} catalogue
 * @param {1 | 3} channels of what the networks take
 * @param {{ changed(): void, chosen(example: CatalogueExample): void }} on there is something new to show; a test input was
 *   chosen
 */
export function createSketch({ size, examples }, channels, on) {
  // A drawing fits networks of one size and number of channels; other demos at this address have their own.
  const storage = kept(`sketch/${size}x${channels}`);
  const message = element('p', { className: 'message', role: 'status' });
  const pad = createPad({
    size,
    first: parseDrawing(storage.read()) ?? { base: examples[0]?.file ?? null, strokes: [] },
    changed(drawing) {
      on.changed();
      if (!drawing) return;
      undo.disabled = !pad.canUndo();
      redo.disabled = !pad.canRedo();
      tests.mark(({ file }) => drawing.strokes.length === 0 && drawing.base === file);
      storage.write(drawing);
    },
  });
  /** @param {Promise<unknown>} work */
  const tell = (work) => {
    message.textContent = '';
    work.catch(() => {
      message.textContent = 'That file is not a picture this browser can read.';
    });
  };

  /**
   * @param {string} label
   * @param {() => void} onclick
   * @param {string} [title]
   */
  const button = (label, onclick, title = '') =>
    element('button', { type: 'button', onclick, title }, [label]);
  const brush = button('Brush', () => choose(false), 'B');
  const eraser = button('Eraser', () => choose(true), 'E');
  /** @param {boolean} erases */
  const choose = (erases) => {
    pad.pen.erases = erases;
    brush.setAttribute('aria-pressed', String(!erases));
    eraser.setAttribute('aria-pressed', String(erases));
  };
  choose(false);
  const undo = button('Undo', pad.undo, 'Ctrl+Z');
  const redo = button('Redo', pad.redo, 'Ctrl+Shift+Z');
  const width = element('input', {
    type: 'range',
    min: '10',
    max: '120',
    value: String(pad.pen.width * 1000),
    oninput: () => {
      pad.pen.width = Number(width.value) / 1000;
    },
  });
  const colour = element('input', {
    type: 'color',
    value: pad.pen.colour,
    oninput: () => {
      pad.pen.colour = colour.value;
      choose(false);
    },
  });
  const tests = testInputs(
    'Test pictures',
    examples,
    ({ file = '' }, i) => element('img', { src: file, alt: `test picture ${i + 1}`, width: 56, height: 56 }),
    (example) => {
      on.chosen(example);
      tell(pad.load(example.file ?? ''));
    },
  );
  listenForKeys({ b: () => choose(false), e: () => choose(true) }, pad);

  return {
    surface: element('section', { className: 'surface', 'aria-label': 'Drawing' }, [
      element('h2', {}, ['Draw']),
      pad.frame,
    ]),
    tools: [
      element('div', { className: 'row', role: 'group', 'aria-label': 'Tools' }, [
        element('span', { className: 'joined' }, [brush, eraser]),
        element('label', { className: 'field' }, ['Width', width]),
        ...(channels === 3 ? [element('label', { className: 'field' }, ['Colour', colour])] : []),
      ]),
      element('div', { className: 'row', role: 'group', 'aria-label': 'Drawing' }, [
        undo,
        redo,
        button('Clear', pad.clear),
        loadButton((file) => tell(pad.shrink(file).then(pad.load))),
        button('Save drawing', () => saveCanvas(pad.canvas, 'drawing.png')),
      ]),
      ...tests.elements,
      message,
    ],
    read: () => toInput(pad.pixels(), size, channels),
    /** Shows what was drawn last, or the first test picture. */
    start: pad.start,
  };
}
