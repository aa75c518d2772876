import { element } from './element.js';
import { loadButton } from './files.js';
import { backgroundOf } from './label-colours.js';
import { parseLabels } from './label-map.js';
import { createLabelPad } from './label-pad.js';
import { createPalette } from './palette.js';
import { saveCanvas } from './save.js';
import { listenForKeys } from './shortcuts.js';
import { kept } from './storage.js';
import { testInputs } from './test-inputs.js';

/** @import { Condition } from '../../data/source.ts' */
/** @import { Catalogue, CatalogueExample } from '../catalogue.ts' */

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
  // A map fits networks with the same labels; other demos at this address have their own.
  const storage = kept(`labels/${size}/${labels.map(({ name }) => name).join(',')}`);
  const background = backgroundOf(labels);
  const message = element('p', { className: 'message', role: 'status' });
  const pad = createLabelPad({
    size,
    labels,
    edges,
    background,
    first: parseLabels(storage.read(), labels.length) ?? { base: examples[0]?.file ?? null, actions: [] },
    changed(drawing) {
      on.changed();
      if (!drawing) return;
      undo.disabled = !pad.canUndo();
      redo.disabled = !pad.canRedo();
      tests.mark(({ file }) => drawing.actions.length === 0 && drawing.base === file);
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
  const tools = /** @type {const} */ ({
    brush: button('Brush', () => choose('brush'), 'B'),
    fill: button('Fill', () => choose('fill'), 'F'),
    eraser: button('Eraser', () => choose('eraser'), `E: paints ${labels[background].name}`),
  });
  /** @param {keyof typeof tools} tool */
  const choose = (tool) => {
    pad.pen.tool = tool;
    for (const [name, control] of Object.entries(tools)) {
      control.setAttribute('aria-pressed', String(name === tool));
    }
  };
  choose('brush');
  const palette = createPalette(labels, pad.pen.label, (label) => {
    pad.pen.label = label;
    if (pad.pen.tool === 'eraser') choose('brush');
  });
  const undo = button('Undo', pad.undo, 'Ctrl+Z');
  const redo = button('Redo', pad.redo, 'Ctrl+Shift+Z');
  const width = element('input', {
    type: 'range',
    min: '5',
    max: '300',
    value: String(pad.pen.width * 1000),
    oninput: () => {
      pad.pen.width = Number(width.value) / 1000;
    },
  });
  const tests = testInputs(
    'Test maps',
    examples,
    ({ file = '' }, i) => {
      const canvas = element('canvas', {
        width: size,
        height: size,
        role: 'img',
        className: 'thumbnail blocks',
        'aria-label': `test map ${i + 1}`,
      });
      canvas.style.width = canvas.style.height = `${thumbnail}px`;
      tell(pad.preview(file).then((picture) => canvas.getContext('2d')?.putImageData(picture, 0, 0)));
      return canvas;
    },
    (example) => {
      on.chosen(example);
      tell(pad.load(example.file ?? ''));
    },
  );
  listenForKeys({ b: () => choose('brush'), f: () => choose('fill'), e: () => choose('eraser') }, pad);

  return {
    surface: element('section', { className: 'surface', 'aria-label': 'Map of labels' }, [
      element('h2', {}, ['Paint with labels']),
      pad.frame,
    ]),
    tools: [
      palette,
      element('div', { className: 'row', role: 'group', 'aria-label': 'Tools' }, [
        element('span', { className: 'joined' }, Object.values(tools)),
        element('label', { className: 'field' }, ['Size', width]),
      ]),
      element('div', { className: 'row', role: 'group', 'aria-label': 'Map' }, [
        undo,
        redo,
        button('Clear', pad.clear, `Paints everything ${labels[background].name}`),
        loadButton((file) => tell(pad.convert(file).then(pad.load))),
        button(
          'Save map',
          () => saveCanvas(pad.picture(), 'map.png'),
          'In its colours; it can be loaded again',
        ),
      ]),
      message,
    ],
    tests: tests.elements,
    read: pad.condition,
    /** Shows what was painted last, or the first test map. */
    start: pad.start,
  };
}
