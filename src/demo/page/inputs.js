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
 * The control for the networks of a catalogue: a pad, or a choice of classes, and with a latent its samples.
 *
 * @param {Catalogue} catalogue
 * @param {() => void} changed there is something new to show
 * @returns {Control}
 */
export function createControl(catalogue, changed) {
  const sample = catalogue.latent > 0 ? createSample(catalogue, changed) : undefined;
  const { condition } = catalogue;
  /** @param {CatalogueExample} example */
  const chosen = ({ latent }) => latent && sample?.take(latent);
  if (condition.kind === 'class' || condition.kind === 'none') {
    return choiceControl(catalogue, condition.kind === 'class' ? condition.classes : [], sample, changed);
  }
  const pad =
    condition.kind === 'labels'
      ? createPaint(catalogue, condition, { changed, chosen })
      : createSketch(catalogue, condition.channels, { changed, chosen });
  return {
    surface: pad.surface,
    tools: pad.tools,
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
    read: () => ({ condition: pad.read(), ...(sample && { latent: sample.read() }) }),
    async start() {
      await sample?.start();
      await pad.start();
    },
  };
}

/**
 * @param {Catalogue} catalogue
 * @param {readonly string[]} classes
 * @param {ReturnType<typeof createSample> | undefined} sample
 * @param {() => void} changed
 * @returns {Control}
 */
function choiceControl({ examples, size }, classes, sample, changed) {
  const storage = kept(`class/${size}/${classes.join(',')}`);
  const before = Number(storage.read() ?? 0);
  let number = Number.isInteger(before) && before >= 0 && before < classes.length ? before : 0;
  /** @param {number} wanted */
  const set = (wanted) => {
    number = wanted;
    storage.write(number);
    changed();
  };
  const choice = createClasses(classes, number, set);
  const tests = testInputs(
    'Test inputs',
    examples,
    ({ class: own }, i) => (own === undefined ? `${i + 1}` : `${i + 1} ${classes[own] ?? ''}`),
    ({ class: own, latent }) => {
      if (own !== undefined && own < classes.length) {
        set(own);
        choice.show(own);
      }
      if (latent) sample?.take(latent);
    },
  );
  return {
    surface: element('section', { className: 'surface choose', 'aria-label': 'Choice' }, [
      element('h2', {}, ['Choose']),
      ...(classes.length > 0 ? [choice.element] : []),
      ...(sample ? [sample.element] : []),
    ]),
    tools: sample ? [sample.directions] : [],
    extras: tests.elements,
    hint: 'Choose something',
    read: () => ({
      ...(classes.length > 0 && { condition: Uint8Array.of(number) }),
      ...(sample && { latent: sample.read() }),
    }),
    start: async () => (sample ? sample.start() : changed()),
  };
}
