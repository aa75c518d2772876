import { element } from './element.js';

/** Fractions of the side that an arrow key moves the pen by, and with Shift. */
const steps = { wide: 1 / 32, fine: 1 / 128 };

/** @type {Readonly<Record<string, readonly [number, number]>>} */
const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * Follows mouse, pen, finger and keys over a square canvas: the arrow keys move a cross, Space puts the pen down and lifts it.
 * Places are fractions of the side, x, y, x, y, …
 *
 * @param {HTMLCanvasElement} canvas
 * @param {{
 *   down(place: number[], eraser: boolean): void,
 *   move(places: number[]): void,
 *   up(): void,
 * }} on `eraser`: the other end of a pen
 * @returns {HTMLElement} the canvas in a frame with the cross
 */
export function followPen(canvas, on) {
  /** Which pointer draws; 'keys' are one, too. @type {number | 'keys' | undefined} */
  let active;
  let [x, y] = [0.5, 0.5];
  const cross = element('span', { className: 'cross', hidden: true });
  canvas.tabIndex = 0;
  canvas.setAttribute('role', 'application');

  /** @param {PointerEvent} event */
  const place = ({ clientX, clientY }) => {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    return [(clientX - left) / width, (clientY - top) / height];
  };
  const lift = () => {
    if (active === undefined) return;
    active = undefined;
    cross.classList.remove('down');
    on.up();
  };

  canvas.addEventListener('pointerdown', (event) => {
    if (active === 'keys') lift();
    if (active !== undefined || event.button > 0) return;
    cross.hidden = true;
    canvas.setPointerCapture(event.pointerId);
    active = event.pointerId;
    on.down(place(event), (event.buttons & 32) !== 0);
  });
  canvas.addEventListener('pointermove', (event) => {
    if (active !== event.pointerId) return;
    const moves = event.getCoalescedEvents?.() ?? [];
    on.move((moves.length > 0 ? moves : [event]).flatMap(place));
  });
  for (const end of /** @type {const} */ (['pointerup', 'pointercancel'])) {
    canvas.addEventListener(end, (event) => {
      if (active === event.pointerId) lift();
    });
  }

  canvas.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typeof active === 'number') return;
    const arrow = arrows[event.key];
    if (!arrow && event.key !== ' ' && event.key !== 'Escape') return;
    event.preventDefault();
    if (arrow) {
      const step = event.shiftKey ? steps.fine : steps.wide;
      x = Math.min(1, Math.max(0, x + arrow[0] * step));
      y = Math.min(1, Math.max(0, y + arrow[1] * step));
      if (active === 'keys') on.move([x, y]);
    } else if (event.key === ' ' && active === undefined) {
      active = 'keys';
      cross.classList.add('down');
      on.down([x, y], false);
    } else lift();
    cross.hidden = false;
    cross.style.left = `${100 * x}%`;
    cross.style.top = `${100 * y}%`;
  });
  canvas.addEventListener('blur', () => {
    if (active === 'keys') lift();
    cross.hidden = true;
  });
  return element('div', { className: 'frame' }, [canvas, cross]);
}
