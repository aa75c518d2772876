import { parseDrawing } from './drawing.js';
import { element } from './element.js';
import { createPad } from './pad.js';
import { toInput } from './pixels.js';

/** @import { Catalogue } from '../catalogue.ts' */

/**
 * The input of networks that make a picture of a picture: a pad with tools, kept over reloads.
 *
 * @param {Catalogue} catalogue
 * @param {() => void} changed there is something new to show
 */
export function createSketch({ input: { size, channels }, examples }, changed) {
  // A drawing fits networks of one size and number of channels; other demos at this address have their own.
  const key = `ganlet-demo/sketch/${size}x${channels}`;
  const kept = parseDrawing(storage()?.getItem(key) ?? null);
  const message = element('p', { className: 'message', role: 'status' });
  const pad = createPad({
    size,
    first: kept ?? { base: examples[0]?.file ?? null, strokes: [] },
    changed(drawing) {
      changed();
      if (!drawing) return;
      undo.disabled = !pad.canUndo();
      redo.disabled = !pad.canRedo();
      for (const button of thumbnails) {
        const chosen = drawing.strokes.length === 0 && drawing.base === button.dataset.address;
        button.setAttribute('aria-pressed', String(chosen));
      }
      try {
        storage()?.setItem(key, JSON.stringify(drawing));
      } catch {
        // The browser keeps no more: the drawing lasts until the page is left.
      }
    },
  });
  /** @param {Promise<unknown>} work */
  const tell = (work) => {
    message.textContent = '';
    work.catch(() => {
      message.textContent = 'That file is not a picture this browser can read.';
    });
  };
  /** @param {Blob | null | undefined} file */
  const open = (file) => file && tell(pad.shrink(file).then(pad.load));

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
  const file = element('input', {
    type: 'file',
    accept: 'image/*',
    className: 'hidden-input',
    onchange: () => {
      open(file.files?.[0]);
      file.value = '';
    },
  });
  const save = button('Save drawing', () => saveCanvas(pad.canvas, 'drawing.png'));
  const thumbnails = examples.map(({ name, file: address }, i) =>
    element(
      'button',
      {
        type: 'button',
        className: 'example',
        'data-address': address,
        title: name,
        onclick: () => tell(pad.load(address)),
      },
      [element('img', { src: address, alt: `test picture ${i + 1}`, width: 56, height: 56 })],
    ),
  );

  document.addEventListener('keydown', (event) => {
    if (event.target instanceof HTMLInputElement || event.altKey) return;
    const letter = event.key.toLowerCase();
    if ((event.ctrlKey || event.metaKey) && letter === 'z') {
      event.preventDefault();
      if (event.shiftKey) pad.redo();
      else pad.undo();
    } else if (!event.ctrlKey && !event.metaKey && letter === 'b') choose(false);
    else if (!event.ctrlKey && !event.metaKey && letter === 'e') choose(true);
  });
  document.addEventListener('dragover', (event) => event.preventDefault());
  document.addEventListener('drop', (event) => {
    event.preventDefault();
    open(event.dataTransfer?.files[0]);
  });
  document.addEventListener('paste', (event) => open(event.clipboardData?.files[0]));

  const tools = element('div', { className: 'tools' }, [
    element('div', { className: 'row', role: 'group', 'aria-label': 'Tools' }, [
      element('span', { className: 'pair' }, [brush, eraser]),
      element('label', { className: 'field' }, ['Width', width]),
      ...(channels === 3 ? [element('label', { className: 'field' }, ['Colour', colour])] : []),
    ]),
    element('div', { className: 'row', role: 'group', 'aria-label': 'Drawing' }, [
      undo,
      redo,
      button('Clear', pad.clear),
      element('label', { className: 'button' }, ['Load picture', file]),
      save,
    ]),
    ...(examples.length > 0
      ? [
          element('h2', { id: 'examples', className: 'small' }, ['Test pictures']),
          element('div', { className: 'examples', role: 'group', 'aria-labelledby': 'examples' }, thumbnails),
        ]
      : []),
    message,
  ]);

  return {
    surface: element('section', { className: 'surface', 'aria-label': 'Drawing' }, [
      element('h2', {}, ['Draw']),
      pad.canvas,
    ]),
    tools,
    shape: [1, channels, size, size],
    input: () => toInput(pad.pixels(), size, channels),
    /** Shows what was drawn last, or the first test picture. */
    start: pad.start,
  };
}

/**
 * Offers what a canvas shows as a PNG.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {string} name
 */
export function saveCanvas(canvas, name) {
  canvas.toBlob((blob) => {
    if (!blob) return;
    const link = element('a', { href: URL.createObjectURL(blob), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }, 'image/png');
}

/** Undefined where the browser keeps nothing for the page. */
function storage() {
  try {
    return window.localStorage;
  } catch {
    return undefined;
  }
}
