import {
  constantNumbers,
  float32,
  type Graph,
  int64,
  isStatic,
  type Node,
  type Value,
} from '../graph/graph.ts';
import { prune } from '../graph/prune.ts';
import { add, mul } from '../ops/elementwise.ts';
import { transpose } from '../ops/layout.ts';
import { copyGraph, copyNode, internConstant } from './copy.ts';

/** How a foreign generator takes and makes pictures. */
export interface TeacherForm {
  /** The numbers that black and white have in what it takes. */
  range: readonly [number, number];
  /** The same in what it makes. */
  outputRange: readonly [number, number];
  /** Order of the axes: batch and channels first, or channels last. */
  layout: 'nchw' | 'nhwc';
}

/** What becomes of a batch of a fixed number of pictures. */
export type BatchForm = 'open' | 'fixed';

/** The form all networks of the toolkit have. */
export const ownForm: TeacherForm = { range: [-1, 1], outputRange: [-1, 1], layout: 'nchw' };

/**
 * A generator in the form that training needs: pictures [batch, C, H, W] in [−1, 1] in and out, of any number at a time, first
 * output only; latent vectors and classes are taken as they are. What the form asks for is computed inside the network; a fixed
 * batch is opened where sizes written down in the graph (of Reshape, Expand and Resize) stand for it. Whether it then computes
 * the same for each picture is for the caller to see; with `fixed` the batch stays. Returns the network itself when there is
 * nothing to change.
 */
export function adaptTeacher(
  graph: Graph,
  form: TeacherForm = ownForm,
  batchForm: BatchForm = 'open',
): Graph {
  const [input] = graph.inputs;
  const [output] = graph.outputs;
  const own = input?.shape[0];
  const batch = batchForm === 'open' && typeof own === 'number' ? own : undefined;
  const changed =
    batch !== undefined ||
    form.layout === 'nhwc' ||
    [form.range, form.outputRange].some(([low, high]) => low !== -1 || high !== 1);
  if (!input || !output || !changed) return graph;

  const adapted = copyGraph(graph, {
    input(given, target) {
      const [, ...rest] = given.shape;
      const vector = given.shape.length <= 2;
      const last = !vector && form.layout === 'nhwc';
      const sizes = last ? [rest.at(-1)!, ...rest.slice(0, -1)] : rest;
      const first = batch === undefined ? given.shape[0]! : 'batch';
      const x = target.input(given.name, given.dtype, [first, ...sizes]);
      if (vector) return x;
      const ours = scaled(x, [-1, 1], form.range);
      return last ? transpose(ours, [0, 2, 3, 1]) : ours;
    },
    node: (node, inputs, target) =>
      batch === undefined ? undefined : openedNode(node, inputs, target, batch),
  });
  const made = adapted.outputs[0]!;
  const first = form.layout === 'nhwc' ? transpose(made, [0, 3, 1, 2]) : made;
  const picture = scaled(first, form.outputRange, [-1, 1]);
  adapted.outputs.length = 0;
  if (picture === made) adapted.outputs.push(made);
  else adapted.output(picture, adapted.find('picture') ? picture.name : 'picture');
  return prune(adapted);
}

function scaled(x: Value, from: readonly [number, number], to: readonly [number, number]): Value {
  const gain = (to[1] - to[0]) / (from[1] - from[0]);
  const shift = to[0] - gain * from[0];
  const y = gain === 1 ? x : mul(x, gain);
  return shift === 0 ? y : add(y, shift);
}

/** A node that has the batch among the sizes written down for it, with sizes that follow the batch instead. */
function openedNode(node: Node, inputs: (Value | null)[], target: Graph, batch: number): Value[] | undefined {
  const [x, y] = [node.inputs[0], node.outputs[0]!];
  const withInput = (slot: number, value: Value | null, more: (Value | null)[] = []) => {
    const changed = [...inputs];
    changed.splice(slot, 1 + more.length, value, ...more);
    return copyNode(target, node, changed);
  };
  const vector = (sizes: readonly number[]) => internConstant(target, `i${sizes.join('_')}`, int64(sizes));
  switch (node.op) {
    case 'Reshape': {
      const sizes = constantNumbers(node.inputs[1]);
      const first = sizes?.[0];
      if (!sizes || first === undefined || first < 1) return undefined;
      // 0 copies the batch as it is; −1 is what a batch merged with, or freed of, other axes comes to.
      if (first === batch && x!.shape[0] === batch) return withInput(1, vector([0, ...sizes.slice(1)]));
      const merged = first % batch === 0 && (batch > 1 || x!.shape[0] !== first) && !sizes.includes(-1);
      return merged ? withInput(1, vector([-1, ...sizes.slice(1)])) : undefined;
    }
    case 'Expand': {
      const sizes = constantNumbers(node.inputs[1]);
      const follows = sizes?.length === x!.shape.length && sizes[0] === batch && x!.shape[0] === batch;
      return follows ? withInput(1, vector([1, ...sizes.slice(1)])) : undefined;
    }
    case 'Resize': {
      const sizes = constantNumbers(node.inputs[3]);
      if (!sizes || !isStatic(x!.shape) || !isStatic(y.shape)) return undefined;
      const scales = sizes.map((size, k) => size / (x!.shape[k] as number));
      const name = `${node.name}/scales`;
      return withInput(2, internConstant(target, name, float32([scales.length], scales)), [null]);
    }
    default:
      return undefined;
  }
}
