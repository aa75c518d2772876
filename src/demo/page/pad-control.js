import { element } from './element.js';
import { loadButton } from './files.js';
import { saveCanvas } from './save.js';
import { listenForKeys } from './shortcuts.js';
import { kept } from './storage.js';
import { testInputs } from './test-inputs.js';

/** @import { CatalogueExample } from '../catalogue.ts' */

/**
 * What the controls use of a pad.
 *
 * @typedef {{
 *   frame: HTMLElement,
 *   pen: { width: number },
 *   canUndo(): boolean,
 *   canRedo(): boolean,
 *   undo(): void,
 *   redo(): void,
 *   clear(): void,
 *   load(address: string): Promise<void>,
 *   start(): Promise<void>,
 * }} Pad
 */

/**
 * A pad with what all pads have around them: tools, undo, loading, saving, test inputs, keys. What is on it is kept over reloads.
 *
 * @template {{ base: string | null }} D
 * @template {Pad} P
 * @template {string} T
 * @param {{
 *   keptAs: string,
 *   title: string,
 *   name: string,
 *   noun: string,
 *   examples: readonly CatalogueExample[],
 *   on: { changed(): void, chosen(example: CatalogueExample): void },
 *   createPad(kept: string | null, changed: (drawing: D | undefined) => void): P,
 *   isBare(drawing: D): boolean,
 *   tools: Readonly<Record<T, readonly [label: string, title: string]>>,
 *   use(pad: P, tool: T): void,
 *   width: readonly [label: string, min: number, max: number],
 *   titles?: { clear: string, save: string },
 *   tests: string,
 *   thumbnail(pad: P, example: CatalogueExample, i: number, tell: (work: Promise<unknown>) => void): Node,
 *   convert(pad: P, file: Blob): Promise<string>,
 *   picture(pad: P): HTMLCanvasElement,
 * }} options `noun`: what is drawn. `isBare`: nothing is on its base. The first of `tools` is in use at the start; each has the key
 *   that its name begins with. `width`: in thousandths of the side. `convert`: a file as an address to load. `picture`: what is saved
 */
export function createPadControl(options) {
  const { examples, on, noun, tools, titles = { clear: '', save: '' } } = options;
  const storage = kept(options.keptAs);
  const message = element('p', { className: 'message', role: 'status' });
  const pad = options.createPad(storage.read(), (drawing) => {
    on.changed();
    if (!drawing) return;
    undo.disabled = !pad.canUndo();
    redo.disabled = !pad.canRedo();
    tests.mark(({ file }) => options.isBare(drawing) && drawing.base === file);
    storage.write(drawing);
  });
  /** @param {Promise<unknown>} work */
  const tell = (work) => {
    message.textContent = '';
    work.catch(() => {
      message.textContent = 'That file is not a picture this browser can read.';
    });
  };

  const names = /** @type {T[]} */ (Object.keys(tools));
  /** @param {T} tool */
  const choose = (tool) => {
    options.use(pad, tool);
    for (const [i, name] of names.entries()) {
      choices[i].setAttribute('aria-pressed', String(name === tool));
    }
  };
  const choices = names.map((name) => button(tools[name][0], () => choose(name), tools[name][1]));
  choose(names[0]);
  const undo = button('Undo', pad.undo, 'Ctrl+Z');
  const redo = button('Redo', pad.redo, 'Ctrl+Shift+Z');
  const [widthLabel, min, max] = options.width;
  const width = element('input', {
    type: 'range',
    min: String(min),
    max: String(max),
    value: String(pad.pen.width * 1000),
    oninput: () => {
      pad.pen.width = Number(width.value) / 1000;
    },
  });
  const tests = testInputs(
    options.tests,
    examples,
    (example, i) => options.thumbnail(pad, example, i, tell),
    (example) => {
      on.chosen(example);
      tell(pad.load(example.file ?? ''));
    },
  );
  listenForKeys(Object.fromEntries(names.map((name) => [name[0], () => choose(name)])), pad);

  return {
    pad,
    choose,
    surface: element('section', { className: 'surface', 'aria-label': options.name }, [
      element('h2', {}, [options.title]),
      pad.frame,
    ]),
    toolRow: element('div', { className: 'row', role: 'group', 'aria-label': 'Tools' }, [
      element('span', { className: 'joined' }, choices),
      element('label', { className: 'field' }, [widthLabel, width]),
    ]),
    actionRow: element(
      'div',
      { className: 'row', role: 'group', 'aria-label': noun[0].toUpperCase() + noun.slice(1) },
      [
        undo,
        redo,
        button('Clear', pad.clear, titles.clear),
        loadButton((file) => tell(options.convert(pad, file).then(pad.load))),
        button(`Save ${noun}`, () => saveCanvas(options.picture(pad), `${noun}.png`), titles.save),
      ],
    ),
    tests: tests.elements,
    message,
  };
}

/**
 * @param {string} label
 * @param {() => void} onclick
 * @param {string} title
 */
function button(label, onclick, title) {
  return element('button', { type: 'button', onclick, title }, [label]);
}
