/**
 * Three significant digits and a decimal prefix: 59670528 is "59.7 M".
 *
 * @param {number} value
 */
export function count(value) {
  const prefixes = ['', 'k', 'M', 'G', 'T'];
  let at = 0;
  while (value >= 999.5 && at < prefixes.length - 1) {
    value /= 1000;
    at++;
  }
  return `${at === 0 ? value : value.toPrecision(3)} ${prefixes[at]}`.trim();
}

/**
 * Bytes in binary units.
 *
 * @param {number} value
 */
export function bytes(value) {
  return value < 2 ** 20 ? `${Math.round(value / 2 ** 10)} KiB` : `${(value / 2 ** 20).toPrecision(3)} MiB`;
}

/**
 * One decimal below 10, none from 100 on.
 *
 * @param {number} value
 */
export function decimal(value) {
  return value.toFixed(value < 100 ? 1 : 0);
}
