import type { ChannelGroups } from '../compress/groups.ts';
import { unitOf, type WidthSpace, type WidthVector } from '../compress/width-space.ts';
import { type Graph, type Node, sizeOf, type Value } from '../graph/graph.ts';
import { bytesOf, liveValues } from '../metrics/profile/memory.ts';
import { type Macs, nodeMacs, parametersOf, type Symbols, staticShape } from '../ops/cost.ts';
import {
  affine,
  evaluate,
  interpolate,
  keyOf,
  type Polynomial,
  productOf,
  substitute,
  sumOf,
} from './polynomial.ts';

/** What a network costs at one width vector. */
export interface WidthCost {
  macs: Macs;
  params: number;
  /** See `peakActivationBytes`. */
  activationBytes: number;
}

/** The cost of a network as formulas in its widths: exact for every vector, and instant. */
export interface CostModel {
  at(vector: WidthVector): WidthCost;
  /** Multiply-adds alone, `Macs.true`. */
  macs(vector: WidthVector): number;
  params(vector: WidthVector): number;
  activationBytes(vector: WidthVector): number;
}

const conventions = ['true', 'paper', 'paperConv'] as const satisfies (keyof Macs)[];

/**
 * The cost of a network, all of whose groups are at their full width, at any vector of a space: equal to `countMacs`,
 * `countParameters` and `peakActivationBytes` of the narrowed network. Every axis is a sum of group widths, the cost of a node
 * a polynomial in its axes; both are worked out once. `symbols` are the sizes of a picture. Throws SIZE_UNKNOWN.
 */
export function costModel(
  graph: Graph,
  groups: ChannelGroups,
  space: WidthSpace,
  symbols: Symbols,
): CostModel {
  const axes = axisForms(groups, space, symbols);
  const macs = Object.fromEntries(
    conventions.map((convention) => [
      convention,
      sumOf(graph.nodes.map((node) => nodeFormula(node, axes, convention))),
    ]),
  ) as Record<keyof Macs, Polynomial>;
  const { alone, shared } = parameterFormulas(graph, axes);
  const moments = distinct(
    liveValues(graph).map((live) =>
      sumOf(live.map((value) => productOf([affine(bytesOf[value.dtype], []), ...axes(value)]))),
    ),
  );
  const channels = (vector: WidthVector) => vector.map((width, i) => Math.round(width * space[i]!.unit));

  const params = (x: readonly number[]) =>
    evaluate(alone, x) +
    shared.reduce((sum, uses) => {
      const shapes = uses.map((forms) => forms.map((form) => evaluate(form, x)));
      const different = new Map(shapes.map((shape) => [String(shape), shape]));
      return sum + [...different.values()].reduce((n, shape) => n + sizeOf(shape), 0);
    }, 0);
  const peak = (x: readonly number[]) => moments.reduce((most, m) => Math.max(most, evaluate(m, x)), 0);
  return {
    at(vector) {
      const x = channels(vector);
      const counts = conventions.map((convention) => [convention, evaluate(macs[convention], x)]);
      return { macs: Object.fromEntries(counts), params: params(x), activationBytes: peak(x) };
    },
    macs: (vector) => evaluate(macs.true, channels(vector)),
    params: (vector) => params(channels(vector)),
    activationBytes: (vector) => peak(channels(vector)),
  };
}

/** The sizes of a value's axes as formulas in the channels of each entry of a space; constants are read by `user`. */
type AxisForms = (value: Value, user?: Node) => Polynomial[];

function axisForms(groups: ChannelGroups, space: WidthSpace, symbols: Symbols): AxisForms {
  const entryOf = new Map(
    space.flatMap((entry, i) =>
      entry.groups.map((name) => [name, { i, times: unitOf(entry, name) / entry.unit }] as const),
    ),
  );
  return (value, user) => {
    const full = value.tensor ? value.tensor.shape : staticShape(value, symbols);
    return full.map((size, axis) => {
      const segments = groups.segments(value, axis, user) ?? [];
      const open = segments.filter(({ group }) => entryOf.has(group));
      const rest = open.reduce((left, { width, factor }) => left - width * factor, size);
      return affine(
        rest,
        open.map(({ group, factor }) => {
          const { i, times } = entryOf.get(group)!;
          return [factor * times, i];
        }),
      );
    });
  };
}

/**
 * The multiply-adds of a node as a formula, found by counting them for small sizes of those axes that are not fixed. Axes of
 * one formula count as one variable: few operators have more than two.
 */
function nodeFormula(node: Node, axes: AxisForms, convention: keyof Macs): Polynomial {
  const inputs = node.inputs.map((x) => x && { value: x, forms: axes(x, node) });
  const outputs = node.outputs.map((y) => ({ value: y, forms: axes(y) }));
  const forms = new Map<string, { index: number; form: Polynomial }>();
  for (const form of [...inputs, ...outputs].flatMap((place) => place?.forms ?? [])) {
    const key = keyOf(form);
    if (isOpen(form) && !forms.has(key)) forms.set(key, { index: forms.size, form });
  }
  const resized = (
    { value, forms: own }: { value: Value; forms: Polynomial[] },
    sizes: readonly number[],
  ) => ({
    ...value,
    shape: own.map((form) => (isOpen(form) ? sizes[forms.get(keyOf(form))!.index]! : evaluate(form, []))),
  });
  const count = (sizes: readonly number[]) => {
    const { op, name, attributes } = node;
    return nodeMacs({
      op,
      name,
      attributes,
      inputs: inputs.map((x) => x && resized(x, sizes)),
      outputs: outputs.map((y) => resized(y, sizes)),
    })[convention];
  };
  const ones = new Array<number>(forms.size).fill(1);
  if (count(ones) === 0) return [];
  const variables = [...forms.values()].map(({ form }) => form);
  return substitute(interpolate(count, forms.size), variables);
}

/**
 * How many parameters there are: those of constants with one size as one formula; constants of one repeated number, of which
 * each reader takes as many as it needs, as the shapes they may have, equal ones being one constant.
 */
function parameterFormulas(graph: Graph, axes: AxisForms): { alone: Polynomial; shared: Polynomial[][][] } {
  const uses = new Map<Value, Map<string, Polynomial[]>>();
  for (const node of graph.nodes) {
    for (const value of parametersOf(node)) {
      const forms = axes(value, node);
      const known = uses.get(value) ?? new Map<string, Polynomial[]>();
      uses.set(value, known.set(forms.map(keyOf).join(' × '), forms));
    }
  }
  const all = [...uses.values()].map((shapes) => [...shapes.values()]);
  return {
    alone: sumOf(all.filter(({ length }) => length === 1).map(([forms]) => productOf(forms!))),
    shared: all.filter(({ length }) => length > 1),
  };
}

/** The formulas without repetitions, and without those that are smaller than another term by term. */
function distinct(formulas: readonly Polynomial[]): Polynomial[] {
  const unique = [...new Map(formulas.map((formula) => [keyOf(formula), formula])).values()];
  const coefficients = unique.map(
    (formula) => new Map(formula.map((term) => [String(term.variables), term.coefficient])),
  );
  return unique.filter(
    (formula, i) =>
      !coefficients.some(
        (other, j) =>
          j !== i &&
          formula.every(({ coefficient, variables }) => coefficient <= (other.get(String(variables)) ?? 0)),
      ),
  );
}

function isOpen(form: Polynomial): boolean {
  return form.some(({ variables }) => variables.length > 0);
}
