import type { OpType } from '../../ops/index.ts';
import { activationKernels } from './activation.ts';
import { convKernels } from './conv.ts';
import { elementwiseKernels } from './elementwise.ts';
import type { Kernel } from './kernel.ts';
import { layoutKernels } from './layout.ts';
import { matMulKernels } from './matmul.ts';
import { normKernels } from './norm.ts';
import { padKernels } from './pad.ts';
import { poolKernels } from './pool.ts';
import { reduceKernels } from './reduce.ts';
import { resizeKernels } from './resize.ts';
import { sizeKernels } from './sizes.ts';

/** How TensorFlow.js computes each operator. An operator that is missing here does not compile. */
export const kernels: Readonly<Record<OpType, Kernel>> = {
  ...activationKernels,
  ...convKernels,
  ...elementwiseKernels,
  ...layoutKernels,
  ...matMulKernels,
  ...normKernels,
  ...padKernels,
  ...poolKernels,
  ...reduceKernels,
  ...resizeKernels,
  ...sizeKernels,
};

/** The kernel of an operator by its ONNX name, or undefined. */
export function findKernel(op: string): Kernel | undefined {
  return Object.hasOwn(kernels, op) ? kernels[op as OpType] : undefined;
}
