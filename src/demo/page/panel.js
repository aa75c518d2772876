import { element } from './element.js';
import { bytes, count, decimal } from './format.js';
import { openNetwork } from './network.js';
import { toPixels } from './pixels.js';
import { saveCanvas } from './save.js';

/** @import { CatalogueModel } from '../catalogue.ts' */
/** @import { Question } from './feeds.js' */

/** So many pictures tell how long one takes. */
const enough = 8;

/**
 * A browser runs new code slowly at first: so many pictures are made before anyone draws, for so long (milliseconds), but at
 * least enough of them.
 */
const warmUp = { pictures: 40, time: 5000 };

/**
 * What one network makes, beside what it costs. Where there are several, a slider chooses, the cheapest on the left.
 *
 * @param {{
 *   role: 'teacher' | 'student',
 *   models: readonly CatalogueModel[],
 *   size: number,
 *   reference: CatalogueModel | undefined,
 *   network: { threads: number, engine: string | null },
 *   engine(label: string): void,
 *   wanted(): void,
 *   measured(): void,
 * }} options `reference`: what costs are compared with. `wanted`: ask me for the picture again.
 */
export function createPanel({ role, models, size, reference, network: settings, engine, wanted, measured }) {
  const title = element('h2');
  const tag = element('span', { className: 'tag' });
  const canvas = element('canvas', { width: size, height: size, role: 'img' });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  const state = element('p', { className: 'state', role: 'status' });
  const facts = element('dl', { className: 'facts' });
  /** @type {Record<string, HTMLElement>} */
  const values = {};
  for (const name of ['frames/s', 'median', 'MACs', 'size']) {
    values[name] = element('dd');
    facts.append(element('div', {}, [element('dt', {}, [name]), values[name]]));
  }
  const save = element('button', {
    type: 'button',
    onclick: () => saveCanvas(canvas, `${shown.name.replaceAll(/\W+/g, '-')}.png`),
  });
  const choice = element('input', {
    type: 'range',
    min: '0',
    max: String(models.length - 1),
    step: '1',
    'aria-label': `${role}, ordered by cost`,
    oninput: () => choose(Number(choice.value)),
  });

  /** @type {CatalogueModel} */
  let shown;
  /** @type {ReturnType<typeof openNetwork> | undefined} */
  let network;

  /** @param {number} index */
  const choose = (index) => {
    const model = models[index];
    if (!model || model === shown) return;
    network?.close();
    shown = model;
    let made = 0;
    let readyAt = 0;
    title.textContent = model.name;
    tag.textContent = model.name === role ? '' : role;
    canvas.setAttribute('aria-label', `What ${model.name} makes of it`);
    save.textContent = 'Save picture';
    save.setAttribute('aria-label', `Save the picture of ${model.name}`);
    choice.setAttribute('aria-valuetext', `${model.name}, ${count(model.macs)} MACs`);
    const fewer = reference && reference !== model ? reference.macs / model.macs : undefined;
    const times = fewer && fewer > 1.05 ? element('small', {}, [` ${decimal(fewer)}× fewer`]) : '';
    values.MACs?.replaceChildren(count(model.macs), times);
    values.size?.replaceChildren(bytes(model.bytes));
    values['frames/s']?.replaceChildren('–');
    values.median?.replaceChildren('–');
    state.textContent = 'Loading the network…';
    network = openNetwork(model, settings, {
      ready: ({ label }) => {
        engine(label);
        readyAt = performance.now();
        state.textContent = '';
        wanted();
      },
      picture(picture) {
        context.putImageData(toPixels(picture, size, model.channels), 0, 0);
        canvas.dataset.pictures = String(Number(canvas.dataset.pictures ?? 0) + 1);
        const { meter } = /** @type {NonNullable<typeof network>} */ (network);
        values['frames/s']?.replaceChildren(decimal(meter.framesPerSecond()));
        values.median?.replaceChildren(`${decimal(meter.milliseconds())} ms`);
        made++;
        const isWarm = made >= warmUp.pictures || performance.now() - readyAt >= warmUp.time;
        if (made < enough || !isWarm) wanted();
        measured();
      },
      failed(message) {
        state.textContent = `This network cannot be run here: ${message}`;
      },
    });
  };

  const preferred = models.findIndex(({ name }) => /(^|\s)(student|teacher)$/.test(name));
  const first = preferred < 0 ? models.length - 1 : preferred;
  choice.value = String(first);
  choose(first);

  return {
    element: element('section', { className: `panel ${role}` }, [
      element('div', { className: 'head' }, [title, tag]),
      canvas,
      state,
      ...(models.length > 1
        ? [
            element('label', { className: 'choice' }, [
              choice,
              element('span', { className: 'ends' }, [
                element('span', {}, ['fewest MACs']),
                element('span', {}, ['most']),
              ]),
            ]),
          ]
        : []),
      facts,
      save,
    ]),
    /** @param {Question} question */
    show: (question) => network?.show(question),
    /** Median milliseconds of the shown network, once there are enough pictures to tell. */
    milliseconds: () =>
      network && network.meter.count() >= enough ? network.meter.milliseconds() : undefined,
    name: () => shown.name,
  };
}
