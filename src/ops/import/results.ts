import type { Value } from '../../graph/graph.ts';
import { GanletError } from '../../util/errors.ts';
import { fold } from '../fold/fold.ts';
import { type Known, knownOf, numbersOf } from '../fold/known.ts';
import { findOp, type OpType } from '../index.ts';
import { num } from '../op.ts';
import { addNode, type Call, optional, refuse, rename, required, type Slot } from './call.ts';
import { converters } from './convert.ts';
import { decompositions } from './decompose.ts';

const hints: Record<string, string> = {
  Upsample: 'Upsample was replaced by Resize in opset 10; export the model again with opset_version=17',
  RandomNormal: 'feed random numbers as an input of the model',
  RandomNormalLike: 'feed random numbers as an input of the model',
  RandomUniform: 'feed random numbers as an input of the model',
  RandomUniformLike: 'feed random numbers as an input of the model',
};

/** What the outputs of a node stand for, in order: constants where they can be computed now, else values of the graph. */
export function resultsOf(call: Call): Slot[] {
  const { op, inputs, outputs } = call;
  if (op === 'Constant') return [constantResult(call)];
  if (op === 'Identity' && inputs[0]) return [copyOf(inputs[0], outputs[0]!)];
  const known = op === 'Shape' ? shapeResult(call) : folded(call);
  if (!known) return convert(call).map((value, i) => ({ name: outputs[i]!, value }));
  let made: Value[] | undefined;
  return known.map((k, i) => ({
    name: outputs[i] ?? '',
    known: k,
    // Symbols are known, but their numbers only when the graph runs: the node is added if one asks for them.
    ...(!numbersOf(k) && {
      make: () => {
        made ??= convert(call);
        return made[i]!;
      },
    }),
  }));
}

/** Another name for a value. A copy of a weight is a weight of its own: exporters write equal parameters once. */
function copyOf(from: Slot, name: string): Slot {
  if (!from.tensor) return { ...from, name };
  return { name, known: from.known, tensor: from.tensor };
}

function constantResult(call: Call): Slot {
  const name = call.outputs[0]!;
  const { value, value_float, value_floats, value_int, value_ints } = call.attributes;
  if (typeof value === 'object' && 'dtype' in value) return { name, known: knownOf(value), tensor: value };
  const floats = typeof value_float === 'number' ? [value_float] : value_floats;
  const whole = typeof value_int === 'number' ? [value_int] : value_ints;
  const items = (floats ?? whole) as number[] | undefined;
  if (!Array.isArray(items)) return refuse(call, 'OP_UNSUPPORTED', 'must hold a tensor, numbers or a number');
  const shape = value_float === undefined && value_int === undefined ? [items.length] : [];
  return { name, known: { dtype: floats ? 'float32' : 'int64', shape, items } };
}

function shapeResult(call: Call): Known[] {
  const slot = call.inputs[0];
  const dims = slot?.known?.shape ?? required(call, 0).shape;
  const end = num(call.attributes, 'end', dims.length);
  const items = dims.slice(num(call.attributes, 'start', 0), end);
  return [{ dtype: 'int64', shape: [items.length], items }];
}

function folded(call: Call): Known[] | undefined {
  const known = call.inputs.map((slot) => slot?.known ?? null);
  if (known.length === 0 || call.inputs.some((slot, i) => slot && !known[i])) return undefined;
  return fold(call.op, known, call.attributes);
}

/** Adds what a node stands for to the graph; its outputs get their names in the file. */
function convert(call: Call): Value[] {
  const results = [converterOf(call)(call)].flat() as Value[];
  for (const [i, name] of call.outputs.entries()) {
    const value = results[i];
    if (!value) return refuse(call, 'OP_UNSUPPORTED', `output ${i} is not supported`);
    if (value.node && !call.named.has(value)) rename(call.graph, value, name);
    call.named.add(value);
  }
  return results.slice(0, call.outputs.length);
}

function converterOf({ op, name }: Call): (call: Call) => Value | readonly Value[] {
  if (Object.hasOwn(converters, op)) return converters[op]!;
  if (Object.hasOwn(decompositions, op))
    return (call) => call.graph.scoped(name, () => decompositions[op]!(call));
  if (findOp(op))
    return (call) =>
      addNode(
        call,
        op as OpType,
        call.inputs.map((_, i) => optional(call, i)),
        call.attributes,
      );
  throw unsupported(op, '', name);
}

export function unsupported(op: string, domain: string, name: string): GanletError {
  const full = domain === '' ? op : `${domain}.${op}`;
  return new GanletError('OP_UNSUPPORTED', `operator ${full} (node "${name}") is not supported`, {
    hint: hints[op] ?? 'replace it in the network by operators of the standard domain, and export again',
  });
}
