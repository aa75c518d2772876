import { float32, type Value } from '../graph/graph.ts';
import { matMul } from './matmul.ts';

/** Row-major matrix [rows, columns] of a linear map along one image axis. */
export interface AxisMatrix {
  /** Tells maps apart; matrices with one name in one graph are shared. */
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
  readonly data: Float32Array;
}

/** The matrix with entries `weight` at (row, column), added up where several fall on one place. */
export function axisMatrix(
  name: string,
  rows: number,
  columns: number,
  entries: Iterable<readonly [row: number, column: number, weight: number]>,
): AxisMatrix {
  const data = new Float32Array(rows * columns);
  for (const [r, c, weight] of entries) data[r * columns + c]! += weight;
  return { name: `${name}_${columns}to${rows}`, rows, columns, data };
}

/**
 * Adjoint of y = A·x·Bᵀ on images [N, C, H, W], which is how pooling by averages and interpolation act:
 * dx = Aᵀ·dy·B, two small matrix products.
 */
export function separableAdjoint(dy: Value, a: AxisMatrix, b: AxisMatrix): Value {
  const right = isIdentity(b) ? dy : matMul(dy, constantOf(dy, b, false));
  return isIdentity(a) ? right : matMul(constantOf(dy, a, true), right);
}

function isIdentity({ rows, columns, data }: AxisMatrix): boolean {
  return rows === columns && data.every((v, i) => v === (i % (columns + 1) === 0 ? 1 : 0));
}

function constantOf({ graph }: Value, m: AxisMatrix, turned: boolean): Value {
  if (!turned) return graph.sharedConstant(m.name, () => float32([m.rows, m.columns], m.data));
  return graph.sharedConstant(`${m.name}:t`, () => {
    const data = new Float32Array(m.data.length);
    for (const [i, v] of m.data.entries()) data[(i % m.columns) * m.rows + Math.floor(i / m.columns)] = v;
    return float32([m.columns, m.rows], data);
  });
}
