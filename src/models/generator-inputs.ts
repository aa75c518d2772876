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

/** Where a graph carries what its inputs are for. */
const metadataKey = 'ganlet.inputs';

/**
 * Tells a generator's condition from its latent vector. An input with two axes that is named latent, z, noise or style is the
 * latent vector, unless `declareInputs` has said otherwise; the other input is the condition. Throws MODEL_MISMATCH where two
 * are of one kind.
 */
export function generatorInputs(graph: Graph): GeneratorInputs {
  const declared = declaredInputs(graph);
  const isLatent = ({ name, shape }: Value) => {
    const kind = declared[name];
    return kind ? kind === 'latent' : shape.length === 2 && latentName.test(name);
  };
  const [condition, ...conditions] = graph.inputs.filter((input) => !isLatent(input));
  const [latent, ...latents] = graph.inputs.filter(isLatent);
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

/** Notes in the graph what its inputs are for, by name, as a card says; copies of the graph keep it. Names it does not have are left out. */
export function declareInputs(graph: Graph, kinds: Readonly<Record<string, InputKind>>): Graph {
  const own = Object.fromEntries(
    graph.inputs.flatMap(({ name }) => (kinds[name] ? [[name, kinds[name]] as const] : [])),
  );
  if (Object.keys(own).length > 0) graph.metadata.set(metadataKey, JSON.stringify(own));
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
