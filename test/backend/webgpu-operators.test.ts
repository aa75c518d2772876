import { describe, test } from 'vitest';
import { engineCases, expectSame } from './engine-cases.ts';
import { webgpu, webgpuWorks, wholeWebgpu } from './software-webgpu.ts';

/** Sines by the instruction of a graphics card, which is far from exact. */
const tolerances: Readonly<Record<string, number>> = { Sin: 2e-4, Cos: 2e-4 };

describe.skipIf(!webgpuWorks).each(engineCases)('WebGPU: $of', ({ of, cases, gradient }) => {
  // The share: of each operator its first case.
  const tested = wholeWebgpu ? cases : cases.slice(0, 1);
  test.each(tested)(`$name${gradient ? ' and its gradient are' : ' is'} the same as on the CPU`, (c) =>
    expectSame(webgpu, c, { gradient, tolerance: tolerances[of] ?? 1e-5 }),
  );
});
