import type { Graph, Value } from '../graph/graph.ts';
import { showShape } from '../graph/graph.ts';
import { GanletError } from '../util/errors.ts';

/** What an input of a generator is for. */
export const inputKinds = ['image', 'labels', 'class', 'latent'] as const;
export type InputKind = (typeof inputKinds)[number];

/** The inputs of a generator by what they are for; what it does not take is absent. */
export interface GeneratorInputs {
  /** [batch, C, height, width], or of classes [batch, K]. */
  condition?: Value;
  /** [batch, Z], standard normal. */
  latent?: Value;
}

const latentName = /^(latent|z|noise|style)$/i;
const className = /^(class|classes|class_?labels?|label|category|y|c)$/i;

/** Where a graph carries what its inputs are for. */
const metadataKey = 'ganlet.inputs';

/**
 * Tells a generator's condition from its latent vector. An input with two axes that is named latent, z, noise or style is the
 * latent vector, unless `declareInputs` has said otherwise; the other input is the condition. Throws MODEL_MISMATCH where two
 * are of one kind; a picture and a class are made one condition by `packCondition`.
 */
export function generatorInputs(graph: Graph): GeneratorInputs {
  const [latent, ...latents] = latentInputs(graph);
  const [condition, ...conditions] = graph.inputs.filter(
    (input) => input !== latent && !latents.includes(input),
  );
  if (conditions.length + latents.length > 0) {
    const found = graph.inputs.map(({ name, shape }) => `${name} ${showShape(shape)}`).join(', ');
    throw new GanletError(
      'MODEL_MISMATCH',
      `a generator must take at most one condition and one latent vector, got ${found}`,
      { hint: 'name the latent input "latent", or say in the card which it is: inputs: { <name>: latent }' },
    );
  }
  return { ...(condition && { condition }), ...(latent && { latent }) };
}

/** The inputs that are latent vectors, see `generatorInputs`. */
export function latentInputs(graph: Graph): Value[] {
  return vectorInputs(graph, 'latent', latentName);
}

/** The inputs that are classes, one-hot: those that were declared so, or have two axes and are named class, label, category, y or c. */
export function classInputs(graph: Graph): Value[] {
  return vectorInputs(graph, 'class', className);
}

function vectorInputs(graph: Graph, kind: InputKind, usualName: RegExp): Value[] {
  const declared = declaredInputs(graph);
  return graph.inputs.filter(({ name, shape }) => {
    const said = declared[name];
    return said ? said === kind : shape.length === 2 && usualName.test(name);
  });
}

/** Notes in the graph what its inputs are for, by name, as a card says; copies of the graph keep it. Names it does not have are left out, what was noted before stays. */
export function declareInputs(graph: Graph, kinds: Readonly<Record<string, InputKind>>): Graph {
  const own = Object.fromEntries(
    graph.inputs.flatMap(({ name }) => (kinds[name] ? [[name, kinds[name]] as const] : [])),
  );
  const all = { ...declaredInputs(graph), ...own };
  if (Object.keys(all).length > 0) graph.metadata.set(metadataKey, JSON.stringify(all));
  return graph;
}

/** What `declareInputs` noted; nothing where the note is damaged. */
function declaredInputs(graph: Graph): Readonly<Record<string, string>> {
  try {
    const found: unknown = JSON.parse(graph.metadata.get(metadataKey) ?? '{}');
    return typeof found === 'object' && found !== null ? (found as Record<string, string>) : {};
  } catch {
    return {};
  }
}

/** Length of the latent vector; 0 for a generator without one. Throws MODEL_MISMATCH for one of no fixed length. */
export function latentSize(graph: Graph): number {
  const { latent } = generatorInputs(graph);
  if (!latent) return 0;
  const [, size] = latent.shape;
  if (latent.shape.length === 2 && typeof size === 'number') return size;
  throw new GanletError(
    'MODEL_MISMATCH',
    `the latent input "${latent.name}" must be [batch, Z] of a fixed Z, it is ${showShape(latent.shape)}`,
  );
}
