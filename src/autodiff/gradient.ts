import { mayEqual } from '../graph/dims.ts';
import type { Node, Value } from '../graph/graph.ts';
import { showShape, sizeOf } from '../graph/graph.ts';
import { add } from '../ops/elementwise.ts';
import { findOp } from '../ops/index.ts';
import { reshape } from '../ops/layout.ts';
import { reduceSum } from '../ops/reduce.ts';
import { zerosLike } from '../ops/sizes.ts';
import { GanletError } from '../util/errors.ts';

/**
 * Gradients of `loss` with respect to `targets`: adds the backward graph to the loss's graph and returns one value for each
 * target, of the target's shape (zeros where the loss does not depend on it).
 *
 * Only nodes between the targets and the loss are visited. The result is made of differentiable operators, so
 * `gradient(f(gradient(loss, [x])), [w])` is a second derivative. `stopAt` lists values taken as constant on the way.
 *
 * Throws LOSS_NOT_SCALAR when the loss has more than one element, GRADIENT_MISSING when an operator on the path has no rule.
 */
export function gradient(loss: Value, targets: readonly Value[], stopAt: readonly Value[] = []): Value[] {
  if (sizeOf(loss.shape) !== 1)
    throw new GanletError(
      'LOSS_NOT_SCALAR',
      `a loss must be one number, "${loss.name}" has shape ${showShape(loss.shape)}`,
    );
  const { graph } = loss;
  const wanted = dependents(graph.nodes, new Set(targets), new Set(stopAt));
  const arriving = new Map<Value, Value>();
  arriving.set(loss, reshape(graph.scalar(1, loss.dtype), loss.shape));

  return graph.scoped('grad', () => {
    const nodes = graph.nodes.filter((node) => node.outputs.some((y) => wanted.has(y)));
    for (const node of nodes.reverse()) {
      if (node.outputs.some((y) => arriving.has(y))) propagate(node, wanted, arriving);
    }
    return targets.map((target) => arriving.get(target) ?? zerosLike(target));
  });
}

/** Values whose value depends on one of `sources`, the sources included. */
function dependents(
  nodes: readonly Node[],
  sources: ReadonlySet<Value>,
  stop: ReadonlySet<Value>,
): Set<Value> {
  const found = new Set(sources);
  for (const node of nodes) {
    if (!node.inputs.some((x) => x && found.has(x))) continue;
    for (const y of node.outputs) if (!stop.has(y) && y.dtype.startsWith('float')) found.add(y);
  }
  return found;
}

/** Adds the gradients of one node's inputs to what already arrives there. */
function propagate(node: Node, wanted: ReadonlySet<Value>, arriving: Map<Value, Value>): void {
  const op = findOp(node.op);
  if (!op?.gradient) {
    throw new GanletError('GRADIENT_MISSING', `no gradient for operator ${node.op} (node "${node.name}")`, {
      hint: 'take it off the path with stopAt, or replace it in the network',
    });
  }
  const dys = node.outputs.map((y) => arriving.get(y) ?? null);
  const needs = (i: number) => {
    const x = node.inputs[i];
    return !!x && wanted.has(x);
  };
  const dy = dys[0] ?? zerosLike(node.outputs[0]!);
  const dxs = op.gradient({
    node,
    inputs: node.inputs,
    outputs: node.outputs,
    dy,
    dys,
    attributes: node.attributes,
    needs,
  });
  for (const [i, x] of node.inputs.entries()) {
    const raw = dxs[i];
    if (!x || !raw || !needs(i)) continue;
    const dx = unbroadcast(raw, x);
    checkShape(dx, x, node, i);
    const before = arriving.get(x);
    arriving.set(x, before ? add(before, dx) : dx);
  }
}

/** Undoes broadcasting: sums the axes along which `x` was repeated. The one place where it is done. */
function unbroadcast(dx: Value, x: Value): Value {
  if (dx.shape.length === x.shape.length && dx.shape.every((d, i) => d === x.shape[i])) return dx;
  const extra = dx.shape.length - x.shape.length;
  if (extra < 0) return dx;
  const axes = dx.shape.flatMap((d, i) => (i < extra || (x.shape[i - extra] === 1 && d !== 1) ? [i] : []));
  const summed = axes.length > 0 ? reduceSum(dx, axes) : dx;
  return extra > 0 ? reshape(summed, x.shape, x) : summed;
}

function checkShape(dx: Value, x: Value, node: Node, i: number): void {
  const fits = dx.shape.length === x.shape.length && dx.shape.every((d, k) => mayEqual(d, x.shape[k]!));
  if (!fits || dx.dtype !== x.dtype) {
    throw new GanletError(
      'GRADIENT_SHAPE',
      `gradient of ${node.op} "${node.name}" for input ${i} "${x.name}" must be ${x.dtype} ${showShape(x.shape)}, got ${dx.dtype} ${showShape(dx.shape)}`,
    );
  }
}
