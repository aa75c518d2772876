import { readFileSync } from 'node:fs';
import { checkGraph } from '../graph/check.ts';
import { type Dim, Graph, type Value } from '../graph/graph.ts';
import { decodeOnnx, encodeOnnx, type RawModel } from '../graph/onnx.ts';
import { prune } from '../graph/prune.ts';
import { writeFileAtomic } from '../util/atomic.ts';
import { GanletError } from '../util/errors.ts';
import { fileError } from '../util/file-error.ts';
import { knownOf } from './fold/known.ts';
import { materialise, rename, type Slot } from './import/call.ts';
import { withListAsInput } from './import/convert.ts';
import { joinSlices } from './import/join-slices.ts';
import { resultsOf, unsupported } from './import/results.ts';

/** Opsets whose files can be read. */
const oldest = 11;
const newest = 21;

/**
 * Reads an ONNX model, a file or its bytes, into a graph of our operators at opset 17. Shapes are inferred; what computes
 * shapes, indices and scales is folded into constants; Identity nodes go; Slices that are parts of a Split become one. Names of inputs, outputs, constants, nodes and
 * every value that is left stay as in the file, so that they can be asked for. `file` names bytes in errors.
 *
 * Throws ONNX_INVALID for a truncated, damaged or foreign file, OPSET_UNSUPPORTED outside 11 … 21, OP_UNSUPPORTED for an
 * operator (or a use of one) that is not known, SHAPE_MISMATCH where inputs do not fit, ONNX_UNSUPPORTED for element types,
 * sub-graphs and weights kept in other files; the message names the node. Throws FILE_MISSING and the like for a path.
 */
export function loadOnnx(source: string | Uint8Array, file?: string): Graph {
  const name = file ?? (typeof source === 'string' ? source : 'the model');
  const model = decodeOnnx(typeof source === 'string' ? readBytes(source) : source, name);
  if (!(model.opset >= oldest && model.opset <= newest)) {
    throw new GanletError(
      'OPSET_UNSUPPORTED',
      `${name} must be of opset ${oldest} to ${newest}, it is of ${model.opset}`,
      {
        hint: 'export the model again with opset_version=17, or convert it with onnx.version_converter',
      },
    );
  }
  try {
    return build(model);
  } catch (error) {
    if (error instanceof GanletError)
      throw new GanletError(error.code, `${name}: ${error.message}`, {
        ...(error.hint !== undefined && { hint: error.hint }),
        cause: error,
      });
    throw new GanletError('ONNX_INVALID', `${name} cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** Writes a graph as an ONNX file (opset 17), whole or not at all. Throws as `writeFileAtomic` does. */
export async function saveOnnx(graph: Graph, path: string): Promise<void> {
  await writeFileAtomic(path, encodeOnnx(graph));
}

function readBytes(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw fileError('read', path, error);
  }
}

function build(model: RawModel): Graph {
  const graph = new Graph(model.name);
  for (const [key, value] of model.metadata) graph.metadata.set(key, value);
  const slots = new Map<string, Slot>();
  const define = (slot: Slot) => {
    if (slots.has(slot.name))
      throw new GanletError('ONNX_INVALID', `the name "${slot.name}" must be given once`);
    slots.set(slot.name, slot);
  };
  const symbols = new Map<string, string>();
  for (const { name, type } of model.inputs) {
    if (!type)
      throw new GanletError(
        'ONNX_UNSUPPORTED',
        `input "${name}" must be a tensor with a known type and number of axes`,
      );
    define({
      name,
      value: graph.input(
        name,
        type.dtype,
        type.shape.map((d) => symbolOf(d, symbols)),
      ),
    });
  }
  for (const [name, tensor] of model.constants) {
    // Float constants are weights: kept under their names, never folded away.
    const known = tensor.dtype.startsWith('float') ? undefined : knownOf(tensor);
    define({ name, value: graph.constant(tensor, name), tensor, known, given: true });
  }
  // Names of computed values are set aside, so that no value made up here takes them.
  for (const name of new Set(model.nodes.flatMap((n) => n.outputs))) if (name !== '') graph.unique(name);

  const named = new Set<Value>();
  for (const raw of model.nodes) {
    const inputs = raw.inputs.map((name) => {
      if (name === '') return null;
      const slot = slots.get(name);
      if (!slot)
        throw new GanletError(
          'ONNX_INVALID',
          `${raw.op} "${raw.name}" uses "${name}", which nothing before it computes`,
        );
      return slot;
    });
    if (raw.domain !== '') throw unsupported(raw.op, raw.domain, raw.name);
    const call = withListAsInput({ ...raw, graph, opset: model.opset, inputs, named });
    for (const slot of resultsOf(call)) if (slot.name !== '') define(slot);
  }
  for (const { name } of model.outputs) {
    const slot = slots.get(name);
    if (!slot) throw new GanletError('ONNX_INVALID', `output "${name}" must be computed`);
    graph.output(asOutput(graph, slot));
  }
  joinSlices(prune(graph));
  prune(graph);
  checkGraph(graph);
  return graph;
}

/** Symbols are names: an exporter's "batch-size" must not read as a difference. */
function symbolOf(dim: Dim, symbols: Map<string, string>): Dim {
  if (typeof dim === 'number' || /^[\p{L}_][\p{L}\p{N}_:.]*$/u.test(dim)) return dim;
  let symbol = symbols.get(dim);
  if (symbol === undefined) {
    symbol = `size${symbols.size}:${dim.replace(/[^\p{L}\p{N}_]/gu, '_')}`;
    symbols.set(dim, symbol);
  }
  return symbol;
}

/** A result under its name; what is fed, constant under another name, or already a result is copied. */
function asOutput(graph: Graph, slot: Slot): Value {
  const { name } = slot;
  const value = materialise(graph, slot);
  const free = value.name === name && !graph.outputs.includes(value);
  if (free && (value.node || slot.given)) return value;
  // A constant computed while reading took the name: the copy gets it.
  if (value.tensor && value.name === name) rename(graph, value, graph.unique(`${name}:value`));
  const types = [{ dtype: value.dtype, shape: value.shape }];
  return rename(graph, graph.add('Identity', [value], {}, types).outputs[0]!, name);
}
