/** @import { CatalogueInput, CatalogueModel } from '../catalogue.ts' */

/**
 * What is set on the page. `condition`: a picture's channels in [−1, 1] one after the other; labels size × size numbers, then
 * with edges size × size of 0 or 1; the number of a class.
 *
 * @typedef {{ condition?: Float32Array | Uint8Array, latent?: Float32Array }} Question
 * @typedef {Record<string, { type: string, data: Float32Array | Int32Array | BigInt64Array, shape: number[] }>} Feeds
 */

/**
 * It as one network takes it.
 *
 * @param {Pick<CatalogueModel, 'inputs' | 'range'>} model
 * @param {Question} question
 * @returns {Feeds}
 */
export function toFeeds({ inputs, range }, { condition, latent }) {
  /** @type {Feeds} */
  const feeds = {};
  if (inputs.condition && condition) {
    const { name, type, shape } = inputs.condition;
    feeds[name] = { type, shape, data: conditionData(inputs.condition, range, condition) };
  }
  if (inputs.latent && latent) feeds[inputs.latent.name] = { ...inputs.latent, data: latent };
  return feeds;
}

/**
 * @param {CatalogueInput} input
 * @param {readonly [number, number]} range
 * @param {Float32Array | Uint8Array} condition
 */
function conditionData({ type, shape }, range, condition) {
  if (type === 'int64') return BigInt64Array.from(condition, BigInt);
  if (type === 'int32') return Int32Array.from(condition);
  if (condition instanceof Float32Array) {
    const scale = (range[1] - range[0]) / 2;
    return condition.map((x) => range[0] + (x + 1) * scale);
  }
  const area = shape.slice(2).reduce((a, b) => a * b, 1);
  const oneHot = new Float32Array(shape[1] * area);
  for (let i = 0; i < area; i++) oneHot[condition[i] * area + i] = 1;
  // Edges are the last channel.
  if (condition.length > area) oneHot.set(condition.subarray(area), (shape[1] - 1) * area);
  return oneHot;
}
