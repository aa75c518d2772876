import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type DType, float32, int64, type Tensor } from '../../src/graph/graph.ts';
import { fold } from '../../src/ops/fold/fold.ts';
import { FOLD_LIMIT, type Known, knownOf } from '../../src/ops/fold/known.ts';
import { loadOnnx } from '../../src/ops/import-onnx.ts';
import { rng } from '../../src/util/rng.ts';
import { type RawNode, rawModel, runRaw } from './raw-model.ts';

const random = rng(1, 'fold');
const count = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
const whole = (shape: number[], lo = -9, hi = 9) =>
  int64(
    Array.from({ length: count(shape) }, () => random.int(lo, hi)),
    shape,
  );
const real = (shape: number[], lo = -3, hi = 3) =>
  float32(shape, random.fillUniform(new Float32Array(count(shape)), lo, hi));
const bits = (shape: number[]): Tensor => ({
  dtype: 'bool',
  shape,
  data: Uint8Array.from({ length: count(shape) }, () => random.int(0, 1)),
});

type Case = [op: string, inputs: Tensor[], attributes?: RawNode['attributes'], outputs?: number];

const cases: Case[] = [
  ...['Add', 'Sub', 'Mul', 'Max', 'Min', 'Equal', 'Less', 'LessOrEqual', 'Greater', 'GreaterOrEqual'].flatMap(
    (op): Case[] => [
      [op, [whole([2, 3]), whole([3])]],
      [op, [whole([4, 1]), whole([])]],
      [op, [real([2, 3]), real([2, 1])]],
    ],
  ),
  ['Div', [whole([2, 3], -20, 20), whole([3], 1, 5)]],
  ['Div', [real([2, 3]), real([3], 1, 2)]],
  ['Mod', [whole([6], -20, 20), whole([6], 1, 7)]],
  ['Mod', [whole([6], -20, 20), whole([6], -7, -1)]],
  ['Mod', [whole([6], -20, 20), whole([6], 1, 7)], { fmod: 1 }],
  ['Pow', [real([5], 0.5, 2), real([5])]],
  ['Pow', [real([5]), float32([], [2])]],
  ...['And', 'Or'].map((op): Case => [op, [bits([3, 2]), bits([2])]]),
  ['Not', [bits([5])]],
  ['Where', [bits([3, 2]), whole([2]), whole([3, 1])]],
  ['Where', [bits([3]), real([3]), real([])]],
  ...['Neg', 'Abs'].flatMap((op): Case[] => [
    [op, [whole([5])]],
    [op, [real([5])]],
  ]),
  ...['Floor', 'Ceil', 'Exp'].map((op): Case => [op, [real([7])]]),
  ['Round', [float32([8], [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 0.4, 2.6])]],
  ...['Sqrt', 'Log', 'Reciprocal'].map((op): Case => [op, [real([7], 0.5, 3)]]),
  ['Cast', [real([6])], { to: 7 }],
  ['Cast', [whole([6])], { to: 1 }],
  ['Cast', [whole([6], 0, 1)], { to: 9 }],
  ['Cast', [bits([6])], { to: 6 }],
  ['Cast', [real([6])], { to: 11 }],
  ['ReduceSum', [whole([2, 3]), int64([1])], { keepdims: 0 }],
  ['ReduceSum', [whole([2, 3])]],
  ['ReduceProd', [whole([2, 3], 1, 4)], { axes: [-1] }],
  ['ReduceProd', [whole([4], 1, 4)], { keepdims: 0 }],
  ['ReduceMax', [whole([2, 3])], { axes: [0], keepdims: 0 }],
  ['ReduceMin', [real([2, 3])], { axes: [0] }],
  ['ReduceMean', [real([2, 3])], { axes: [1] }],
  ['Reshape', [whole([2, 6]), int64([3, -1])]],
  ['Reshape', [whole([2, 6]), int64([0, 2, 3])]],
  ['Flatten', [whole([2, 3, 2])], { axis: 2 }],
  ['Flatten', [whole([2, 3, 2])], { axis: -3 }],
  ['Squeeze', [whole([1, 3, 1]), int64([-1])]],
  ['Squeeze', [whole([1, 3, 1])]],
  ['Unsqueeze', [whole([3]), int64([0, -1])]],
  ['Transpose', [whole([2, 3, 4])]],
  ['Transpose', [whole([2, 3, 4])], { perm: [1, 2, 0] }],
  ['Gather', [whole([5]), int64([2, -1])]],
  ['Gather', [whole([5]), int64([3], [])]],
  ['Gather', [whole([2, 4]), int64([3, 0, 1, 1], [2, 2])], { axis: 1 }],
  ['Slice', [whole([4, 5]), int64([1]), int64([100])]],
  ['Slice', [whole([4, 5]), int64([-1, 0]), int64([-100, 5]), int64([0, 1]), int64([-1, 2])]],
  ['Slice', [whole([5]), int64([-3]), int64([2 ** 63]), int64([0])]],
  ['Slice', [whole([5]), int64([3]), int64([1]), int64([0])]],
  ['Concat', [whole([2, 1]), whole([2, 3]), whole([2, 2])], { axis: 1 }],
  ['Concat', [whole([2]), whole([1])], { axis: -1 }],
  ['Split', [whole([5]), int64([2, 3])], { axis: 0 }, 2],
  ['Split', [whole([2, 4]), int64([1, 2, 1])], { axis: -1 }, 3],
  ['Expand', [whole([3, 1]), int64([2, 1, 4])]],
  ['Expand', [whole([2, 3]), int64([1])]],
  ['Tile', [whole([2, 3]), int64([2, 2])]],
  ['ConstantOfShape', [int64([2, 2])], { value: int64([7]) }],
  ['ConstantOfShape', [int64([3])]],
  ['Range', [int64([3], []), int64([-8], []), int64([-3], [])]],
  ['Range', [float32([], [0]), float32([], [1]), float32([], [0.3])]],
  ['Size', [whole([2, 3])]],
  ['NonZero', [whole([3, 4], 0, 1)]],
  ['Identity', [whole([2])]],
];

/** The model of one node all of whose inputs are Constant nodes. */
function modelOf([op, inputs, attributes, outputs = 1]: Case) {
  const names = Array.from({ length: outputs }, (_, i) => `y${i}`);
  return {
    opset: 17,
    inputs: { x: [1] },
    nodes: [
      ...inputs.map((value, i) => ({ op: 'Constant', in: [], out: [`c${i}`], attributes: { value } })),
      { op, in: inputs.map((_, i) => `c${i}`), out: names, ...(attributes && { attributes }) },
    ],
    outputs: names,
  };
}

describe('a node whose inputs are constant is computed while reading, as the engine computes it', () => {
  test.each(cases.map((c, i) => [`${c[0]} (${i})`, c] as const))('%s', async (_, c) => {
    const bytes = rawModel(modelOf(c));
    const expected = await runRaw(bytes, { x: float32([1], [0]) });
    const graph = loadOnnx(bytes);
    expect(graph.nodes.map((n) => n.op)).toEqual(graph.outputs.map(() => 'Identity'));
    for (const output of graph.outputs) {
      const constant = output.node!.inputs[0]!;
      const { dtype, shape, data } = expected[output.name]!;
      expect([constant.dtype, constant.shape]).toEqual([dtype, shape]);
      const numbers = (d: Tensor['data']) => Array.from(d as Iterable<number | bigint>, Number);
      expect(numbers(constant.tensor!.data)).toBeAllclose(numbers(data), { atol: 1e-7, rtol: 2e-7 });
    }
  });
});

const known = (items: Known['items'], shape: number[] = [items.length], dtype: DType = 'int64'): Known => ({
  dtype,
  shape,
  items,
});

describe('sizes that are symbols', () => {
  const h = known(['h']);
  const two = known([2]);
  const folded = (op: string, inputs: Known[], attributes = {}) => fold(op, inputs, attributes)?.[0]?.items;

  test('are added to, multiplied and divided by numbers', () => {
    expect(folded('Add', [h, two])).toEqual(['h + 2']);
    expect(folded('Add', [two, h])).toEqual(['h + 2']);
    expect(folded('Sub', [h, two])).toEqual(['h - 2']);
    expect(folded('Sub', [h, h])).toEqual([0]);
    expect(folded('Mul', [known(['h', 'w']), two])).toEqual(['2*h', '2*w']);
    expect(folded('Div', [known(['4*h']), two])).toEqual(['2*h']);
  });

  test('survive a detour through floating point numbers', () => {
    const float = fold('Cast', [h], { to: 'float32' })![0]!;
    const twice = fold('Mul', [float, known([2], [1], 'float32')], {})![0]!;
    expect(folded('Cast', [fold('Floor', [twice], {})![0]!], { to: 'int64' })).toEqual(['2*h']);
  });

  test('are never negative, and equal to themselves', () => {
    expect(folded('Equal', [known(['h', 'h', 'w']), known([-1, 'h', 'w'])])).toEqual([0, 1, 1]);
    expect(folded('Where', [known([0, 1], [2], 'bool'), known([1, 1]), known(['h', 'w'])])).toEqual(['h', 1]);
  });

  test('are left to the engine where a rule would need their numbers', () => {
    expect(folded('Sub', [two, h])).toBeUndefined();
    expect(folded('Mul', [h, known([1.5], [1], 'float32')])).toBeUndefined();
    expect(folded('Equal', [h, two])).toBeUndefined();
    expect(folded('Max', [h, two])).toBeUndefined();
    expect(folded('Sqrt', [h])).toBeUndefined();
    expect(folded('ReduceProd', [known(['h', 2])])).toBeUndefined();
    expect(folded('ConstantOfShape', [h])).toBeUndefined();
  });
});

describe('what is large or not well formed is left to the engine', () => {
  test('large tensors', () => {
    expect(knownOf(float32([FOLD_LIMIT + 1], new Float32Array(FOLD_LIMIT + 1)))).toBeUndefined();
    expect(fold('ConstantOfShape', [known([1e9])], {})).toBeUndefined();
    expect(fold('Expand', [known([1]), known([1e6, 1e6])], {})).toBeUndefined();
    expect(fold('Range', [known([0], []), known([1e9], []), known([1], [])], {})).toBeUndefined();
    expect(fold('Tile', [known([1]), known([1e9])], {})).toBeUndefined();
  });

  test('division by zero, positions out of range, shapes that do not fit', () => {
    expect(fold('Div', [known([1]), known([0])], {})).toBeUndefined();
    expect(fold('Gather', [known([1, 2]), known([2])], { axis: 0 })).toBeUndefined();
    expect(fold('Reshape', [known([1, 2]), known([3])], {})).toBeUndefined();
    expect(fold('Concat', [known([1]), known([1], [1, 1])], { axis: 1 })).toBeUndefined();
    expect(fold('Add', [known([1, 2]), known([1, 2, 3])], {})).toBeUndefined();
  });

  test('any operator with any arguments', () => {
    const operand = fc.record({
      dtype: fc.constantFrom<DType>('int64', 'float32', 'bool'),
      shape: fc.array(fc.nat(3), { maxLength: 3 }),
      fill: fc.oneof(fc.integer({ min: -3, max: 5 }), fc.constantFrom('h', 'w')),
    });
    const ops = [...new Set(cases.map(([op]) => op))];
    fc.assert(
      fc.property(
        fc.constantFrom(...ops),
        fc.array(operand, { maxLength: 4 }),
        fc.integer({ min: -4, max: 4 }),
        (op, operands, axis) => {
          const inputs = operands.map(({ dtype, shape, fill }) =>
            known(new Array(count(shape)).fill(fill), shape, dtype),
          );
          for (const result of fold(op, inputs, { axis, axes: [axis], to: 'int64', perm: [axis, 0] }) ?? []) {
            expect(result.items.length).toBe(count(result.shape) + 0);
            expect(result.items).not.toContain(undefined);
          }
        },
      ),
      { numRuns: 3000 },
    );
  });
});
