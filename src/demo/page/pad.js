import { empty, paintStroke } from './drawing.js';
import { element } from './element.js';
import { createDrawings, openPicture, tidy } from './pad-drawings.js';
import { followPen } from './pen.js';

/** @import { Drawing } from './drawing.js' */

/** The pad has about so many pixels a side: a multiple of the network's. */
const fineness = 512;

/**
 * A square canvas to draw on with mouse, pen or finger.
 *
 * @param {{ size: number, first: Drawing, changed(drawing: Drawing | undefined): void }} options `changed` hears of every
 *   new pixel; with the whole drawing where an action is complete.
 */
export function createPad({ size, first, changed }) {
  const side = size * Math.max(1, Math.round(fineness / size));
  const canvas = element('canvas', {
    width: side,
    height: side,
    className: 'pad',
    'aria-label':
      'The drawing. Draw with mouse, pen or finger; or move with the arrow keys, Space starts and ends a stroke.',
  });
  const context = /** @type {CanvasRenderingContext2D} */ (
    canvas.getContext('2d', { willReadFrequently: true, alpha: false })
  );
  const pen = { colour: '#000000', width: 0.028, erases: false };
  /** @type {{ colour: string, width: number, points: number[] } | undefined} */
  let active;
  const drawings = createDrawings({
    first,
    blank: empty,
    open: async (address) => createImageBitmap(await openPicture(address)),
    show({ strokes }, picture) {
      context.fillStyle = '#ffffff';
      context.fillRect(0, 0, side, side);
      if (picture) {
        // A picture of the network's size is enlarged by blocks, so that the network gets its very pixels.
        context.imageSmoothingEnabled = picture.width !== size || picture.height !== size;
        context.imageSmoothingQuality = 'high';
        context.drawImage(picture, 0, 0, side, side);
      }
      for (const stroke of strokes) paintStroke(context, side, stroke);
    },
    changed,
  });
  const frame = followPen(canvas, {
    down(place, eraser) {
      const erases = pen.erases || eraser;
      const colour = erases ? '#ffffff' : pen.colour;
      active = { colour, width: pen.width * (erases ? 3 : 1), points: place };
      paintStroke(context, side, active);
      changed(undefined);
    },
    move(places) {
      if (!active) return;
      const before = active.points.length / 2;
      active.points.push(...places);
      paintStroke(context, side, active, before);
      changed(undefined);
    },
    up() {
      if (!active) return;
      const { colour, width, points } = active;
      active = undefined;
      const { base, strokes } = drawings.now();
      drawings.add({ base, strokes: [...strokes, { colour, width, points: points.map(tidy) }] });
    },
  });

  return {
    ...drawings.actions,
    canvas,
    frame,
    pen,
    pixels: () => context.getImageData(0, 0, side, side),
    /**
     * A file as a data: address of at most the pad's size, its middle square on white.
     *
     * @param {Blob} file
     */
    async shrink(file) {
      const picture = await createImageBitmap(file);
      const part = Math.min(picture.width, picture.height);
      const small = element('canvas', { width: side, height: side });
      if (part === size) small.width = small.height = size;
      const target = /** @type {CanvasRenderingContext2D} */ (small.getContext('2d'));
      target.fillStyle = '#ffffff';
      target.fillRect(0, 0, small.width, small.height);
      target.imageSmoothingQuality = 'high';
      const [left, top] = [(picture.width - part) / 2, (picture.height - part) / 2];
      target.drawImage(picture, left, top, part, part, 0, 0, small.width, small.height);
      return small.toDataURL('image/png');
    },
  };
}
