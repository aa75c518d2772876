import { float32, Graph } from '../graph/graph.ts';
import { relu } from '../ops/activation.ts';
import type { Backend } from './backend.ts';
import { providers } from './engines.ts';
import { onnxruntime, runGraph } from './onnxruntime.ts';
import { loadTfjs, type TfjsPackage, tfjsPackages } from './tfjs/load.ts';

/**
 * A program of its own, `node engine-probe.js <what>`: lets a provider of ONNX Runtime or a package of TensorFlow.js compute relu
 * of two numbers and prints a line of JSON, `{"ok": …, "found": "…"}`. A driver that is not well may crash or hang.
 */
const what = process.argv[2] ?? '';
const answer = await probe(what).catch((error) => ({ ok: false, found: reason(error) }));
process.stdout.write(`${JSON.stringify(answer)}\n`);

async function probe(name: string): Promise<{ ok: boolean; found: string }> {
  const provider = providers.find((known) => known === name);
  if (provider) return compute(onnxruntime({ provider, threads: 1 }));
  if (!(name in tfjsPackages)) throw new Error(`there is no engine ${name}`);
  const warnings: string[] = [];
  const onWarning = (message: string) => warnings.push(message);
  const backend = await loadTfjs({ packages: [name as TfjsPackage], threads: 1, onWarning });
  const { ok, found } = await compute(backend);
  const { version } = backend.description;
  return { ok, found: ok ? [version, found, ...warnings].join(', ') : found };
}

async function compute(backend: Backend): Promise<{ ok: boolean; found: string }> {
  const graph = new Graph('probe');
  graph.output(relu(graph.input('x', 'float32', [2])), 'y');
  const { y } = await runGraph(graph, { x: float32([2], [-1, 2]) }, backend);
  const right = y?.data[0] === 0 && y.data[1] === 2;
  return {
    ok: right,
    found: right ? 'computes' : `computes wrongly: relu of -1 and 2 is ${y?.data.join(' and ')}`,
  };
}

/** What went wrong in one line; of ONNX Runtime's messages the part after the source line that failed. */
function reason(error: Error & { code?: string }): string {
  if (error.code === 'TFJS_MISSING') return error.message.replace(/^.*: @tensorflow\/\S+ (is )?/, '');
  const { message } = error.cause instanceof Error ? error.cause : error;
  return message.split('\n')[0]!.split(' was false. ').at(-1)!.trim();
}
