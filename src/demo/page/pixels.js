/**
 * What a network takes: the pad's pixels averaged over blocks to size × size, as 8-bit levels, then brought to [−1, 1],
 * channels first. One channel is luma (ITU-R BT.601). A pad that shows a picture of that size enlarged gives its very pixels.
 *
 * @param {ImageData} pad square, its side a multiple of `size`
 * @param {number} size
 * @param {1 | 3} channels
 * @returns {Float32Array}
 */
export function toInput({ data, width }, size, channels) {
  const block = width / size;
  const area = size * size;
  const input = new Float32Array(channels * area);
  const mean = [0, 0, 0];
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      mean.fill(0);
      for (let v = 0; v < block; v++) {
        let i = ((y * block + v) * width + x * block) * 4;
        for (let u = 0; u < block; u++, i += 4) for (let c = 0; c < 3; c++) mean[c] += data[i + c];
      }
      const [r, g, b] = mean.map((sum) => Math.round(sum / (block * block)));
      const at = y * size + x;
      const levels = channels === 1 ? [(77 * r + 150 * g + 29 * b + 128) >> 8] : [r, g, b];
      for (const [c, level] of levels.entries()) input[c * area + at] = level / 127.5 - 1;
    }
  }
  return input;
}

/**
 * A picture in [−1, 1], channels first, as pixels to show; one channel is shown as grey.
 *
 * @param {Float32Array} picture
 * @param {number} size
 * @param {1 | 3} channels
 * @returns {ImageData}
 */
export function toPixels(picture, size, channels) {
  const area = size * size;
  const shown = new ImageData(size, size);
  for (let i = 0; i < area; i++) {
    for (let c = 0; c < 3; c++)
      shown.data[4 * i + c] = Math.round(picture[(channels === 1 ? 0 : c) * area + i] * 127.5 + 127.5);
    shown.data[4 * i + 3] = 255;
  }
  return shown;
}
