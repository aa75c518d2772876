import type * as ort from 'onnxruntime-node';
import { type DType, Graph, type Tensor } from '../graph/graph.ts';
import { encodeOnnx } from '../graph/onnx.ts';
import { identity } from '../ops/elementwise.ts';
import { fromOrt } from './ort-tensors.ts';

/** Reads tensors of ONNX Runtime, wherever they are; it waits for what computes them. */
export interface Reader {
  read(tensors: readonly ort.Tensor[]): Promise<Tensor[]>;
  dispose(): Promise<void>;
}

/**
 * Tensors on a device are read by programs of their own that copy them to the host, one for each list of types and shapes, since
 * asking such a tensor for its numbers ends the process (onnxruntime-node 1.30). `create` makes their sessions.
 */
export function deviceReader(create: (bytes: Uint8Array) => Promise<ort.InferenceSession>): Reader {
  const sessions = new Map<string, Promise<ort.InferenceSession>>();
  const sessionOf = (tensors: readonly ort.Tensor[]) => {
    const key = tensors.map(({ type, dims }) => `${type} ${dims}`).join();
    const known = sessions.get(key) ?? create(copying(tensors));
    sessions.set(key, known);
    return known;
  };
  return {
    async read(tensors) {
      const there = tensors.filter((tensor) => tensor.location !== 'cpu');
      if (there.length === 0) return tensors.map(fromOrt);
      const session = await sessionOf(there);
      const read = await session.run(Object.fromEntries(there.map((tensor, i) => [`x${i}`, tensor])));
      let next = 0;
      return tensors.map((tensor) =>
        fromOrt(tensor.location === 'cpu' ? tensor : (read[`y${next++}`] as ort.Tensor)),
      );
    },
    async dispose() {
      for (const session of sessions.values()) await (await session).release();
    },
  };
}

function copying(tensors: readonly ort.Tensor[]): Uint8Array {
  const graph = new Graph('read');
  for (const [i, { type, dims }] of tensors.entries())
    graph.output(identity(graph.input(`x${i}`, type as DType, dims)), `y${i}`);
  return encodeOnnx(graph);
}
