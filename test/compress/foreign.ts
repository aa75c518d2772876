import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { copyGraph, copyNode, internConstant } from '../../src/compress/copy.ts';
import type { ChannelGroups } from '../../src/compress/groups.ts';
import type { Keep } from '../../src/compress/narrow.ts';
import { float32, type Graph, type Node } from '../../src/graph/graph.ts';
import { mul } from '../../src/ops/elementwise.ts';
import { loadOnnx } from '../../src/ops/import-onnx.ts';
import { num } from '../../src/ops/op.ts';
import { rng } from '../../src/util/rng.ts';

const folder = join(import.meta.dirname, '../fixtures/exports');

/** Names of PyTorch's exports, without `.onnx`. */
export const exported = readdirSync(folder)
  .filter((name) => name.endsWith('.onnx'))
  .map((name) => name.slice(0, -5));

export function loadExport(name: string): Graph {
  return loadOnnx(join(folder, `${name}.onnx`));
}

/** Channels of every group that can be narrowed, in random order: all, or a random number of them. */
export function drawn(groups: ChannelGroups, seed: number, all = false): Map<string, number[]> {
  const open = groups.list.filter((group) => group.narrowable);
  return new Map(
    open.map(({ name, width }) => {
      const random = rng(seed, name);
      const order = random.shuffle(Array.from({ length: width }, (_, i) => i));
      return [name, all ? order : order.slice(0, random.int(1, width))];
    }),
  );
}

/** The full network, what products and convolutions read of dropped channels multiplied by zero. */
export function masked(graph: Graph, groups: ChannelGroups, keep: Keep): Graph {
  let count = 0;
  return copyGraph(graph, {
    node(node, inputs, target) {
      const x = node.inputs[0]!;
      const axis = contracted(node);
      const segments = axis === undefined ? undefined : groups.segments(x, axis, node);
      if (!segments?.some(({ group }) => keep.has(group))) return undefined;
      const mask = segments.flatMap(({ group, width, factor }) =>
        Array.from({ length: width * factor }, (_, i) =>
          Number(keep.get(group)?.includes(Math.floor(i / factor)) ?? true),
        ),
      );
      const shape = x.shape.map((_, k) => (k === axis ? mask.length : 1));
      const value = internConstant(target, `mask${count++}`, float32(shape, mask));
      return copyNode(target, node, [mul(inputs[0]!, value), ...inputs.slice(1)]);
    },
  });
}

/** The axis of its first input over which a node sums. */
function contracted({ op, attributes, inputs }: Node): number | undefined {
  if (op === 'Conv' || op === 'ConvTranspose') return num(attributes, 'group', 1) === 1 ? 1 : undefined;
  if (op === 'Gemm') return num(attributes, 'transA', 0) === 1 ? 0 : 1;
  return op === 'MatMul' ? inputs[0]!.shape.length - 1 : undefined;
}
