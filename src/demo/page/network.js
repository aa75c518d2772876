import { createMeter } from './meter.js';

/** @import { CatalogueModel } from '../catalogue.ts' */
/** @import { Question } from './feeds.js' */
/** @import { Ready } from './network-worker.js' */

/**
 * A network in a worker of its own that always works on what was asked last: what arrives while it computes replaces what
 * waits, so a slow network falls behind by one picture at most and holds up nobody.
 *
 * @param {CatalogueModel} model
 * @param {{ threads: number, engine: string | null }} options
 * @param {{
 *   ready(ready: Ready): void,
 *   picture(picture: Float32Array): void,
 *   failed(message: string): void,
 * }} on
 */
export function openNetwork(model, { threads, engine }, on) {
  const worker = new Worker(new URL('network-worker.js', import.meta.url), { type: 'module' });
  const meter = createMeter();
  // Until it is loaded; a network that cannot be loaded stays so.
  let busy = true;
  let sentAt = 0;
  /** @type {Question | undefined} */
  let waiting;

  const next = () => {
    if (busy || !waiting) return;
    const question = waiting;
    waiting = undefined;
    busy = true;
    sentAt = performance.now();
    worker.postMessage({ id: 0, question });
  };
  worker.onmessage = ({ data }) => {
    if (data.error !== undefined) {
      on.failed(data.error);
      return;
    }
    busy = false;
    if (data.ready) on.ready(data.ready);
    else {
      meter.add(data.milliseconds, performance.now() - sentAt);
      on.picture(data.picture);
    }
    next();
  };
  worker.onerror = (event) => on.failed(event.message || 'the worker could not be started');
  worker.postMessage({ load: { ...model, threads, engine } });

  return {
    meter,
    /** @param {Question} question */
    show(question) {
      waiting = question;
      next();
    },
    close: () => worker.terminate(),
  };
}
