import type { Rng } from '../../util/rng.ts';

/** What can be wrong with a picture; `none` first. */
export const damages = ['none', 'blur', 'noise', 'colour', 'mottle', 'smudge'] as const;
export type Damage = (typeof damages)[number];

/**
 * Damages a picture in place: `pixels` is CHW RGB in [−1, 1], `strength` 0..1 goes from hardly visible to plain. These are the
 * faults of image generators: soft edges, grain, wrong colours, patchy areas, and places where shapes run or colours leak.
 */
export function damage(
  kind: Damage,
  pixels: Float32Array,
  size: number,
  strength: number,
  random: Rng,
): void {
  switch (kind) {
    case 'none':
      break;
    case 'blur':
      blur(pixels, size, 0.5 * 4 ** strength);
      break;
    case 'noise':
      noise(pixels, size, 0.08 * 5 ** strength, random.uniform() < 0.5 ? 1 : random.int(2, 4), random);
      break;
    case 'colour':
      colour(pixels, strength, random);
      break;
    case 'mottle':
      mottle(pixels, size, 0.15 + 0.65 * strength, random);
      break;
    case 'smudge':
      smudge(pixels, size, strength, random);
      break;
  }
}

/** Gaussian blur with a standard deviation of `sigma` pixels; edges are repeated. */
export function blur(pixels: Float32Array, size: number, sigma: number): void {
  const radius = Math.ceil(3 * sigma);
  const kernel = Float64Array.from({ length: 2 * radius + 1 }, (_, i) =>
    Math.exp(-((i - radius) ** 2) / (2 * sigma * sigma)),
  );
  const sum = kernel.reduce((a, b) => a + b);
  const line = new Float64Array(size);
  const along = (start: number, step: number) => {
    for (let i = 0; i < size; i++) line[i] = pixels[start + i * step]!;
    for (let i = 0; i < size; i++) {
      let total = 0;
      for (let k = -radius; k <= radius; k++) {
        total += kernel[k + radius]! * line[Math.min(Math.max(i + k, 0), size - 1)]!;
      }
      pixels[start + i * step] = total / sum;
    }
  };
  for (let start = 0; start < pixels.length; start += size * size) {
    for (let i = 0; i < size; i++) along(start + i * size, 1);
    for (let i = 0; i < size; i++) along(start + i, size);
  }
}

/** Adds normal noise of deviation `sigma`, constant over blocks of `block` × `block` pixels: grain, or blotches. */
export function noise(pixels: Float32Array, size: number, sigma: number, block: number, random: Rng): void {
  const side = Math.ceil(size / block);
  const grain = random.fillNormal(new Float32Array(3 * side * side), sigma);
  let o = 0;
  for (let c = 0; c < 3; c++) {
    for (let y = 0; y < size; y++) {
      const row = (c * side + Math.floor(y / block)) * side;
      for (let x = 0; x < size; x++, o++) {
        pixels[o] = clamp(pixels[o]! + grain[row + Math.floor(x / block)]!);
      }
    }
  }
}

/** Turns all hues, by 20° to 180°, takes colour away, or changes one colour into another. Greys stay as they are. */
function colour(pixels: Float32Array, strength: number, random: Rng): void {
  const sign = random.uniform() < 0.5 ? -1 : 1;
  switch (random.int(0, 3)) {
    case 0:
      turnHue(pixels, 0, 1 - (0.3 + 0.7 * strength));
      break;
    case 1:
      turnHue(pixels, (sign * (20 + 160 * strength) * Math.PI) / 180, 1);
      break;
    default:
      recolour(pixels, 0.4 + 0.6 * strength, random);
      break;
  }
}

/** Where the picture has the colour of one of its pixels (not a grey), another comes in by `share`: white or any. */
function recolour(pixels: Float32Array, share: number, random: Rng): void {
  const area = pixels.length / 3;
  let chosen = random.int(0, area - 1);
  for (let tries = 0; tries < 30 && chroma(pixels, chosen) < 0.25; tries++) chosen = random.int(0, area - 1);
  const old = [pixels[chosen]!, pixels[chosen + area]!, pixels[chosen + 2 * area]!];
  const white = random.uniform() < 0.3;
  const own = old.map(() => (white ? 1 : random.uniform(-1, 1)));
  for (let i = 0; i < area; i++) {
    if (chroma(pixels, i) < 0.1) continue;
    const far = old.reduce((sum, x, c) => sum + (pixels[i + c * area]! - x) ** 2, 0) / 0.25;
    const mix = share * Math.exp(-far * far);
    for (let c = 0; c < 3; c++) pixels[i + c * area]! += mix * (own[c]! - pixels[i + c * area]!);
  }
}

/** Adds a smooth field of colours, normal with deviation `amount`, where the picture is neither white nor grey nor black. */
export function mottle(pixels: Float32Array, size: number, amount: number, random: Rng): void {
  const cells = random.int(3, 10);
  const knots = random.fillNormal(new Float32Array(3 * (cells + 1) ** 2), amount);
  const area = size * size;
  for (let i = 0; i < area; i++) {
    const weight = Math.min(1.5 * chroma(pixels, i), 1);
    if (weight < 0.05) continue;
    const [u, v] = [((i % size) / size) * cells, (Math.floor(i / size) / size) * cells];
    const [left, top] = [Math.floor(u), Math.floor(v)];
    const [across, down] = [u - left, v - top];
    for (let c = 0; c < 3; c++) {
      const at = (c * (cells + 1) + top) * (cells + 1) + left;
      const upper = knots[at]! + across * (knots[at + 1]! - knots[at]!);
      const lower = knots[at + cells + 1]! + across * (knots[at + cells + 2]! - knots[at + cells + 1]!);
      const field = upper + down * (lower - upper);
      pixels[i + c * area] = clamp(pixels[i + c * area]! + weight * field);
    }
  }
}

/** Half the distance between a pixel's largest and smallest channel: 0 for greys, 1 for pure colours. */
function chroma(pixels: Float32Array, i: number): number {
  const area = pixels.length / 3;
  const [r, g, b] = [pixels[i]!, pixels[i + area]!, pixels[i + 2 * area]!];
  return (Math.max(r, g, b) - Math.min(r, g, b)) / 2;
}

/** Rotates colours about the grey axis by `angle` radians and scales their distance from it by `saturation`. */
export function turnHue(pixels: Float32Array, angle: number, saturation: number): void {
  const area = pixels.length / 3;
  const [cos, sin] = [saturation * Math.cos(angle), (saturation * Math.sin(angle)) / Math.sqrt(3)];
  for (let i = 0; i < area; i++) {
    const [r, g, b] = [pixels[i]!, pixels[i + area]!, pixels[i + 2 * area]!];
    const grey = (r + g + b) / 3;
    // Rodrigues' rotation about (1, 1, 1)/√3 of the part that is no grey.
    pixels[i] = clamp(grey + (r - grey) * cos + (b - g) * sin);
    pixels[i + area] = clamp(grey + (g - grey) * cos + (r - b) * sin);
    pixels[i + 2 * area] = clamp(grey + (b - grey) * cos + (g - r) * sin);
  }
}

/** In one to four round places the picture is replaced, softly, by itself moved by some pixels or by one of its colours. */
export function smudge(pixels: Float32Array, size: number, strength: number, random: Rng): void {
  const area = size * size;
  const places = 1 + Math.floor(strength * 3.99);
  for (let n = 0; n < places; n++) {
    const before = pixels.slice();
    const [cx, cy] = [random.uniform(0.15, 0.85) * size, random.uniform(0.15, 0.85) * size];
    const radius = (0.05 + 0.15 * strength) * size * random.uniform(0.7, 1.3);
    const leaks = random.uniform() < 0.5;
    const from = random.int(0, size - 1) * size + random.int(0, size - 1);
    const angle = random.uniform(0, 2 * Math.PI);
    const distance = random.uniform(0.05, 0.15) * size;
    const [dx, dy] = [Math.round(distance * Math.cos(angle)), Math.round(distance * Math.sin(angle))];
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) {
        const far = ((x - cx) ** 2 + (y - cy) ** 2) / (radius * radius);
        if (far > 4) continue;
        const share = Math.exp(-far * far);
        const moved = inside(y + dy, size) * size + inside(x + dx, size);
        const source = leaks ? from : moved;
        for (let c = 0; c < 3 * area; c += area) {
          const i = c + y * size + x;
          pixels[i] = before[i]! + share * (before[c + source]! - before[i]!);
        }
      }
    }
  }
}

const clamp = (x: number) => Math.min(Math.max(x, -1), 1);
const inside = (i: number, size: number) => Math.min(Math.max(i, 0), size - 1);
