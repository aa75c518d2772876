import type { Dim } from './graph.ts';

/**
 * Arithmetic on dimensions. Numbers compute; with a symbol the result is a symbol that spells the expression, so that
 * equal expressions compare equal: `mulDim('batch', 4)` is `4*batch`.
 */
export function mulDim(a: Dim, b: Dim): Dim {
  if (typeof a === 'number' && typeof b === 'number') return a * b;
  if (a === 1) return b;
  if (b === 1) return a;
  if (a === 0 || b === 0) return 0;
  return [a, b]
    .map((d) => (typeof d === 'string' && /[+\-/ ]/.test(d) ? `(${d})` : `${d}`))
    .sort()
    .join('*');
}

export function addDim(a: Dim, b: number): Dim {
  if (typeof a === 'number') return a + b;
  if (b === 0) return a;
  const tail = /^(.*?) ([+-]) (\d+)$/.exec(a);
  if (tail) {
    const sum = (tail[2] === '+' ? 1 : -1) * Number(tail[3]) + b;
    return sum === 0 ? tail[1]! : `${tail[1]} ${sum < 0 ? '-' : '+'} ${Math.abs(sum)}`;
  }
  return `${a} ${b < 0 ? '-' : '+'} ${Math.abs(b)}`;
}

/** Sum of dimensions; symbols are kept in order. */
export function sumDims(dims: readonly Dim[]): Dim {
  const known = dims.filter((d) => typeof d === 'number').reduce((a, b) => a + b, 0);
  const symbols = dims.filter((d) => typeof d === 'string');
  if (symbols.length === 0) return known;
  return addDim(symbols.join(' + '), known);
}

export function floorDivDim(a: Dim, b: number): Dim {
  if (typeof a === 'number') return Math.floor(a / b);
  return b === 1 ? a : `floor((${a})/${b})`;
}

/** Product of dimensions, numbers first. */
export function productDims(dims: readonly Dim[]): Dim {
  return dims.reduce<Dim>((a, b) => mulDim(a, b), 1);
}

/** False only when both are numbers that differ: two symbols, or a symbol and a number, may turn out equal. */
export function mayEqual(a: Dim, b: Dim): boolean {
  return typeof a !== 'number' || typeof b !== 'number' || a === b;
}

/** The more informative of two dimensions that must be equal. */
export function unifyDim(a: Dim, b: Dim): Dim {
  return typeof a === 'number' ? a : b;
}

/** The number a symbol expression stands for, given its symbols; undefined when one is missing. */
export function evaluateDim(dim: Dim, symbols: ReadonlyMap<string, number>): number | undefined {
  if (typeof dim === 'number') return dim;
  const direct = symbols.get(dim);
  if (direct !== undefined) return direct;
  let at = 0;
  const source = dim;
  const skip = () => {
    while (source[at] === ' ') at++;
  };
  const sum = (): number | undefined => {
    let left = product();
    for (;;) {
      skip();
      const op = source[at];
      if (op !== '+' && op !== '-') return left;
      at++;
      const right = product();
      left = left === undefined || right === undefined ? undefined : op === '+' ? left + right : left - right;
    }
  };
  const product = (): number | undefined => {
    let left = atom();
    for (;;) {
      skip();
      const op = source[at];
      if (op !== '*' && op !== '/') return left;
      at++;
      const right = atom();
      left = left === undefined || right === undefined ? undefined : op === '*' ? left * right : left / right;
    }
  };
  const atom = (): number | undefined => {
    skip();
    if (source.startsWith('floor(', at)) {
      at += 6;
      const inner = sum();
      skip();
      at++;
      return inner === undefined ? undefined : Math.floor(inner);
    }
    if (source[at] === '(') {
      at++;
      const inner = sum();
      skip();
      at++;
      return inner;
    }
    const word = /^[^\s+\-*/()]+/.exec(source.slice(at))?.[0] ?? '';
    at += word.length || 1;
    return /^\d+$/.test(word) ? Number(word) : symbols.get(word);
  };
  return sum();
}
