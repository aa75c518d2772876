import { createHistory } from './drawing.js';

/**
 * What is on a pad and was before, and the pictures that it was drawn on.
 *
 * @template {{ base: string | null }} D a drawing: `base` is the address of what is below
 * @template B what a loaded base is kept as
 * @param {{
 *   first: D,
 *   blank: D,
 *   open(address: string): Promise<B>,
 *   show(drawing: D, base: B | undefined): void,
 *   changed(drawing: NoInfer<D>): void,
 * }} options `open` rejects where there is none at the address
 */
export function createDrawings({ first, blank, open, show, changed }) {
  const history = createHistory(first);
  /** @type {Map<string, B>} */
  const bases = new Map();

  const below = () => {
    const { base } = history.now();
    return base === null ? undefined : bases.get(base);
  };
  const finish = () => {
    show(history.now(), below());
    changed(history.now());
  };
  /** @param {D} drawing */
  const add = (drawing) => {
    history.add(drawing);
    finish();
  };
  /** @param {string} address @returns {Promise<B>} */
  const need = async (address) => {
    const base = bases.get(address) ?? (await open(address));
    bases.set(address, base);
    return base;
  };

  return {
    now: history.now,
    below,
    add,
    need,
    /** What the tools around a pad use of it. */
    actions: {
      canUndo: history.canUndo,
      canRedo: history.canRedo,
      undo() {
        history.undo();
        finish();
      },
      redo() {
        history.redo();
        finish();
      },
      clear: () => add(blank),
      /**
       * Starts from a base: an address of the site, or a data: address. Rejects when there is none.
       *
       * @param {string} address
       */
      async load(address) {
        await need(address);
        add({ ...blank, base: address });
      },
      /** Shows the first drawing; what it is drawn on may be gone. */
      async start() {
        if (first.base !== null) await need(first.base).catch(() => {});
        finish();
      },
    },
  };
}

/**
 * The picture at an address, decoded. Rejects when there is none.
 *
 * @param {string} address
 */
export async function openPicture(address) {
  const image = new Image();
  image.src = address;
  await image.decode();
  return image;
}

/** A ten-thousandth of the side is finer than any pixel, and keeps what is stored small. @param {number} place */
export function tidy(place) {
  return Math.round(place * 1e4) / 1e4;
}
