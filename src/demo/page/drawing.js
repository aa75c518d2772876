/**
 * What is on the pad, as data: a picture below, and strokes on it. Coordinates and widths are fractions of the side, so a
 * drawing is the same at every size. A picture never changes; each action makes a new one, and undo goes back.
 *
 * @typedef {{ colour: string, width: number, points: readonly number[] }} Stroke `points`: x, y, x, y, …
 * @typedef {{ base: string | null, strokes: readonly Stroke[] }} Drawing `base`: a data: or relative address of a picture
 */

/** @type {Drawing} */
export const empty = { base: null, strokes: [] };

/** Undo goes back so many actions. */
const remembered = 200;

/**
 * Drawings in the order in which they were made, and which one is shown.
 *
 * @template T
 * @param {T} first
 */
export function createHistory(first) {
  let drawings = [first];
  let at = 0;
  return {
    now: () => /** @type {T} */ (drawings[at]),
    canUndo: () => at > 0,
    canRedo: () => at < drawings.length - 1,
    /** @param {T} drawing */
    add(drawing) {
      drawings = [...drawings.slice(Math.max(0, at + 1 - remembered), at + 1), drawing];
      at = drawings.length - 1;
    },
    undo() {
      at = Math.max(0, at - 1);
    },
    redo() {
      at = Math.min(drawings.length - 1, at + 1);
    },
  };
}

/**
 * Draws a stroke from its point number `from` on: a dot for a single point, else lines with round ends.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {number} side of the canvas in pixels
 * @param {Stroke} stroke
 */
export function paintStroke(context, side, { colour, width, points }, from = 0) {
  context.strokeStyle = colour;
  context.lineWidth = width * side;
  context.lineCap = 'round';
  context.lineJoin = 'round';
  context.beginPath();
  const start = Math.max(0, from - 1);
  for (let i = start; 2 * i < points.length; i++) {
    const [x, y] = [points[2 * i] ?? 0, points[2 * i + 1] ?? 0];
    if (i === start) context.moveTo(x * side, y * side);
    context.lineTo(x * side, y * side);
  }
  context.stroke();
}

/**
 * Reads what `JSON.stringify` made of a drawing; undefined for anything else.
 *
 * @param {string | null} text
 * @returns {Drawing | undefined}
 */
export function parseDrawing(text) {
  try {
    const { base, strokes } = JSON.parse(text ?? '');
    const isBase = base === null || (typeof base === 'string' && /^(data:image\/|examples\/)/.test(base));
    if (isBase && Array.isArray(strokes) && strokes.every(isStroke)) return { base, strokes };
  } catch {
    // Nothing was kept, or by another program.
  }
  return undefined;
}

/**
 * @param {unknown} value
 * @returns {value is Stroke}
 */
function isStroke(value) {
  const { colour, width, points } = /** @type {Partial<Stroke>} */ (value ?? {});
  const isColour = typeof colour === 'string' && /^#[0-9a-f]{6}$/i.test(colour);
  return isColour && Number.isFinite(width) && Array.isArray(points) && points.every(Number.isFinite);
}
