import { packedInputs } from '../../compress/pack-condition.ts';
import { type Condition, classesOf, conditionShape, type Source } from '../../data/source.ts';
import { type Graph, showShape, type Value } from '../../graph/graph.ts';
import { type GeneratorInputs, generatorInputs } from '../../models/generator-inputs.ts';
import { inputSymbols, staticShape } from '../../ops/cost.ts';
import { GanletError } from '../../util/errors.ts';

/** What a generator must be given and make. */
export type Task = Pick<Source, 'size' | 'condition' | 'channels'>;

/**
 * Throws MODEL_MISMATCH naming the file unless the network takes the source's conditions, float32 [batch, C, size, size] or of
 * classes [batch, K], those with classes besides with a plane for each (see `packCondition`), and makes its images, [batch, `channels.image`, size, size]; a batch, height or width that is open fits, and
 * so does a latent vector besides. Only the first output counts.
 */
export function checkGenerator(graph: Graph, path: string, task: Task): void {
  const { size, condition, channels } = task;
  const image = [1, channels.image, size, size];
  const inputs = inputsOf(graph);
  if (inputs && takes(graph, inputs, task) && fits(graph, graph.outputs[0], image, size)) return;
  const show = (values: readonly Value[]) =>
    values
      .map(({ dtype, shape }) => `${dtype === 'float32' ? '' : `${dtype} `}${showShape(shape)}`)
      .join(' and ') || 'nothing';
  const [taken, made] = [show(graph.inputs), show(graph.outputs)];
  const wanted = wantedInput(condition, conditionShape(task, 1));
  const text =
    condition.kind === 'image'
      ? `must turn ${wanted} into ${showShape(image)}, it turns ${taken} into ${made}`
      : `must take ${wanted} and make ${showShape(image)}, it takes ${taken} and makes ${made}`;
  throw new GanletError('MODEL_MISMATCH', `${path} ${text}`, { hint: hintFor(graph, inputs, condition) });
}

function inputsOf(graph: Graph): GeneratorInputs | undefined {
  try {
    return generatorInputs(graph);
  } catch {
    return undefined;
  }
}

function takes(graph: Graph, { condition, latent }: GeneratorInputs, task: Task): boolean {
  const wanted = conditionShape(task, 1);
  if (!wanted) return !condition && latentFits(latent);
  return fits(graph, condition, wanted, task.size) && (!latent || latentFits(latent));
}

function latentFits(latent: Value | undefined): boolean {
  return latent?.dtype === 'float32' && latent.shape.length === 2 && typeof latent.shape[1] === 'number';
}

function fits(graph: Graph, value: Value | undefined, wanted: readonly number[], size: number): boolean {
  if (value?.dtype !== 'float32' || typeof value.shape[1] !== 'number') return false;
  try {
    return String(staticShape(value, inputSymbols(graph, { size }))) === String(wanted);
  } catch {
    return false;
  }
}

function wantedInput(condition: Condition, shape: readonly number[] | undefined): string {
  const text = shape ? showShape(shape) : '';
  const besides = classesOf(condition).length > 0 ? ` and ${classesOf(condition).length} of classes` : '';
  switch (condition.kind) {
    case 'image':
      return condition.classes ? `${condition.channels} channels${besides} ${text}` : text;
    case 'labels':
      return `${condition.labels.length} label channels${condition.edges ? ' and one of edges' : ''}${besides} ${text}`;
    case 'class':
      return `one of ${condition.classes.length} classes ${text}`;
    case 'none':
      return 'a latent vector [1, Z] alone';
  }
}

function hintFor(graph: Graph, inputs: GeneratorInputs | undefined, condition: Condition): string {
  const { kind } = condition;
  const input = inputs?.condition;
  const vector = graph.inputs.find(({ shape }) => shape.length === 2);
  if (!inputs && vector)
    return `where ${vector.name} is a latent vector, say so in the network's card: "inputs": {"${vector.name}": "latent"}`;
  if (graph.inputs.some(({ dtype }) => dtype !== 'float32') || graph.outputs[0]?.dtype !== 'float32')
    return 'export it in float32, without the steps that turn bytes into numbers and back';
  if (packedInputs(graph) && classesOf(condition).length === 0)
    return 'it takes a class besides: say of which class each pair is, with data.classes, data.categories or data.columns';
  if (kind === 'image' && input?.shape.length !== 4)
    return 'export the generator alone, with one picture as its input';
  if (!inputs || kind === 'none' || (kind === 'class' && input?.shape.length !== 2) || !input)
    return `take a network for such data${kind === 'none' ? ', its input named latent' : ''}`;
  if (typeof input.shape[1] !== 'number') return 'export it with a fixed number of channels';
  if (typeof input.shape[0] === 'number' && input.shape[0] !== 1)
    return 'export it with an open batch axis (dynamic_axes in PyTorch)';
  if (kind === 'labels') return 'make data.size and the labels those the network was trained with';
  if (kind === 'class') return 'make the classes those the network was trained with';
  return 'make data.size and data.channels those the network was trained with';
}
