/** @import { CatalogueInput, CatalogueModel } from '../catalogue.ts' */

/**
 * What is set on the page. `condition`: a picture's channels in [−1, 1] one after the other; labels size × size numbers, then
 * with edges size × size of 0 or 1; the number of a class. `besides`: the class that comes with a picture or labels, one number for each
 * class, 1 for that one.
 *
 * @typedef {{ condition?: Float32Array | Uint8Array, besides?: Float32Array, latent?: Float32Array }} Question
 * @typedef {Record<string, { type: string, data: Float32Array | Int32Array | BigInt64Array, shape: number[] }>} Feeds
 */

/**
 * It as one network takes it.
 *
 * @param {Pick<CatalogueModel, 'inputs' | 'range'>} model
 * @param {Question} question
 * @returns {Feeds}
 */
export function toFeeds({ inputs, range }, { condition, besides, latent }) {
  /** @type {Feeds} */
  const feeds = {};
  if (inputs.condition && condition) {
    const { name, type, shape } = inputs.condition;
    const planes = inputs.class ? undefined : besides;
    feeds[name] = { type, shape, data: conditionData(inputs.condition, range, condition, planes) };
  }
  if (inputs.class && besides) {
    const { name, type, shape } = inputs.class;
    const data = type === 'float32' ? besides : wholeNumbers(type, [besides.indexOf(1)]);
    feeds[name] = { type, shape, data };
  }
  if (inputs.latent && latent) feeds[inputs.latent.name] = { ...inputs.latent, data: latent };
  return feeds;
}

/**
 * @param {CatalogueInput} input
 * @param {readonly [number, number]} range
 * @param {Float32Array | Uint8Array} condition
 * @param {Float32Array | undefined} planes what is behind the channels of the picture, a plane of each number
 */
function conditionData({ type, shape }, range, condition, planes = new Float32Array()) {
  if (type !== 'float32') return wholeNumbers(type, condition);
  const area = shape.slice(2).reduce((a, b) => a * b, 1);
  const channels = shape[1] - planes.length;
  const data = new Float32Array(shape[1] * area);
  if (condition instanceof Float32Array) {
    const scale = (range[1] - range[0]) / 2;
    data.set(condition.map((x) => range[0] + (x + 1) * scale));
  } else {
    for (let i = 0; i < area; i++) data[condition[i] * area + i] = 1;
    // Edges are the last channel of labels.
    if (condition.length > area) data.set(condition.subarray(area), (channels - 1) * area);
  }
  for (const [k, value] of planes.entries())
    data.fill(value, (channels + k) * area, (channels + k + 1) * area);
  return data;
}

/**
 * @param {'int32' | 'int64'} type
 * @param {ArrayLike<number>} numbers
 */
function wholeNumbers(type, numbers) {
  return type === 'int64' ? BigInt64Array.from(Array.from(numbers, BigInt)) : Int32Array.from(numbers);
}
