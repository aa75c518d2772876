import { element } from './element.js';
import { fromPixels, labelsOf, toColours, toPixelsOf } from './label-colours.js';
import { blank, brushLabel, labelEdges, paintLabels } from './label-map.js';
import { createDrawings, openPicture, tidy } from './pad-drawings.js';
import { followPen } from './pen.js';

/** @import { Label } from '../../data/source.ts' */
/** @import { LabelDrawing, LabelMap } from './label-map.js' */

/**
 * A square map of labels to paint on, of as many pixels as the network takes.
 *
 * @param {{
 *   size: number,
 *   labels: readonly Label[],
 *   edges: boolean,
 *   background: number,
 *   first: LabelDrawing,
 *   changed(drawing: LabelDrawing | undefined): void,
 * }} options `edges`: whether lines between things are part of the map. `changed` hears of every new pixel; with the whole
 *   drawing where an action is complete.
 */
export function createLabelPad({ size, labels, edges, background, first, changed }) {
  const area = size * size;
  const canvas = element('canvas', {
    width: size,
    height: size,
    className: 'pad blocks',
    'aria-label':
      'The map of labels. Paint with mouse, pen or finger; or move with the arrow keys, Space starts and ends a stroke.',
  });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d', { alpha: false }));
  /** @type {{ tool: 'brush' | 'fill' | 'eraser', label: number, width: number }} */
  const pen = { tool: 'brush', label: Math.min(1, labels.length - 1), width: 0.08 };
  /** @type {{ label: number, width: number, points: number[] } | undefined} */
  let stroke;
  const bare = { ids: new Uint8Array(area).fill(background), edges: new Uint8Array(area) };
  /** @type {LabelMap} */
  let shown = bare;

  const drawings = createDrawings({
    first,
    blank,
    open: async (address) => {
      const image = await openPicture(address);
      if (image.naturalWidth !== size || image.naturalHeight !== size)
        throw new Error('a map of another size');
      return fromPixels(pixelsOf(image, size), labels.length);
    },
    show: ({ actions }, below = bare) => show(paintLabels(actions, below.ids, size)),
    changed,
  });
  /** @param {Uint8Array} ids */
  const show = (ids) => {
    shown = { ids, edges: edges ? labelEdges(ids, drawings.below() ?? bare, size) : bare.edges };
    context.putImageData(toColours(labels, shown, size), 0, 0);
  };
  /** @param {LabelDrawing['actions'][number]} action */
  const act = (action) => {
    const { base, actions } = drawings.now();
    drawings.add({ base, actions: [...actions, action] });
  };

  const frame = followPen(canvas, {
    down([x, y], eraser) {
      const label = eraser || pen.tool === 'eraser' ? background : pen.label;
      if (pen.tool === 'fill' && !eraser) {
        act({ label, fill: [tidy(x), tidy(y)] });
        return;
      }
      stroke = { label, width: pen.width, points: [x, y] };
      show(brushed(stroke, 0));
      changed(undefined);
    },
    move(places) {
      if (!stroke) return;
      const from = stroke.points.length / 2;
      stroke.points.push(...places);
      show(brushed(stroke, from));
      changed(undefined);
    },
    up() {
      if (!stroke) return;
      const { label, width, points } = stroke;
      stroke = undefined;
      act({ label, width, points: points.map(tidy) });
    },
  });
  /**
   * @param {{ label: number, width: number, points: number[] }} path
   * @param {number} from
   */
  const brushed = (path, from) => {
    const ids = shown.ids.slice();
    brushLabel(ids, size, path, from);
    return ids;
  };

  return {
    ...drawings.actions,
    frame,
    pen,
    /** Label numbers, then with edges where they are. */
    condition() {
      const bytes = new Uint8Array(edges ? 2 * area : area);
      bytes.set(shown.ids);
      if (edges) bytes.set(shown.edges, area);
      return bytes;
    },
    /** The map in its plain colours, which can be loaded again. */
    picture() {
      const plain = element('canvas', { width: size, height: size });
      const bareMap = { ids: shown.ids, edges: bare.edges };
      plain.getContext('2d')?.putImageData(toColours(labels, bareMap, size), 0, 0);
      return plain;
    },
    /**
     * A picture of a map as the data: address of one: its middle square, each pixel the label of its colour.
     *
     * @param {Blob} file
     */
    async convert(file) {
      const picture = await createImageBitmap(file);
      const ids = labelsOf(pixelsOf(picture, size), labels);
      const map = element('canvas', { width: size, height: size });
      const without = { ids, edges: edges ? labelEdges(ids, bare, size) : bare.edges };
      map.getContext('2d')?.putImageData(toPixelsOf(without, size), 0, 0);
      return map.toDataURL('image/png');
    },
    /** @param {string} address of a map @returns {Promise<ImageData>} as it is shown */
    async preview(address) {
      return toColours(labels, await drawings.need(address), size);
    },
  };
}

/**
 * The middle square of a picture as size × size pixels, RGBA, none of them mixed.
 *
 * @param {HTMLImageElement | ImageBitmap} picture
 * @param {number} size
 */
function pixelsOf(picture, size) {
  const context = /** @type {CanvasRenderingContext2D} */ (
    element('canvas', { width: size, height: size }).getContext('2d', {
      willReadFrequently: true,
      alpha: false,
    })
  );
  const part = Math.min(picture.width, picture.height);
  context.imageSmoothingEnabled = false;
  const [left, top] = [(picture.width - part) / 2, (picture.height - part) / 2];
  context.drawImage(picture, left, top, part, part, 0, 0, size, size);
  return context.getImageData(0, 0, size, size).data;
}
