import { availableParallelism } from 'node:os';
import { GanletError } from '../../util/errors.ts';
import type { Backend } from '../backend.ts';
import { tfjs } from '../tfjs.ts';
import type { Tf } from './item.ts';

/** Packages of TensorFlow.js, the fastest first, and what each needs. */
export const tfjsPackages = {
  '@tensorflow/tfjs-node-gpu':
    'npm install @tensorflow/tfjs-node-gpu@4.22.0, with an NVIDIA driver, CUDA 11.2 and cuDNN 8.1 (Linux or Windows, x64)',
  '@tensorflow/tfjs-node': 'npm install @tensorflow/tfjs-node@4.22.0 (downloads libtensorflow)',
  '@tensorflow/tfjs': 'npm install @tensorflow/tfjs@4.22.0 (plain JavaScript: slow)',
} as const;
export type TfjsPackage = keyof typeof tfjsPackages;

const slow: TfjsPackage = '@tensorflow/tfjs';

/** How a package is brought in; throws what `import` throws. */
export type Importer = (name: TfjsPackage) => Promise<unknown>;

export interface LoadTfjsOptions {
  /** 0, when left out, means all cores. */
  threads?: number;
  /** Told once where the arithmetic will be slow, and what would make it fast. */
  onWarning?: (message: string) => void;
  /** The packages to try, in this order; all of them when left out. */
  packages?: readonly TfjsPackage[];
  importer?: Importer;
}

/**
 * TensorFlow.js from the first of its packages that loads and computes: `tfjs-node-gpu`, else `tfjs-node`, else the plain one with a
 * warning. Throws TFJS_MISSING, which says for each what is wrong and what to install.
 */
export async function loadTfjs({
  threads = 0,
  onWarning = () => {},
  packages = Object.keys(tfjsPackages) as TfjsPackage[],
  importer = (name) => import(name),
}: LoadTfjsOptions = {}): Promise<Backend> {
  // TensorFlow reads these when it is loaded; its own log lines stand between ours.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  if (threads > 0) {
    process.env.TF_NUM_INTRAOP_THREADS ??= String(threads);
    process.env.TF_NUM_INTEROP_THREADS ??= '1';
  }
  const reasons: { name: TfjsPackage; reason: string }[] = [];
  for (const name of packages) {
    try {
      const tf = await working(name, importer);
      const gpu = usesGpu(tf);
      if (name === slow) onWarning(slowText(reasons));
      if (name === '@tensorflow/tfjs-node-gpu' && !gpu)
        onWarning(`${name} finds no GPU and computes on the processor; it needs CUDA 11.2 and cuDNN 8.1`);
      const count = name === slow ? 1 : Math.min(threads || Number.POSITIVE_INFINITY, availableParallelism());
      return tfjs(tf, { engine: name, provider: gpu ? 'cuda' : 'cpu', threads: count });
    } catch (error) {
      reasons.push({ name, reason: reasonOf(error) });
    }
  }
  const found = reasons.map(({ name, reason }) => `${name} ${reason}`).join('; ');
  throw new GanletError(
    'TFJS_MISSING',
    `backend tfjs needs a package of TensorFlow.js that loads: ${found}`,
    {
      hint: `${tfjsPackages[packages[0]!]}; or use --backend onnxruntime`,
    },
  );
}

/** The module, when it computes relu of two numbers. */
async function working(name: TfjsPackage, importer: Importer): Promise<Tf> {
  const loaded = (await importer(name)) as { default?: Tf } & Tf;
  const tf = typeof loaded.tensor1d === 'function' ? loaded : loaded.default!;
  // Checks of arguments, and advice to install another package.
  tf.enableProdMode();
  await tf.ready();
  const [a, b] = tf.tidy(() => tf.relu(tf.tensor1d([-1, 2])).dataSync());
  if (a !== 0 || b !== 2) throw new Error(`computes wrongly: relu of -1 and 2 is ${a} and ${b}`);
  return tf;
}

function usesGpu(tf: Tf): boolean {
  return (tf.backend() as { isUsingGpuDevice?: boolean }).isUsingGpuDevice === true;
}

function slowText(reasons: readonly { name: string; reason: string }[]): string {
  const others = reasons.map(({ name, reason }) => `${name} ${reason}`).join(', ');
  return `TensorFlow.js computes in plain JavaScript, which is slow${others && ` (${others})`}`;
}

/** Why a package does not load, in one line. */
function reasonOf(error: unknown): string {
  const { code, message } = error as Error & { code?: string };
  if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') return 'is not installed';
  return `does not load: ${String(message ?? error)
    .split('\n')[0]!
    .trim()}`;
}
