import { type Graph, isStatic, type Node, type Value } from '../graph/graph.ts';
import { distillTaps } from '../models/generator.ts';
import { inputSymbols, type Symbols, staticShape } from '../ops/cost.ts';
import { GanletError } from '../util/errors.ts';
import { spread } from '../util/spread.ts';

/** The most values that are compared. */
const most = 4;

/**
 * The values at which a student is compared with its teacher, for any network. Our own networks have theirs (see
 * `distillTaps`). Elsewhere: the sums that end residual blocks, at the lowest resolution that has several of them what enters
 * the first block and the end of each third; without such a trunk, sums or else ends of layers spread over the network.
 * All are images [N, C, H, W] of more than one pixel, whose height and width narrowing leaves alone.
 * Throws TAPS_UNKNOWN for a network that has none.
 */
export function proposeTaps(graph: Graph, symbols: Symbols = inputSymbols(graph, { size: 256 })): string[] {
  try {
    return distillTaps(graph);
  } catch (error) {
    if (!(error instanceof GanletError)) throw error;
  }
  const areas = new Map<Value, number>();
  for (const node of graph.nodes) {
    for (const y of node.outputs) {
      const area = areaOf(y, symbols);
      if (area !== undefined && !graph.outputs.includes(y)) areas.set(y, area);
    }
  }
  const taps = alongSums(graph, areas) ?? spread(layerEnds(graph, areas), most);
  if (taps.length > 0) return taps.map((value) => value.name);
  throw new GanletError(
    'TAPS_UNKNOWN',
    `network "${graph.name}" must have inner values that are images to compare a student with its teacher`,
    { hint: 'set distill.distill to none' },
  );
}

/** Pixels of an image with channels; undefined for anything else. */
function areaOf({ dtype, shape, name }: Value, symbols: Symbols): number | undefined {
  if (dtype !== 'float32' || shape.length !== 4 || typeof shape[1] !== 'number') return undefined;
  try {
    const [, , height, width] = staticShape({ name, shape } as Value, symbols) as [
      number,
      number,
      number,
      number,
    ];
    return height > 1 && width > 1 ? height * width : undefined;
  } catch {
    return undefined;
  }
}

function alongSums(graph: Graph, areas: ReadonlyMap<Value, number>): Value[] | undefined {
  const sums = graph.nodes.flatMap((node) => residual(node, areas) ?? []);
  const resolutions = [...new Set(sums.map(({ sum }) => areas.get(sum)!))].sort((a, b) => a - b);
  for (const area of resolutions) {
    const trunk = sums.filter(({ sum }) => areas.get(sum) === area);
    if (trunk.length < 2) continue;
    const thirds = [1, 2, 3].map((third) => trunk[Math.ceil((third * trunk.length) / 3) - 1]!.sum);
    return [...entry(trunk[0]!, areas), ...new Set(thirds)];
  }
  const few = sums.slice(0, 1).flatMap((first) => [...entry(first, areas), ...sums.map(({ sum }) => sum)]);
  return few.length > 1 ? spread(few, most) : undefined;
}

interface Residual {
  readonly sum: Value;
  /** What the block was given, where it is added as it is. */
  readonly from: Value | undefined;
}

/** A sum of two images that ends a residual block; the shift that follows a modulation by a product is none. */
function residual(node: Node, areas: ReadonlyMap<Value, number>): Residual | undefined {
  const [a, b] = node.inputs;
  const sum = node.outputs[0]!;
  if (node.op !== 'Add' || !a?.node || !b?.node || !areas.has(sum)) return undefined;
  if (String(a.shape) !== String(b.shape)) return undefined;
  const from = isBehind(b, a) ? a : isBehind(a, b) ? b : undefined;
  if (!from && [a, b].some(({ node: maker }) => maker!.op === 'Mul')) return undefined;
  return { sum, from };
}

function entry({ from }: Residual, areas: ReadonlyMap<Value, number>): Value[] {
  return from && areas.has(from) ? [from] : [];
}

/** Whether `value` is computed from `from`. */
function isBehind(value: Value, from: Value): boolean {
  const seen = new Set<Value>();
  const open = [value];
  while (open.length > 0) {
    const next = open.pop()!;
    if (next === from) return true;
    if (seen.has(next) || !next.node) continue;
    seen.add(next);
    for (const x of next.node.inputs) if (x && !x.tensor) open.push(x);
  }
  return false;
}

/** What convolutions give, behind the norms and activation functions that follow. */
function layerEnds(graph: Graph, areas: ReadonlyMap<Value, number>): Value[] {
  const readers = new Map<Value, Node[]>();
  for (const node of graph.nodes)
    for (const x of node.inputs) if (x) readers.set(x, [...(readers.get(x) ?? []), node]);
  return graph.nodes.flatMap(({ op, outputs }) => {
    if (op !== 'Conv' && op !== 'ConvTranspose') return [];
    let end = outputs[0]!;
    for (;;) {
      const [next, ...others] = readers.get(end) ?? [];
      if (!next || others.length > 0 || !isFollower(next, end)) break;
      end = next.outputs[0]!;
    }
    return areas.has(end) ? [end] : [];
  });
}

/** A norm, an activation function or the like: one image in, an image of its size out, nothing else computed read. */
function isFollower({ inputs, outputs }: Node, x: Value): boolean {
  const same = isStatic(x.shape.slice(1, 2)) && String(outputs[0]!.shape) === String(x.shape);
  return same && inputs.every((other) => !other || other === x || other.tensor !== undefined);
}
