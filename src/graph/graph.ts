import { GanletError } from '../util/errors.ts';

export type DType = 'float32' | 'float64' | 'float16' | 'int64' | 'int32' | 'int8' | 'uint8' | 'bool';

/** A size: a number, or the name of one that is known only when the graph runs (`batch`, `width:trunk`). */
export type Dim = number | string;

export interface TensorType {
  readonly dtype: DType;
  /** `undefined` only for a value of a foreign file whose rank could not be inferred. */
  readonly shape: readonly Dim[];
}

export type TensorData =
  | Float32Array
  | Float64Array
  | Uint16Array
  | BigInt64Array
  | Int32Array
  | Int8Array
  | Uint8Array;

/** A constant: `data` in row-major order. float16 keeps its bits in a Uint16Array, bool is a Uint8Array of 0 and 1. */
export interface Tensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TensorData;
}

export type Attribute = number | string | readonly number[] | readonly string[] | Tensor;
export type Attributes = Readonly<Record<string, Attribute>>;

/** One edge of the graph: produced by a node, fed as an input, or constant (`tensor`). */
export interface Value {
  readonly graph: Graph;
  name: string;
  dtype: DType;
  shape: readonly Dim[];
  /** The node that computes it; absent for inputs and constants. */
  node?: Node;
  /** The constant's contents; absent for everything computed or fed. */
  tensor?: Tensor;
}

export interface Node {
  readonly op: string;
  name: string;
  readonly inputs: (Value | null)[];
  readonly outputs: Value[];
  readonly attributes: Attributes;
}

/**
 * A computation: nodes in an order in which they can run, the values fed to it and the values it gives.
 * Constants (ONNX initialisers) are values with a tensor, listed in `constants` by name.
 */
export class Graph {
  name: string;
  readonly nodes: Node[] = [];
  readonly inputs: Value[] = [];
  readonly outputs: Value[] = [];
  readonly constants = new Map<string, Value>();
  /** Free text carried in the file (`metadata_props`). */
  readonly metadata = new Map<string, string>();
  private readonly names = new Map<string, number>();
  private readonly nodeNames = new Map<string, number>();
  private readonly shared = new Map<string, Value>();
  private scope = '';

  constructor(name = 'graph') {
    this.name = name;
  }

  /** Runs `body` with `prefix/` before the names of the nodes it adds, so that listings tell the parts of a step apart. */
  scoped<T>(prefix: string, body: () => T): T {
    const before = this.scope;
    this.scope = `${before}${prefix}/`;
    try {
      return body();
    } finally {
      this.scope = before;
    }
  }

  /** A name no other value has: `base`, else `base_1`, `base_2`, … It counts as taken from now on. */
  unique(base: string): string {
    return distinct(this.names, base);
  }

  /** Declares a value fed at run time. Throws NAME_TAKEN when the name is in use. */
  input(name: string, dtype: DType, shape: readonly Dim[]): Value {
    if (this.names.has(name))
      throw new GanletError('NAME_TAKEN', `graph input names must be unique, "${name}" is taken`);
    const value: Value = { graph: this, name: this.unique(name), dtype, shape };
    this.inputs.push(value);
    return value;
  }

  /** Adds a constant; the tensor is referenced, not copied. */
  constant(tensor: Tensor, name = 'const'): Value {
    const value: Value = {
      graph: this,
      name: this.unique(name),
      dtype: tensor.dtype,
      shape: tensor.shape,
      tensor,
    };
    this.constants.set(value.name, value);
    return value;
  }

  /** The constant called `name`, made by `make` the first time: one for each graph. */
  sharedConstant(name: string, make: () => Tensor): Value {
    let value = this.shared.get(name);
    if (!value || this.constants.get(value.name) !== value) {
      value = this.constant(make(), name);
      this.shared.set(name, value);
    }
    return value;
  }

  /** A scalar, one constant for each distinct number of a type. Throws DTYPE_UNSUPPORTED for float16. */
  scalar(x: number, dtype: DType = 'float32'): Value {
    const digits = Object.is(x, -0) ? '-0' : `${x}`;
    const name = dtype === 'float32' ? `c${digits}` : `c${digits}:${dtype}`;
    return this.sharedConstant(name, () => ({ dtype, shape: [], data: scalarData(x, dtype) }));
  }

  /** An int64 vector (shape, axes, pads), one constant for each distinct list. */
  vector(values: readonly number[]): Value {
    return this.sharedConstant(`i${values.join('_')}`, () => int64(values));
  }

  /** Adds a node whose output types are known; `ops/op.ts` `emit` infers them. */
  add(
    op: string,
    inputs: (Value | null)[],
    attributes: Attributes,
    outputs: readonly (TensorType & { name?: string })[],
    name?: string,
  ): Node {
    const node: Node = {
      op,
      name: distinct(this.nodeNames, this.scope + (name ?? op)),
      inputs,
      outputs: [],
      attributes,
    };
    for (const [i, type] of outputs.entries()) {
      const base = type.name ?? (i === 0 ? `${node.name}:y` : `${node.name}:y${i}`);
      node.outputs.push({ graph: this, name: this.unique(base), dtype: type.dtype, shape: type.shape, node });
    }
    this.nodes.push(node);
    return node;
  }

  /** Renames a value, so that it can be asked for by `find`. Throws NAME_TAKEN when another value has the name. */
  named(value: Value, name: string): Value {
    if (name === value.name) return value;
    if (this.names.has(name))
      throw new GanletError('NAME_TAKEN', `names in a graph must be unique, "${name}" is taken`);
    if (value.tensor) this.constants.delete(value.name);
    value.name = this.unique(name);
    if (value.tensor) this.constants.set(value.name, value);
    return value;
  }

  /** Marks values as results; `name` renames the value. */
  output(value: Value, name = value.name): Value {
    this.outputs.push(this.named(value, name));
    return value;
  }

  /** The value called `name`, or undefined. */
  find(name: string): Value | undefined {
    const constant = this.constants.get(name);
    if (constant) return constant;
    for (const value of this.inputs) if (value.name === name) return value;
    for (const node of this.nodes) for (const value of node.outputs) if (value.name === name) return value;
    return undefined;
  }
}

/** `base` or `base_1`, `base_2`, …, whichever is not among `names`; it is added. */
function distinct(names: Map<string, number>, base: string): string {
  const count = names.get(base);
  if (count === undefined) {
    names.set(base, 0);
    return base;
  }
  for (let i = count + 1; ; i++) {
    const name = `${base}_${i}`;
    if (!names.has(name)) {
      names.set(base, i);
      names.set(name, 0);
      return name;
    }
  }
}

function scalarData(x: number, dtype: DType): TensorData {
  switch (dtype) {
    case 'float32':
      return Float32Array.of(x);
    case 'float64':
      return Float64Array.of(x);
    case 'int64':
      return BigInt64Array.of(BigInt(x));
    case 'int32':
      return Int32Array.of(x);
    case 'int8':
      return Int8Array.of(x);
    case 'float16':
      throw new GanletError(
        'DTYPE_UNSUPPORTED',
        `numbers of type float16 cannot be computed with, got ${x}`,
        {
          hint: 'convert the model to float32',
        },
      );
    default:
      return Uint8Array.of(x);
  }
}

/** Number of elements of a shape of numbers; throws when a dimension is a symbol. */
export function sizeOf(shape: readonly Dim[]): number {
  let n = 1;
  for (const d of shape) {
    if (typeof d !== 'number')
      throw new GanletError(
        'SHAPE_SYMBOLIC',
        `the size of [${shape.join(', ')}] must be known, "${d}" is not`,
      );
    n *= d;
  }
  return n;
}

/** True when every dimension is a number. */
export function isStatic(shape: readonly Dim[]): shape is readonly number[] {
  return shape.every((d) => typeof d === 'number');
}

export function showShape(shape: readonly Dim[]): string {
  return `[${shape.join(', ')}]`;
}

export function float32(shape: readonly number[], data: ArrayLike<number>): Tensor {
  return { dtype: 'float32', shape, data: data instanceof Float32Array ? data : Float32Array.from(data) };
}

/** Integers as int64; beyond its range they become its ends, which mean "to the end" in slices. */
export function int64(values: readonly number[], shape: readonly number[] = [values.length]): Tensor {
  return { dtype: 'int64', shape, data: BigInt64Array.from(values, toInt64) };
}

function toInt64(x: number): bigint {
  const [lo, hi] = [-(2n ** 63n), 2n ** 63n - 1n];
  const whole = BigInt(x);
  return whole < lo ? lo : whole > hi ? hi : whole;
}

/** The numbers of an integer (or float) constant, or undefined when the value is not constant. */
export function constantNumbers(value: Value | null | undefined): number[] | undefined {
  if (!value?.tensor) return undefined;
  return Array.from(value.tensor.data as Iterable<number | bigint>, Number);
}
