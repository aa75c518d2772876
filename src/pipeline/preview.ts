import { makeBatch, trainIndices } from '../data/batch.ts';
import { conditionColumn, edgeColour } from '../data/draw-condition.ts';
import { addLegend } from '../data/labels/legend.ts';
import { type SheetColumn, sampleSheet } from '../data/sheet.ts';
import type { Source, Split } from '../data/source.ts';
import type { Recipe } from '../recipe/schema.ts';
import { drawAugment } from '../train/diffaugment.ts';
import { augmentPixels } from '../train/diffaugment-pixels.ts';
import { rng } from '../util/rng.ts';

export interface PreviewOptions {
  /** PNG to write. */
  file: string;
  split: Split;
  /** Rows of the sheet, where the split has as many. */
  count: number;
}

/**
 * Draws pictures of a split as a sheet: condition and image as they are, of the training split also as a batch has them
 * (flipped, cut out of the enlarged picture), and as the discriminator of the recipe's first training sees them, with conditions where
 * it is shown any that are moved and cut. Of label maps
 * the colours are named below. Returns the number of rows. Throws what the source and `writeFileAtomic` throw.
 */
export async function drawPreview(
  source: Source,
  recipe: Pick<Recipe, 'seed' | 'data' | 'teacher' | 'distill' | 'supernet' | 'finetune'>,
  { file, split, count }: PreviewOptions,
): Promise<number> {
  const { size, channels, condition } = source;
  const { seed, data } = recipe;
  const rows = Math.min(count, source.counts[split]);
  const indices = split === 'train' ? trainIndices(seed, 0, rows, source.counts.train) : firstOf(rows);
  const { unpaired: _, ...paired } = source;
  const plain = await makeBatch(paired, split, indices, {}, rng(0, 'unused'));
  const named = (column: SheetColumn | undefined, title: string) => (column ? [{ ...column, title }] : []);
  const columns: SheetColumn[] = [
    ...named(conditionColumn(source, plain.condition), 'condition'),
    // Of an unpaired set there is only what a batch draws.
    ...(source.unpaired && !source.truth ? [] : [imageColumn('image', plain.image, channels.image)]),
  ];
  if (split === 'train') {
    const augment = { flip: data.flip, jitter: data.jitter };
    const seen = await makeBatch(source, split, indices, augment, rng(seed, 'augment', 0));
    columns.push(...named(conditionColumn(source, seen.condition), 'as trained on'));
    columns.push(imageColumn(source.unpaired ? 'drawn image' : 'its image', seen.image, channels.image));
    const policy = firstTraining(recipe)?.diffaugment ?? [];
    if (policy.length > 0) {
      const draw = drawAugment(rng(seed, 'augmentD', 0), rows, size);
      const judged = augmentPixels(seen.image, channels.image, size, draw, policy);
      if ((condition.kind === 'image' || condition.kind === 'labels') && !source.unpaired) {
        const moved = augmentPixels(seen.condition, channels.condition, size, draw, policy, {
          colour: false,
        });
        columns.push(...named(conditionColumn(source, moved), 'judged with'));
      }
      columns.push(imageColumn('as judged', judged, channels.image));
    }
  }
  await sampleSheet(columns, size, file);
  if (condition.kind === 'labels')
    await addLegend(file, [
      ...condition.labels,
      ...(condition.edges ? [{ name: 'edge', colour: edgeColour }] : []),
    ]);
  return rows;
}

function imageColumn(title: string, images: Float32Array, channels: 1 | 3): SheetColumn {
  return { title, images, channels };
}

function firstOf(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

/** What is trained first by the recipe. */
function firstTraining({ teacher, distill, supernet, finetune }: Parameters<typeof drawPreview>[1]) {
  return 'train' in teacher ? teacher.train : (distill ?? supernet ?? finetune);
}
