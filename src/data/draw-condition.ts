import type { SheetColumn } from './sheet.ts';
import { type Condition, conditionChannels, pictureChannels, type Source } from './source.ts';

/** Of the lines between objects, on any label's colour. */
export const edgeColour = [24, 24, 24] as const;

/** Where there is no label at all: what was moved in, or cut out. As zero in pictures. */
const nothing = [128, 128, 128] as const;

/**
 * The conditions of a batch (see `Batch.condition`) as a column of a sample sheet: pictures as they are, labels in their colours
 * with dark edges, classes by name where there is nothing else. Undefined without conditions.
 */
export function conditionColumn(
  { condition, size }: Pick<Source, 'condition' | 'size'>,
  batch: Float32Array,
): SheetColumn | undefined {
  const title = 'condition';
  const pictures = () => picturesOf(condition, batch, size * size);
  switch (condition.kind) {
    case 'image':
      return { title, images: pictures(), channels: condition.channels };
    case 'labels':
      return { title, images: drawLabels(condition, pictures(), size) };
    case 'class':
      return { title, texts: classNames(condition.classes, batch) };
    case 'none':
      return undefined;
  }
}

/** A batch of conditions without the planes of their classes. */
function picturesOf(condition: Condition, batch: Float32Array, area: number): Float32Array {
  const [each, own] = [conditionChannels(condition) * area, pictureChannels(condition) * area];
  if (each === own) return batch;
  const pictures = new Float32Array((batch.length / each) * own);
  for (let n = 0; n < batch.length / each; n++)
    pictures.set(batch.subarray(n * each, n * each + own), n * own);
  return pictures;
}

/** One-hot labels [N, L, size, size], or with edges [N, L + 1, size, size], as N × size × size × 3 bytes; grey where all are 0. */
export function drawLabels(
  { labels, edges }: Pick<Extract<Condition, { kind: 'labels' }>, 'labels' | 'edges'>,
  batch: Float32Array,
  size: number,
): Uint8Array {
  const area = size * size;
  const channels = labels.length + Number(edges);
  const count = batch.length / (channels * area);
  const drawn = new Uint8Array(count * area * 3);
  for (let n = 0; n < count; n++) {
    for (let p = 0; p < area; p++) {
      const at = (c: number) => batch[(n * channels + c) * area + p]!;
      const id = largest(labels.length, at);
      const colour = at(id) > 0 ? labels[id]!.colour : nothing;
      drawn.set(edges && at(labels.length) > 0.5 ? edgeColour : colour, (n * area + p) * 3);
    }
  }
  return drawn;
}

function classNames(classes: readonly string[], batch: Float32Array): string[] {
  return Array.from(
    { length: batch.length / classes.length },
    (_, n) => classes[largest(classes.length, (k) => batch[n * classes.length + k]!)]!,
  );
}

/** The first index of the largest of `count` values. */
function largest(count: number, at: (i: number) => number): number {
  let best = 0;
  for (let i = 1; i < count; i++) if (at(i) > at(best)) best = i;
  return best;
}
