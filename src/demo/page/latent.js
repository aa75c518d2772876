/**
 * Standard normal numbers of a seed: the same in every browser. Uniform numbers are mulberry32's, made normal by Box and
 * Muller.
 *
 * @param {number} seed
 * @param {number} size
 * @returns {Float32Array}
 */
export function normals(seed, size) {
  let state = (Math.imul(seed, 0x9e3779b1) ^ (seed / 2 ** 32)) >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
  const drawn = new Float32Array(size);
  for (let i = 0; i < size; i += 2) {
    const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
    const angle = 2 * Math.PI * uniform();
    drawn[i] = radius * Math.cos(angle);
    if (i + 1 < size) drawn[i + 1] = radius * Math.sin(angle);
  }
  return drawn;
}

/**
 * The way from one latent (0) to another (1) on a sphere, their lengths changing evenly (White 2016): in between a straight line
 * is too close to zero for a normal vector.
 *
 * @param {Float32Array} from
 * @param {Float32Array} to
 * @param {number} part
 * @returns {Float32Array}
 */
export function between(from, to, part) {
  if (part <= 0) return from;
  if (part >= 1) return to;
  let [product, first, second] = [0, 0, 0];
  for (let i = 0; i < from.length; i++) {
    product += from[i] * to[i];
    first += from[i] ** 2;
    second += to[i] ** 2;
  }
  [first, second] = [Math.sqrt(first), Math.sqrt(second)];
  const angle = Math.acos(Math.min(1, Math.max(-1, product / (first * second || 1))));
  if (Math.sin(angle) < 1e-4) return from.map((x, i) => x + part * (to[i] - x));
  const length = first + part * (second - first);
  const [a, b] = [Math.sin((1 - part) * angle), Math.sin(part * angle)].map(
    (x) => (x / Math.sin(angle)) * length,
  );
  return from.map((x, i) => (a * x) / first + (b * to[i]) / second);
}

/**
 * A latent moved along directions.
 *
 * @param {Float32Array} latent
 * @param {readonly number[]} moves
 * @param {readonly (readonly number[])[] | undefined} directions none: the first numbers of the latent
 * @returns {Float32Array}
 */
export function moved(latent, moves, directions) {
  const result = latent.slice();
  for (const [k, move] of moves.entries()) {
    if (move === 0) continue;
    if (directions) for (let i = 0; i < result.length; i++) result[i] += move * directions[k][i];
    else result[k] += move;
  }
  return result;
}

/**
 * What was chosen last, from what `JSON.stringify` made of it; undefined for anything else.
 *
 * @typedef {{ from: number, to: number, part: number, moves: number[] }} Choice seeds of two samples, where between them, and how
 *   far along each direction
 * @param {string | null} text
 * @param {number} directions
 * @returns {Choice | undefined}
 */
export function parseChoice(text, directions) {
  try {
    const { from, to, part, moves } = JSON.parse(text ?? '');
    const areSeeds = [from, to].every((seed) => Number.isSafeInteger(seed) && seed >= 0);
    const isPart = typeof part === 'number' && part >= 0 && part <= 1;
    const areMoves = Array.isArray(moves) && moves.length === directions && moves.every(Number.isFinite);
    if (areSeeds && isPart && areMoves) return { from, to, part, moves };
  } catch {
    // Nothing was kept, or by another program.
  }
  return undefined;
}
