import { element } from './element.js';
import { createPaint } from './paint.js';
import { createClasses } from './palette.js';
import { createSample } from './sample.js';
import { createSketch } from './sketch.js';
import { kept } from './storage.js';
import { testInputs } from './test-inputs.js';

/** @import { Catalogue, CatalogueExample } from '../catalogue.ts' */
/** @import { Question } from './feeds.js' */

/**
 * A control for what networks are given.
 *
 * @typedef {{
 *   surface: HTMLElement,
 *   tools: HTMLElement[],
 *   extras: HTMLElement[],
 *   hint: string,
 *   read(): Question,
 *   start(): Promise<void>,
 * }} Control below the surface are the tools, below the pictures the extras; `start` shows what was set
 *   last
 */

/**
 * The control for the networks of a catalogue: a pad, a choice of classes, or both, and with a latent its samples.
 *
 * @param {Catalogue} catalogue
 * @param {() => void} changed there is something new to show
 * @returns {Control}
 */
export function createControl(catalogue, changed) {
  const sample = catalogue.latent > 0 ? createSample(catalogue, changed) : undefined;
  const { condition } = catalogue;
  const choice = createChoice(catalogue, changed);
  /** @param {CatalogueExample} example */
  const chosen = ({ class: own, latent }) => {
    choice?.take(own);
    if (latent) sample?.take(latent);
  };
  if (condition.kind === 'class' || condition.kind === 'none') {
    return choiceControl(catalogue, { choice, sample, changed, chosen });
  }
  const pad =
    condition.kind === 'labels'
      ? createPaint(catalogue, condition, { changed, chosen })
      : createSketch(catalogue, condition.channels, { changed, chosen });
  return {
    surface: pad.surface,
    tools: [...(choice ? [choice.element] : []), ...pad.tools],
    extras: [
      ...pad.tests,
      ...(sample
        ? [
            element('div', {}, [element('h2', { className: 'small' }, ['Sample']), sample.element]),
            sample.directions,
          ]
        : []),
    ],
    hint: condition.kind === 'labels' ? 'Paint something' : 'Draw something',
    read: () => ({
      condition: pad.read(),
      ...(choice && { besides: choice.oneHot() }),
      ...(sample && { latent: sample.read() }),
    }),
    async start() {
      await sample?.start();
      await pad.start();
    },
  };
}

/**
 * The classes of a catalogue, one of which is chosen, kept over reloads; undefined where there are none.
 *
 * @param {Catalogue} catalogue
 * @param {() => void} changed
 */
function createChoice({ condition, size }, changed) {
  const classes = condition.kind === 'none' ? [] : (condition.classes ?? []);
  if (classes.length === 0) return undefined;
  /** @param {number | undefined} number */
  const isClass = (number) =>
    Number.isInteger(number) && Number(number) >= 0 && Number(number) < classes.length;
  const storage = kept(`class/${size}/${classes.join(',')}`);
  const before = Number(storage.read() ?? 0);
  let chosen = isClass(before) ? before : 0;
  /** @param {number} number */
  const set = (number) => {
    chosen = number;
    storage.write(number);
    changed();
  };
  const options = createClasses(classes, chosen, set);
  return {
    element: options.element,
    names: classes,
    number: () => chosen,
    oneHot: () => Float32Array.from(classes, (_, i) => (i === chosen ? 1 : 0)),
    /** @param {number | undefined} number */
    take(number) {
      if (number === undefined || !isClass(number)) return;
      set(number);
      options.show(number);
    },
  };
}

/**
 * Without a pad.
 *
 * @param {Catalogue} catalogue
 * @param {{
 *   choice: ReturnType<typeof createChoice>,
 *   sample: ReturnType<typeof createSample> | undefined,
 *   changed(): void,
 *   chosen(example: CatalogueExample): void,
 * }} parts
 * @returns {Control}
 */
function choiceControl({ examples }, { choice, sample, changed, chosen }) {
  const tests = testInputs(
    'Test inputs',
    examples,
    ({ class: own }, i) => (own === undefined ? `${i + 1}` : `${i + 1} ${choice?.names[own] ?? ''}`),
    chosen,
  );
  return {
    surface: element('section', { className: 'surface choose', 'aria-label': 'Choice' }, [
      element('h2', {}, ['Choose']),
      ...(choice ? [choice.element] : []),
      ...(sample ? [sample.element] : []),
    ]),
    tools: sample ? [sample.directions] : [],
    extras: tests.elements,
    hint: 'Choose something',
    read: () => ({
      ...(choice && { condition: Uint8Array.of(choice.number()) }),
      ...(sample && { latent: sample.read() }),
    }),
    start: async () => (sample ? sample.start() : changed()),
  };
}
