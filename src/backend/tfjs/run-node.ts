import type { Node } from '../../graph/graph.ts';
import { fold } from '../../ops/fold/fold.ts';
import { GanletError } from '../../util/errors.ts';
import { failed } from '../failure.ts';
import { fromKnown, type Item, isOnHost, keepItem, known, sizeOfShape, type Tf } from './item.ts';
import { findKernel } from './kernels.ts';

/** Values with more elements than this are computed on the device, whatever they are. */
const hostLimit = 1024;

/**
 * The outputs of one node. Sizes, indices and what is computed from them are small and stay on the host; the rest is computed
 * on the device. Throws RUN_FAILED or MEMORY_SHORT naming the node.
 */
export function runNode(tf: Tf, node: Node, inputs: readonly (Item | null)[]): Item[] {
  const engine = tf.engine();
  engine.startScope(node.name);
  try {
    const outputs = onHost(tf, node, inputs) ?? onDevice(tf, node, inputs);
    for (const item of [...outputs, ...inputs]) if (item) keepItem(tf, item);
    return outputs;
  } catch (cause) {
    // What was laid out for this node dies with its scope.
    for (const item of inputs)
      item?.laid.splice(0, item.laid.length, ...item.laid.filter((l) => l.tensor.kept));
    if (cause instanceof GanletError) throw cause;
    throw failed('TensorFlow.js', `${node.op} "${node.name}" of "${node.outputs[0]!.graph.name}"`, cause);
  } finally {
    engine.endScope();
  }
}

function onDevice(tf: Tf, node: Node, inputs: readonly (Item | null)[]): Item[] {
  const kernel = findKernel(node.op)!;
  const result = kernel({ tf, node, attributes: node.attributes, inputs });
  return 'laid' in result ? [result] : [...result];
}

/** The outputs, when all inputs are on the host and at least one of them is no constant of floats. */
function onHost(tf: Tf, node: Node, inputs: readonly (Item | null)[]): Item[] | undefined {
  const given = inputs.filter((item) => item !== null);
  const small = given.every((item) => isOnHost(item) && sizeOfShape(item.shape) <= hostLimit);
  if (
    !small ||
    !given.some((item) => !item.dtype.startsWith('float') || (item.laid.length === 0 && item.known))
  )
    return undefined;
  const found = fold(
    node.op,
    inputs.map((item) => item && known(tf, item)),
    node.attributes,
  );
  return found?.map(fromKnown);
}
