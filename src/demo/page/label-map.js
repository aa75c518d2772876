/**
 * A painted map of labels, as data: a map below, and what was done on it. Places and widths are fractions of the side.
 *
 * @typedef {{ label: number, width: number, points: readonly number[] }} LabelStroke `points`: x, y, x, y, …
 * @typedef {{ label: number, fill: readonly [number, number] }} LabelFill
 * @typedef {{ base: string | null, actions: readonly (LabelStroke | LabelFill)[] }} LabelDrawing `base`: a data: or relative
 *   address of a map, see `CatalogueExample`
 * @typedef {{ ids: Uint8Array, edges: Uint8Array }} LabelMap size × size label numbers, and 1 where one thing ends
 */

/** @type {LabelDrawing} */
export const blank = { base: null, actions: [] };

/**
 * Gives the pixels that a round brush covers from point number `from` of a stroke on, the nearest one at least, its label.
 *
 * @param {Uint8Array} ids
 * @param {number} size
 * @param {LabelStroke} stroke
 */
export function brushLabel(ids, size, { label, width, points }, from = 0) {
  const radius = (width * size) / 2;
  for (let i = from; 2 * i < points.length; i++) {
    const to = pixelOf(points, i, size);
    const start = i > 0 ? pixelOf(points, i - 1, size) : to;
    // Far outside of the map there is nothing to paint, however long the line.
    const bound = (/** @type {number} */ value) => Math.min(size - 1, Math.max(0, value));
    const rows = [
      bound(Math.floor(Math.min(start[1], to[1]) - radius)),
      bound(Math.ceil(Math.max(start[1], to[1]) + radius)),
    ];
    const columns = [
      bound(Math.floor(Math.min(start[0], to[0]) - radius)),
      bound(Math.ceil(Math.max(start[0], to[0]) + radius)),
    ];
    for (let y = rows[0]; y <= rows[1]; y++) {
      for (let x = columns[0]; x <= columns[1]; x++) {
        if (distance(x, y, start, to) <= Math.max(radius, 0.5 ** 0.5)) ids[y * size + x] = label;
      }
    }
  }
}

/**
 * The place of a point in pixels, whole numbers at their centres.
 *
 * @param {readonly number[]} points
 * @param {number} i
 * @param {number} size
 */
function pixelOf(points, i, size) {
  return [points[2 * i] * size - 0.5, points[2 * i + 1] * size - 0.5];
}

/**
 * From a pixel to a line.
 *
 * @param {number} x
 * @param {number} y
 * @param {number[]} from
 * @param {number[]} to
 */
function distance(x, y, [fromX, fromY], [toX, toY]) {
  const [dx, dy] = [toX - fromX, toY - fromY];
  const length = dx * dx + dy * dy;
  const along = length > 0 ? Math.min(1, Math.max(0, ((x - fromX) * dx + (y - fromY) * dy) / length)) : 0;
  return Math.hypot(x - fromX - along * dx, y - fromY - along * dy);
}

/**
 * Gives all pixels of one label that hang together with a place (by their sides) another.
 *
 * @param {Uint8Array} ids
 * @param {number} size
 * @param {LabelFill} fill
 */
export function fillLabel(ids, size, { label, fill: [x, y] }) {
  const place = [x, y].map((part) => Math.floor(part * size));
  if (place.some((part) => part < 0 || part >= size)) return;
  const start = place[1] * size + place[0];
  const old = ids[start];
  if (old === label) return;
  ids[start] = label;
  const open = [start];
  /** @param {number} next */
  const visit = (next) => {
    if (ids[next] !== old) return;
    ids[next] = label;
    open.push(next);
  };
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (at % size > 0) visit(at - 1);
    if (at % size < size - 1) visit(at + 1);
    if (at >= size) visit(at - size);
    if (at < size * (size - 1)) visit(at + size);
  }
}

/**
 * The label numbers of a drawing on a map.
 *
 * @param {LabelDrawing['actions']} actions
 * @param {Uint8Array} below
 * @param {number} size
 */
export function paintLabels(actions, below, size) {
  const ids = below.slice();
  for (const action of actions) {
    if ('fill' in action) fillLabel(ids, size, action);
    else brushLabel(ids, size, action);
  }
  return ids;
}

/**
 * Where things end: as in the map below where nothing was painted, else where neighbouring labels differ, on both sides of
 * the line as in pix2pixHD.
 *
 * @param {Uint8Array} ids
 * @param {LabelMap} below
 * @param {number} size
 */
export function labelEdges(ids, below, size) {
  const edges = new Uint8Array(size * size);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const at = y * size + x;
      const around = [
        x > 0 ? at - 1 : at,
        x < size - 1 ? at + 1 : at,
        y > 0 ? at - size : at,
        y < size - 1 ? at + size : at,
      ];
      const painted = [at, ...around].some((place) => ids[place] !== below.ids[place]);
      edges[at] = painted ? Number(around.some((place) => ids[place] !== ids[at])) : below.edges[at];
    }
  }
  return edges;
}

/**
 * Reads what `JSON.stringify` made of a drawing for so many labels; undefined for anything else.
 *
 * @param {string | null} text
 * @param {number} labels
 * @returns {LabelDrawing | undefined}
 */
export function parseLabels(text, labels) {
  try {
    const { base, actions } = JSON.parse(text ?? '');
    const isBase = base === null || (typeof base === 'string' && /^(data:image\/|examples\/)/.test(base));
    const isWhole = Array.isArray(actions) && actions.every((action) => isAction(action, labels));
    if (isBase && isWhole) return { base, actions };
  } catch {
    // Nothing was kept, or by another program.
  }
  return undefined;
}

/**
 * @param {unknown} value
 * @param {number} labels
 * @returns {value is LabelStroke | LabelFill}
 */
function isAction(value, labels) {
  const { label, width, points, fill } = /** @type {Partial<LabelStroke & LabelFill>} */ (value ?? {});
  if (!Number.isInteger(label) || Number(label) < 0 || Number(label) >= labels) return false;
  if (fill !== undefined) return Array.isArray(fill) && fill.length === 2 && fill.every(Number.isFinite);
  const isPath = Array.isArray(points) && points.length % 2 === 0 && points.every(Number.isFinite);
  return isPath && typeof width === 'number' && width >= 0 && width <= 1;
}
