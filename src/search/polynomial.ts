/** A coefficient and the numbers of the variables it is multiplied by, a squared one twice, ascending. */
export interface Term {
  readonly coefficient: number;
  readonly variables: readonly number[];
}

/** A sum of terms, no two of the same variables. */
export type Polynomial = readonly Term[];

export function sumOf(polynomials: readonly Polynomial[]): Polynomial {
  const terms = new Map<string, Term>();
  for (const { coefficient, variables } of polynomials.flat()) {
    const key = variables.join();
    const sum = coefficient + (terms.get(key)?.coefficient ?? 0);
    terms.set(key, { coefficient: sum, variables });
  }
  return [...terms.values()].filter(({ coefficient }) => coefficient !== 0);
}

export function productOf(polynomials: readonly Polynomial[]): Polynomial {
  return polynomials.reduce<Polynomial>(
    (left, right) =>
      sumOf(
        left.map((a) =>
          right.map((b) => ({
            coefficient: a.coefficient * b.coefficient,
            variables: [...a.variables, ...b.variables].sort((x, y) => x - y),
          })),
        ),
      ),
    [{ coefficient: 1, variables: [] }],
  );
}

/** Exact while coefficients, values and their products are integers below 2^53. */
export function evaluate(polynomial: Polynomial, values: ArrayLike<number>): number {
  let sum = 0;
  for (const { coefficient, variables } of polynomial) {
    let product = coefficient;
    for (const variable of variables) product *= values[variable]!;
    sum += product;
  }
  return sum;
}

/** Text that is equal for equal polynomials. */
export function keyOf(polynomial: Polynomial): string {
  const terms = polynomial.map(({ coefficient, variables }) => `${coefficient}*${variables}`);
  return terms.sort().join(' ');
}

const degree = 3;

/**
 * The polynomial of at most the third degree in each of `count` variables that equals `f` wherever it is one: Newton's
 * divided differences at 1, 2, 3 and 4, which keep integers exact. `f` is called 4^count times.
 */
export function interpolate(f: (values: readonly number[]) => number, count: number): Polynomial {
  const along = (variable: number, fixed: readonly number[]): Polynomial => {
    if (variable === count) return [{ coefficient: f(fixed), variables: [] }];
    let row = Array.from({ length: degree + 1 }, (_, i) => along(variable + 1, [...fixed, i + 1]));
    let basis: Polynomial = [{ coefficient: 1, variables: [] }];
    const parts: Polynomial[] = [];
    for (let order = 1; ; order++) {
      parts.push(productOf([row[0]!, basis]));
      if (order > degree) return sumOf(parts);
      row = row.slice(1).map((next, i) => scaled(sumOf([next, scaled(row[i]!, -1)]), 1 / order));
      basis = productOf([basis, affine(-order, [[1, variable]])]);
    }
  };
  return along(0, []);
}

/** constant + Σ coefficient · variable */
export function affine(
  constant: number,
  parts: Iterable<readonly [coefficient: number, variable: number]>,
): Polynomial {
  return sumOf([
    [
      { coefficient: constant, variables: [] },
      ...[...parts].map(([coefficient, variable]) => ({ coefficient, variables: [variable] })),
    ],
  ]);
}

/** The polynomial with others in the place of its variables. */
export function substitute(polynomial: Polynomial, others: readonly Polynomial[]): Polynomial {
  return sumOf(
    polynomial.map(({ coefficient, variables }) =>
      scaled(productOf(variables.map((variable) => others[variable]!)), coefficient),
    ),
  );
}

function scaled(polynomial: Polynomial, factor: number): Polynomial {
  return polynomial.map(({ coefficient, variables }) => ({ coefficient: coefficient * factor, variables }));
}
