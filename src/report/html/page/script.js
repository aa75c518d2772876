// Hover and keys for points of charts, the slider between pictures, and all details open on paper.

const tip = /** @type {HTMLElement} */ (document.getElementById('tip'));

/**
 * @param {Element} point
 * @param {string} text
 */
function show(point, text) {
  const { left, top, width } = point.getBoundingClientRect();
  tip.textContent = text;
  tip.hidden = false;
  const x = left + width / 2 - tip.offsetWidth / 2;
  const above = top - tip.offsetHeight - 10;
  tip.style.left = `${Math.min(Math.max(8, x), innerWidth - tip.offsetWidth - 8)}px`;
  tip.style.top = `${above > 8 ? above : top + 20}px`;
}

function hide() {
  tip.hidden = true;
}

for (const plot of document.querySelectorAll('[data-points]')) {
  /** @type {{ point: Element, text: string, x: number }[]} */
  const points = [];
  for (const title of plot.querySelectorAll('title')) {
    const point = title.parentElement;
    if (!point) continue;
    const text = title.textContent ?? '';
    // The browser's own tip would cover ours.
    title.remove();
    const x = Number(/translate\(([-\d.]+)/.exec(point.getAttribute('transform') ?? '')?.[1]);
    points.push({ point, text, x: Number.isFinite(x) ? x : Number(point.getAttribute('cx')) });
    point.addEventListener('pointerenter', () => show(point, text));
    point.addEventListener('pointerleave', hide);
  }
  points.sort((a, b) => a.x - b.x);
  let at = -1;
  plot.addEventListener('keydown', (event) => {
    const { key } = /** @type {KeyboardEvent} */ (event);
    /** @type {Record<string, number>} */
    const moves = {
      ArrowRight: at + 1,
      ArrowLeft: at < 0 ? points.length - 1 : at - 1,
      Home: 0,
      End: points.length - 1,
    };
    if (key === 'Escape') hide();
    const next = moves[key];
    if (next === undefined || points.length === 0) return;
    event.preventDefault();
    mark(false);
    at = Math.min(Math.max(next, 0), points.length - 1);
    mark(true);
    const { point, text } = points[at];
    show(point, text);
  });
  plot.addEventListener('blur', () => {
    mark(false);
    hide();
  });
  /** @param {boolean} on */
  const mark = (on) => points[at]?.point.classList.toggle('at', on);
}
addEventListener('scroll', hide, { passive: true });

for (const slider of document.querySelectorAll('[data-split]')) {
  const input = /** @type {HTMLInputElement} */ (slider);
  const section = input.closest('section');
  input.addEventListener('input', () => section?.style.setProperty('--split', `${input.value}%`));
}

addEventListener('beforeprint', () => {
  for (const details of document.querySelectorAll('details')) details.open = true;
});
