import type { Backend } from './backend.ts';
import type { Tf } from './tfjs/item.ts';
import { interpret } from './tfjs/program.ts';

export type { Tf };

/** What is known of a TensorFlow.js module besides what it tells itself. */
export interface TfjsOptions {
  /** Name of the package, for cards. */
  engine?: string;
  version?: string;
  /** Where it computes, for cards; by default what the module calls it. */
  provider?: string;
  threads?: number;
}

/**
 * TensorFlow.js as an engine: `tf` is the module of `@tensorflow/tfjs`, `@tensorflow/tfjs-node` or `@tensorflow/tfjs-node-gpu`,
 * which decides where the arithmetic runs. Programs are interpreted node by node. Compiling throws KERNEL_MISSING for an
 * operator it does not compute; running throws RUN_FAILED and MEMORY_SHORT naming the node.
 */
export function tfjs(tf: Tf, options: TfjsOptions = {}): Backend {
  const provider = options.provider ?? tf.getBackend() ?? 'cpu';
  return {
    description: {
      engine: options.engine ?? '@tensorflow/tfjs',
      version: options.version ?? tf.version['tfjs-core'] ?? 'unknown',
      provider,
      threads: options.threads ?? 1,
    },
    remote: provider !== 'cpu',
    async compile(program) {
      await tf.ready();
      return interpret(tf, program);
    },
  };
}
