import { describe, expect, test } from 'vitest';
import { convCases, convTransposeCases } from './cases/conv.ts';
import { checkGradients } from './finite-differences.ts';

describe('x', () => {
  test.each([...convCases, ...convTransposeCases])('$name', checkGradients);
});
