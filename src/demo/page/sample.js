import { element } from './element.js';
import { between, moved, normals, parseChoice } from './latent.js';
import { kept } from './storage.js';

/** @import { Catalogue } from '../catalogue.ts' */
/** @import { Choice } from './latent.js' */

/** Seeds that a new sample is drawn from. */
const seeds = 1_000_000;

/** Without directions of the catalogue so many numbers of the latent have a slider. */
const plain = 8;

/** From one sample to the other and back takes so long (milliseconds). */
const round = 6000;

/**
 * The control of a latent vector: two samples, the way between them, and directions to move along; kept over reloads.
 *
 * @param {Catalogue} catalogue
 * @param {() => void} changed
 */
export function createSample({ latent: size, directions }, changed) {
  const count = directions?.length ?? Math.min(plain, size);
  const storage = kept(`sample/${size}/${count}`);
  const still = () => new Array(count).fill(0);
  /** @type {Choice} */
  let choice = parseChoice(storage.read(), count) ?? { from: 1, to: 2, part: 0, moves: still() };
  /** A latent in the place of a sample. @type {Float32Array | undefined} */
  let fixed;
  let playing = false;

  /** @param {Partial<Choice>} [change] */
  const set = (change) => {
    choice = { ...choice, ...change };
    from.value = fixed ? '' : String(choice.from);
    to.value = String(choice.to);
    part.value = String(choice.part * 1000);
    part.setAttribute('aria-valuetext', `${Math.round(choice.part * 100)} %`);
    for (const [i, slider] of sliders.entries()) slider.value = String(choice.moves[i]);
    reset.disabled = choice.moves.every((move) => move === 0);
    storage.write(choice);
    changed();
  };
  /** @param {'from' | 'to'} end */
  const seedField = (end) =>
    element('input', {
      type: 'number',
      min: '0',
      max: String(seeds - 1),
      step: '1',
      placeholder: 'test',
      oninput: () => {
        const seed = Number(field[end].value);
        if (field[end].value === '' || !Number.isSafeInteger(seed) || seed < 0) return;
        if (end === 'from') fixed = undefined;
        set({ [end]: seed });
      },
      onchange: () => set(),
    });
  const field = { from: seedField('from'), to: seedField('to') };
  const { from, to } = field;
  const part = element('input', {
    type: 'range',
    min: '0',
    max: '1000',
    step: '1',
    'aria-label': 'From the first sample to the second',
    oninput: () => {
      stop();
      set({ part: Number(part.value) / 1000 });
    },
  });
  const play = element('button', {
    type: 'button',
    title: 'Goes from the first sample to the second and back',
    onclick: () => {
      if (playing) stop();
      else start();
    },
  });
  const stop = () => {
    playing = false;
    play.textContent = 'Play';
    play.setAttribute('aria-pressed', 'false');
  };
  const start = () => {
    playing = true;
    play.textContent = 'Stop';
    play.setAttribute('aria-pressed', 'true');
    const began = performance.now() - (Math.acos(1 - 2 * choice.part) / (2 * Math.PI)) * round;
    /** @param {number} now */
    const step = (now) => {
      if (!playing) return;
      set({ part: (1 - Math.cos((2 * Math.PI * (now - began)) / round)) / 2 });
      requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  };
  stop();

  const sliders = Array.from({ length: count }, (_, i) =>
    element('input', {
      type: 'range',
      min: '-4',
      max: '4',
      step: '0.05',
      'aria-label': `Direction ${i + 1}`,
      oninput: () => {
        set({ moves: choice.moves.map((move, k) => (k === i ? Number(sliders[i].value) : move)) });
      },
    }),
  );
  const reset = element('button', { type: 'button', onclick: () => set({ moves: still() }) }, ['Back to 0']);
  const fresh = element(
    'button',
    {
      type: 'button',
      className: 'main',
      onclick: () => {
        stop();
        fixed = undefined;
        const [first, second] = crypto.getRandomValues(new Uint32Array(2));
        set({ from: first % seeds, to: second % seeds, part: 0, moves: still() });
      },
    },
    ['New sample'],
  );

  return {
    element: element('div', { className: 'sample' }, [
      element('div', { className: 'row' }, [fresh, play]),
      element('div', { className: 'way' }, [
        element('label', { className: 'field' }, ['Seed', from]),
        part,
        element('label', { className: 'field' }, ['to', to]),
      ]),
    ]),
    directions: element('fieldset', { className: 'directions' }, [
      element('legend', { className: 'small' }, ['Directions of the latent']),
      element(
        'div',
        { className: 'sliders' },
        sliders.map((slider, i) => element('label', {}, [String(i + 1), slider])),
      ),
      reset,
    ]),
    read: () =>
      moved(
        between(fixed ?? normals(choice.from, size), normals(choice.to, size), choice.part),
        choice.moves,
        directions,
      ),
    /** Takes a latent in the place of the first sample. @param {readonly number[]} latent */
    take(latent) {
      stop();
      fixed = Float32Array.from(latent);
      set({ part: 0, moves: still() });
    },
    start: async () => set(),
  };
}
