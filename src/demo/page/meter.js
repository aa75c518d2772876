/** So many of the last pictures are looked at. */
const recent = 30;

/**
 * How fast pictures come: of the last ones, the median time in the network, and how many a second there would be from one
 * question to its answer, the way to the worker and back included.
 */
export function createMeter() {
  /** @type {number[]} */
  let inside = [];
  /** @type {number[]} */
  let whole = [];
  return {
    /**
     * @param {number} milliseconds in the network
     * @param {number} total until the picture was here
     */
    add(milliseconds, total) {
      inside = [...inside, milliseconds].slice(-recent);
      whole = [...whole, total].slice(-recent);
    },
    count: () => inside.length,
    milliseconds: () => median(inside),
    framesPerSecond: () => 1000 / median(whole),
  };
}

/** @param {number[]} values */
function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
