import type { Dim } from './graph.ts';

/**
 * Arithmetic on dimensions. Numbers compute; with a symbol the result spells the expression in one normal form, so that
 * equal expressions compare equal: `mulDim('batch', 4)` is `4*batch`, `addDim(mulDim(addDim('h', -1), 2), 2)` is `2*h`.
 * A form is a sum `a + 2*b*c + 3`, its constant last; a factor may be `floor(…/n)` or a sum in parentheses.
 */
interface Sum {
  /** Coefficient of each product of symbols, the product spelled with its factors in order. */
  terms: Map<string, number>;
  constant: number;
}

/** Cuts at a separator that stands outside parentheses. */
function cut(text: string, separator: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '(') depth++;
    else if (text[i] === ')') depth--;
    else if (depth === 0 && text.startsWith(separator, i)) {
      parts.push(text.slice(from, i));
      from = i + separator.length;
      i = from - 1;
    }
  }
  return [...parts, text.slice(from)];
}

function parse(dim: Dim): Sum {
  const sum: Sum = { terms: new Map(), constant: 0 };
  if (typeof dim === 'number') return { ...sum, constant: dim };
  for (const part of cut(dim, ' + ')) {
    const [term, ...taken] = cut(part, ' - ');
    for (const number of taken) sum.constant -= Number(number);
    const factors = cut(term!, '*');
    const known = /^-?\d+$/.test(factors[0]!) ? Number(factors.shift()) : 1;
    if (factors.length === 0) sum.constant += known;
    else addTerm(sum, factors.join('*'), known);
  }
  return sum;
}

function addTerm({ terms }: Sum, product: string, coefficient: number): void {
  const total = (terms.get(product) ?? 0) + coefficient;
  if (total === 0) terms.delete(product);
  else terms.set(product, total);
}

function spell({ terms, constant }: Sum): Dim {
  if (terms.size === 0) return constant;
  const text = [...terms].map(([product, k]) => (k === 1 ? product : `${k}*${product}`)).join(' + ');
  if (constant === 0) return text;
  return `${text} ${constant < 0 ? '-' : '+'} ${Math.abs(constant)}`;
}

function scaled({ terms, constant }: Sum, by: number): Sum {
  return { terms: new Map([...terms].map(([product, k]) => [product, k * by])), constant: constant * by };
}

/** One number times symbols: `6*batch*h` is 6 and batch, h. A sum counts as one factor. */
function factored(dim: Dim): { coefficient: number; factors: string[] } {
  const { terms, constant } = parse(dim);
  if (terms.size === 0) return { coefficient: constant, factors: [] };
  const [[product, coefficient]] = [...terms] as [[string, number]];
  if (terms.size > 1 || constant !== 0) return { coefficient: 1, factors: [`(${dim})`] };
  return { coefficient, factors: cut(product, '*') };
}

function product(coefficient: number, factors: readonly string[]): Dim {
  if (coefficient === 0 || factors.length === 0) return coefficient;
  const [only] = factors as [string];
  // A lone sum is multiplied out.
  if (factors.length === 1 && only.startsWith('('))
    return spell(scaled(parse(only.slice(1, -1)), coefficient));
  return spell({ terms: new Map([[[...factors].sort().join('*'), coefficient]]), constant: 0 });
}

/** Product of dimensions. */
export function productDims(dims: readonly Dim[]): Dim {
  const parts = dims.map(factored);
  return product(
    parts.reduce((a, p) => a * p.coefficient, 1),
    parts.flatMap((p) => p.factors),
  );
}

export function mulDim(a: Dim, b: Dim): Dim {
  return productDims([a, b]);
}

/** Sum of dimensions; symbols are kept in order. */
export function sumDims(dims: readonly Dim[]): Dim {
  const sum: Sum = { terms: new Map(), constant: 0 };
  for (const { terms, constant } of dims.map(parse)) {
    sum.constant += constant;
    for (const [product, k] of terms) addTerm(sum, product, k);
  }
  return spell(sum);
}

export function addDim(a: Dim, b: number): Dim {
  return typeof a === 'number' ? a + b : sumDims([a, b]);
}

/** a/b rounded down, for a positive whole b. */
export function floorDivDim(a: Dim, b: number): Dim {
  if (typeof a === 'number') return Math.floor(a / b);
  // What b divides leaves the floor: floor((4*h + n + 5)/2) = 2*h + 2 + floor((n + 1)/2).
  const whole: Sum = { terms: new Map(), constant: 0 };
  const rest: Sum = { terms: new Map(), constant: 0 };
  const { terms, constant } = parse(a);
  for (const [product, k] of terms) addTerm(k % b === 0 ? whole : rest, product, k % b === 0 ? k / b : k);
  whole.constant = Math.floor(constant / b);
  rest.constant = constant - b * whole.constant;
  if (rest.terms.size === 0) return spell(whole);
  return sumDims([spell(whole), floorOf(rest, b)]);
}

function floorOf(sum: Sum, b: number): Dim {
  const common = Math.abs([...sum.terms.values(), sum.constant].reduce(gcd, b));
  const [inner, by] = [spell(scaled(sum, 1 / common)) as string, b / common];
  if (by === 1) return inner;
  // floor((floor(x/n) + c)/b) = floor((x + n*c)/(n*b))
  const [[first, k]] = [...sum.terms] as [[string, number]];
  const nested = floorPattern.exec(first);
  if (sum.terms.size === 1 && k === 1 && nested && cut(first, '*').length === 1) {
    const [x, n] = [nested[1]!, Number(nested[2])];
    return floorDivDim(addDim(unwrapped(x), n * sum.constant), n * b);
  }
  return cut(inner, ' ').length > 1 ? `floor((${inner})/${by})` : `floor(${inner}/${by})`;
}

const floorPattern = /^floor\((.*)\/(\d+)\)$/;

/** A sum without the parentheses around it. `(a + 1)` has them, `(a + 1)*(b + 1)` does not. */
function unwrapped(text: string): string {
  return text.startsWith('(') && cut(text, '*').length === 1 ? text.slice(1, -1) : text;
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

/** Product of `dims` over product of `by`, rounded down; undefined when symbols of `by` are left over. */
export function quotientDims(dims: readonly Dim[], by: readonly Dim[]): Dim | undefined {
  const [above, below] = [factored(productDims(dims)), factored(productDims(by))];
  const left = [...above.factors];
  for (const factor of below.factors) {
    const at = left.indexOf(factor);
    if (at < 0) return undefined;
    left.splice(at, 1);
  }
  return below.coefficient === 0
    ? undefined
    : floorDivDim(product(above.coefficient, left), below.coefficient);
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
  const { terms, constant } = parse(dim);
  let total: number | undefined = constant;
  for (const [term, coefficient] of terms) {
    const values = cut(term, '*').map((factor) => evaluateFactor(factor, symbols));
    if (total === undefined || !values.every((v) => v !== undefined)) return undefined;
    total += values.reduce((a, b) => a * b, coefficient);
  }
  return total;
}

function evaluateFactor(factor: string, symbols: ReadonlyMap<string, number>): number | undefined {
  const floor = floorPattern.exec(factor);
  if (floor) {
    const inner = evaluateDim(unwrapped(floor[1]!), symbols);
    return inner === undefined ? undefined : Math.floor(inner / Number(floor[2]));
  }
  return factor.startsWith('(') ? evaluateDim(factor.slice(1, -1), symbols) : symbols.get(factor);
}
