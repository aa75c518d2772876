import type { Feeds } from '../backend/backend.ts';
import { mulDim, sumDims } from '../graph/dims.ts';
import { type Dim, type Graph, int64, isStatic, type Node, type Value } from '../graph/graph.ts';
import { add, mul } from '../ops/elementwise.ts';
import { concat } from '../ops/segments.ts';
import { isUnknownDim, sizesValue, unknownDim } from '../ops/sizes.ts';
import { slice } from '../ops/window.ts';
import { GanletError } from '../util/errors.ts';
import { unusedName } from '../util/unused-name.ts';
import type { ChannelGroups, Segment } from './groups.ts';
import { channelsAt, unitOf, type WidthEntry, type WidthSpace, type WidthVector } from './width-space.ts';

/** Channels of a group that are known when the graph runs. */
export interface RuntimeWidth {
  /** int64 [1]. */
  readonly value: Value;
  /** The dimension that stands for it in shapes. */
  readonly dim: Dim;
  /** It is always a multiple of this. */
  readonly multiple: number;
}

/** Channels by group: a number, or read at run time. Groups left out have all their channels. */
export type Widths = ReadonlyMap<string, number | RuntimeWidth>;

/**
 * Declares the widths of a space as inputs of a graph: for each entry with a choice `width/<entry>`, int64 [1], the channels
 * of its groups (of those of its `unit`). Entries without a choice are numbers.
 */
export function widthInputs(graph: Graph, space: WidthSpace): Widths {
  const widths = new Map<string, number | RuntimeWidth>();
  const symbols = symbolsOf(space);
  for (const [i, entry] of space.entries()) {
    const { name, groups, unit, full, choices } = entry;
    if (choices.length === 1 && choices[0] === full) continue;
    const value = choices.length > 1 ? graph.input(inputName(name), 'int64', [1]) : undefined;
    const known = new Map<number, number | RuntimeWidth>();
    for (const group of groups) {
      const times = unitOf(entry, group) / unit;
      const multiple = multipleOf(entry) * times;
      const width = known.get(times) ?? {
        value: times === 1 ? value! : mul(value!, times),
        dim: mulDim(symbols[i]!, multiple),
        multiple,
      };
      const now = value ? width : choices[0]! * unit * times;
      known.set(times, now);
      widths.set(group, now);
    }
  }
  return widths;
}

/**
 * What the symbols of a graph with these widths stand for where all are at their largest, for sizes and costs. Sizes of what
 * is left out then are zero.
 */
export function widestSymbols(graph: Graph, space: WidthSpace): Map<string, number> {
  const symbols = symbolsOf(space);
  const found = new Map(
    space.map((entry, i) => [symbols[i]!, (entry.choices[0]! * entry.unit) / multipleOf(entry)]),
  );
  for (const { outputs } of graph.nodes) {
    for (const dim of outputs.flatMap((y) => y.shape)) if (isUnknownDim(dim)) found.set(String(dim), 0);
  }
  return found;
}

/** The name of each entry as a symbol of dimensions, in which operators have a meaning. */
function symbolsOf(space: WidthSpace): string[] {
  const taken = new Set<string>();
  return space.map(({ name }) => {
    const symbol = unusedName(`width:${name.replace(/[^\w.]/g, '_')}`, taken);
    taken.add(symbol);
    return symbol;
  });
}

/** What `widthInputs` asks for, at a vector. Throws WIDTHS_INVALID for numbers the space does not choose from. */
export function widthFeeds(space: WidthSpace, vector: WidthVector): Feeds {
  const channels = channelsAt(space, vector);
  return Object.fromEntries(
    space.flatMap((entry) => {
      if (entry.choices.length === 1) return [];
      const [first] = entry.groups as [string];
      const count = (channels.get(first)! * entry.unit) / unitOf(entry, first);
      const multiple = multipleOf(entry);
      if (count % multiple !== 0) {
        const widths = entry.choices.join(', ');
        throw new GanletError(
          'WIDTHS_INVALID',
          `the width of ${entry.name} must be one of ${widths}, got ${count / entry.unit}`,
        );
      }
      return [[inputName(entry.name), int64([count])]];
    }),
  );
}

/** The widths of a space at a vector, as numbers. */
export function widthNumbers(space: WidthSpace, vector: WidthVector): Widths {
  const full = new Map(space.flatMap((entry) => entry.groups.map((g) => [g, entry.full * unitOf(entry, g)])));
  return new Map([...channelsAt(space, vector)].filter(([group, width]) => width !== full.get(group)));
}

const inputName = (entry: string) => `width/${entry}`;

function multipleOf({ unit, full, choices }: WidthEntry): number {
  return [full, ...choices].map((width) => width * unit).reduce(gcd);
}

export function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

/** An axis of which a narrowed network has only a part: of each group that lies along it the first channels. */
export interface Cut {
  readonly axis: number;
  readonly segments: readonly Segment[];
}

/** The axes of a value that `widths` cut. */
export function cutsOf(groups: ChannelGroups, widths: Widths, value: Value, user?: Node): Cut[] {
  return value.shape.flatMap((_, axis): Cut[] => {
    const segments = groups.segments(value, axis, user);
    return segments?.some(({ group }) => widths.has(group)) ? [{ axis, segments }] : [];
  });
}

/** Positions a segment has at these widths. */
function lengthOf({ group, width, factor }: Segment, widths: Widths): number | Value {
  const now = widths.get(group) ?? width;
  if (typeof now === 'number') return now * factor;
  return factor === 1 ? now.value : mul(now.value, factor);
}

/** The dimension of an axis at these widths. */
export function dimOf(segments: readonly Segment[], widths: Widths): Dim {
  return sumDims(segments.map((segment) => segmentDim(segment, widths)));
}

function segmentDim({ group, width, factor }: Segment, widths: Widths): Dim {
  const now = widths.get(group) ?? width;
  return typeof now === 'number' ? now * factor : mulDim(now.dim, factor);
}

/** Length of an axis at these widths. */
export function sizeOfAxis(segments: readonly Segment[], widths: Widths): number | Value {
  return segments.map((segment) => lengthOf(segment, widths)).reduce(plus);
}

const plus = (a: number | Value, b: number | Value): number | Value =>
  typeof a === 'number' && typeof b === 'number' ? a + b : b === 0 ? a : a === 0 ? b : add(a, b);

interface Range {
  axis: number;
  from: number | Value;
  to: number | Value;
  dim: Dim;
}

/** `x` with the channels the widths leave. */
export function cut(x: Value, cuts: readonly Cut[], widths: Widths): Value {
  const simple = cuts.filter(({ segments }) => segments.length === 1);
  let y =
    simple.length > 0
      ? ranges(
          x,
          simple.map((c) => firstOf(c, widths)),
        )
      : x;
  for (const { axis, segments } of cuts) {
    if (segments.length === 1) continue;
    const parts = segments.map((segment) => {
      const to = plus(segment.offset, lengthOf(segment, widths));
      return ranges(y, [{ axis, from: segment.offset, to, dim: segmentDim(segment, widths) }]);
    });
    y = concat(parts, axis);
  }
  return y;
}

/** `full` with the channels the widths leave replaced by `part`; all others keep their bits. */
export function putBack(full: Value, part: Value, cuts: readonly Cut[], widths: Widths): Value {
  const { graph } = full;
  let result = part;
  for (let k = cuts.length - 1; k >= 0; k--) {
    const { axis, segments } = cuts[k]!;
    const outer = cuts.slice(0, k);
    const pieces: Value[] = [];
    let at: number | Value = 0;
    for (const segment of segments) {
      const [size, dim] = [lengthOf(segment, widths), segmentDim(segment, widths)];
      const to: number | Value = plus(at, size);
      pieces.push(segments.length === 1 ? result : ranges(result, [{ axis, from: at, to, dim }]));
      if (widths.has(segment.group)) pieces.push(behind(full, outer, axis, segment, widths));
      at = to;
    }
    const shape = full.shape.map((d, i) => {
      const around = outer.find((c) => c.axis === i);
      return around ? dimOf(around.segments, widths) : d;
    });
    result = graph.add('Concat', pieces, { axis }, [{ dtype: full.dtype, shape }]).outputs[0]!;
  }
  return result;
}

/** What the widths leave out of a segment of `full`, cut on the axes before. */
function behind(full: Value, outer: readonly Cut[], axis: number, segment: Segment, widths: Widths): Value {
  const from = plus(segment.offset, lengthOf(segment, widths));
  const to = segment.offset + segment.width * segment.factor;
  const dim = typeof from === 'number' ? to - from : unknownDim(full.graph);
  const range: Range = { axis, from, to, dim };
  if (outer.every(({ segments }) => segments.length === 1))
    return ranges(full, [...outer.map((c) => firstOf(c, widths)), range]);
  return ranges(cut(full, outer, widths), [range]);
}

function firstOf({ axis, segments }: Cut, widths: Widths): Range {
  const [segment] = segments as [Segment];
  return { axis, from: 0, to: lengthOf(segment, widths), dim: segmentDim(segment, widths) };
}

function ranges(x: Value, list: readonly Range[]): Value {
  const { graph } = x;
  const [axes, starts, ends] = [list.map((r) => r.axis), list.map((r) => r.from), list.map((r) => r.to)];
  if (isStatic(list.map((r) => r.dim)))
    return slice(x, axes, starts as readonly number[], ends as readonly number[]);
  const shape = x.shape.map((d, k) => list.find((r) => r.axis === k)?.dim ?? d);
  const inputs = [x, sizesValue(graph, starts), sizesValue(graph, ends), graph.vector(axes)];
  return graph.add('Slice', inputs, {}, [{ dtype: x.dtype, shape }]).outputs[0]!;
}
