import { type Graph, type Node, showShape, type Value } from '../graph/graph.ts';
import { findOp } from '../ops/index.ts';
import type { AxisRef, ChannelRelation } from '../ops/op.ts';

/** One axis of known size, each of its positions a number that equals that of every position it is tied to. */
export interface Axis {
  readonly value: Value;
  readonly axis: number;
  readonly size: number;
  /** The reader, where each reader of a constant has the axis for itself (see `isFiller`). */
  readonly user: Node | undefined;
  /** True when an operator says what the axis is tied to: kernel rows and the like stay false. */
  related: boolean;
  /** Why the axis must keep its size and order. */
  readonly reasons: Set<string>;
  /** Number of its first position, before ties are resolved. */
  readonly start: number;
}

export interface TiedAxes {
  /** In the order in which the graph's nodes mention them. */
  readonly axes: readonly Axis[];
  find(value: Value, axis: number, user?: Node): Axis | undefined;
  /** What is at each position of an axis: equal numbers are one and the same channel. */
  positions(axis: Axis): Int32Array;
}

/**
 * Ties the positions of all axes of a graph that must be removed together, as the operators' `channels` relations say:
 * positions, not whole axes, so that parts of a Concat, repeats of a Flatten and blocks of DepthToSpace need no rules of
 * their own. Element-wise operators tie axes of equal size, aligned from the right. Axes that an operator with relations
 * leaves out are those it works along: they keep their size. So do axes of the graph's inputs and outputs.
 */
export function tieAxes(graph: Graph): TiedAxes {
  const axes: Axis[] = [];
  const parent: number[] = [];
  const known = new Map<Value | Node, Map<Value, (Axis | undefined)[]>>();
  const fillers = sharedFillers(graph);

  const at = (value: Value, user: Node | undefined) => {
    const owner = user && fillers.has(value) ? user : value;
    const values = known.get(owner) ?? new Map<Value, (Axis | undefined)[]>();
    const list = values.get(value) ?? new Array<Axis | undefined>(value.shape.length);
    known.set(owner, values.set(value, list));
    return list;
  };
  const axisAt = ({ value, axis }: AxisRef, user?: Node): Axis | undefined => {
    const size = value.shape[axis];
    if (typeof size !== 'number' || isIndex(value)) return undefined;
    const list = at(value, user);
    list[axis] ??= open(value, axis, size, user && fillers.has(value) ? user : undefined);
    return list[axis];
  };
  const open = (value: Value, axis: number, size: number, user: Node | undefined): Axis => {
    const start = parent.length;
    for (let i = 0; i < size; i++) parent.push(start + i);
    const made: Axis = { value, axis, size, user, related: false, reasons: new Set(), start };
    axes.push(made);
    return made;
  };
  const root = (i: number) => {
    while (parent[i] !== i) {
      parent[i] = parent[parent[i]!]!;
      i = parent[i]!;
    }
    return i;
  };
  const join = (a: number, b: number) => {
    const [x, y] = [root(a), root(b)];
    parent[Math.max(x, y)] = Math.min(x, y);
  };
  const fix = (list: readonly (Axis | undefined)[], reason: string) => {
    for (const axis of list) axis?.reasons.add(reason);
  };

  for (const node of graph.nodes) {
    for (const relation of relationsOf(node)) {
      const refs = refsIn(relation);
      const list = refs.map((ref) => axisAt(ref, node));
      for (const axis of list) if (axis) axis.related = true;
      if (relation.kind === 'fixed') fix(list, relation.reason);
      else if (list.includes(undefined) || !fits(relation, list as Axis[])) {
        const sizes = refs.map(({ value, axis }) => value.shape[axis]!);
        fix(list, `${node.op} "${node.name}" ties axes of sizes ${showShape(sizes)}`);
      } else relate(relation, list as Axis[], join);
    }
    for (const ref of left(node)) fix([axisAt(ref, node)], `${node.op} "${node.name}" works along this axis`);
  }
  for (const [what, values] of [
    ['input', graph.inputs],
    ['output', graph.outputs],
  ] as const) {
    for (const value of values) {
      for (const axis of value.shape.keys())
        fix([axisAt({ value, axis })], `network ${what} "${value.name}"`);
    }
  }
  return {
    axes,
    find: (value, axis, user) => known.get(user && fillers.has(value) ? user : value)?.get(value)?.[axis],
    positions: (axis) => Int32Array.from({ length: axis.size }, (_, i) => root(axis.start + i)),
  };
}

/**
 * Constants of one repeated number that several nodes read, such as the ones of instance norms without parameters: sharing
 * them ties nothing, each reader takes as many as it needs.
 */
function sharedFillers(graph: Graph): Set<Value> {
  const readers = new Map<Value, Set<Node>>();
  for (const node of graph.nodes) {
    for (const x of node.inputs) {
      if (!x?.tensor || !x.dtype.startsWith('float')) continue;
      const list = readers.get(x);
      if (list) list.add(node);
      else readers.set(x, new Set([node]));
    }
  }
  const found = new Set<Value>();
  for (const [value, { size }] of readers) if (size > 1 && isFiller(value)) found.add(value);
  return found;
}

function isFiller({ tensor }: Value): boolean {
  const first = tensor!.data[0];
  return Array.prototype.every.call(tensor!.data, (x: number) => x === first);
}

function relationsOf(node: Node): ChannelRelation[] {
  const op = findOp(node.op);
  if (!op) {
    const axes = [...node.inputs, ...node.outputs].flatMap((v) => (v ? axesOf(v) : []));
    return [{ kind: 'fixed', axes, reason: `operator ${node.op} ("${node.name}") is not known` }];
  }
  return op.channels ? op.channels(node) : elementwise(node);
}

/** Integers are sizes, positions and the like, which have no channels. */
function isIndex({ dtype }: Value): boolean {
  return dtype.startsWith('int') || dtype === 'uint8';
}

function elementwise(node: Node): ChannelRelation[] {
  return node.outputs.flatMap((y) =>
    (isIndex(y) ? [] : y.shape).flatMap((size, k): ChannelRelation[] => {
      const refs = node.inputs.flatMap((x): AxisRef[] => {
        const axis = x ? k - y.shape.length + x.shape.length : -1;
        if (!x || axis < 0) return [];
        // A constant's axis of size 1 is there to be repeated, whatever it meets.
        return x.shape[axis] !== 1 || (size === 1 && !x.tensor) ? [{ value: x, axis }] : [];
      });
      // Equal symbols (the batch, the image's side) have no positions to tie.
      const symbolic =
        typeof size === 'string' && refs.every(({ value, axis }) => value.shape[axis] === size);
      return symbolic ? [] : [{ kind: 'tie', axes: [...refs, { value: y, axis: k }] }];
    }),
  );
}

/** Axes of the node's values of which its relations do not speak. Shape reads sizes when the graph runs: any will do. */
function left(node: Node): AxisRef[] {
  const op = findOp(node.op);
  if (!op?.channels || node.op === 'Shape') return [];
  const spoken = new Map<Value, Set<number>>();
  for (const { value, axis } of op.channels(node).flatMap(refsOf)) {
    const axes = spoken.get(value);
    if (axes) axes.add(axis);
    else spoken.set(value, new Set([axis]));
  }
  const all = [...node.inputs, ...node.outputs].flatMap((v) => (v ? axesOf(v) : []));
  return all.filter(({ value, axis }) => value.shape[axis] !== 1 && !spoken.get(value)?.has(axis));
}

function axesOf(value: Value): AxisRef[] {
  return value.shape.map((_, axis) => ({ value, axis }));
}

function refsOf(relation: ChannelRelation): AxisRef[] {
  switch (relation.kind) {
    case 'concat':
      return [relation.whole, ...relation.parts];
    case 'repeat':
      return [relation.from, relation.to];
    default:
      return [...relation.axes];
  }
}

/** The relation's axes that there are; of tied ones, an axis of size 1 beside longer ones is repeated and ties nothing. */
function refsIn(relation: ChannelRelation): AxisRef[] {
  const refs = refsOf(relation).filter(({ value, axis }) => axis >= 0 && axis < value.shape.length);
  if (relation.kind !== 'tie') return refs;
  const longer = refs.filter(({ value, axis }) => value.shape[axis] !== 1);
  return longer.length > 0 ? longer : refs;
}

function fits(relation: ChannelRelation, [first, ...rest]: Axis[]): boolean {
  switch (relation.kind) {
    case 'concat':
      return first!.size === rest.reduce((sum, part) => sum + part.size, 0);
    case 'repeat':
      return first!.size * relation.factor === rest[0]!.size;
    default:
      return rest.every((axis) => axis.size === first?.size);
  }
}

function relate(relation: ChannelRelation, list: Axis[], join: (a: number, b: number) => void): void {
  const [first, ...rest] = list;
  switch (relation.kind) {
    case 'concat': {
      let from = first!.start;
      for (const part of rest) {
        for (let i = 0; i < part.size; i++) join(from + i, part.start + i);
        from += part.size;
      }
      break;
    }
    case 'repeat': {
      const to = rest[0]!;
      for (let i = 0; i < to.size; i++) join(first!.start + Math.floor(i / relation.factor), to.start + i);
      break;
    }
    case 'tie':
      for (const axis of rest) for (let i = 0; i < axis.size; i++) join(first!.start + i, axis.start + i);
  }
}
