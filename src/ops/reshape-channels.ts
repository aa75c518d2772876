import type { Dim, Node } from '../graph/graph.ts';
import type { ChannelRelation } from './op.ts';

/**
 * How the axes of a reshaped value correspond. Both shapes are cut into runs of equal product: a run of one axis on both
 * sides is the same axis; [C, H, W] against [C·H·W], or the other way round, repeats each channel H·W times; anything else
 * cannot be narrowed.
 */
export function reshapeRelations(node: Node): ChannelRelation[] {
  const x = node.inputs[0]!;
  const y = node.outputs[0]!;
  const relations: ChannelRelation[] = [];
  for (const { from, to } of runs(x.shape, y.shape)) {
    const a = from.filter((i) => x.shape[i] !== 1);
    const b = to.filter((i) => y.shape[i] !== 1);
    if (a.length === 0 && b.length === 0) continue;
    if (a.length === 1 && b.length === 1) {
      relations.push({
        kind: 'tie',
        axes: [
          { value: x, axis: a[0]! },
          { value: y, axis: b[0]! },
        ],
      });
    } else if (b.length === 1 && a.every((i) => typeof x.shape[i] === 'number')) {
      const factor = a.slice(1).reduce((n, i) => n * (x.shape[i] as number), 1);
      relations.push({
        kind: 'repeat',
        from: { value: x, axis: a[0]! },
        to: { value: y, axis: b[0]! },
        factor,
      });
      if (a.length > 1)
        relations.push({
          kind: 'fixed',
          axes: a.slice(1).map((axis) => ({ value: x, axis })),
          reason: `${node.op} "${node.name}" merges this axis into another`,
        });
    } else if (a.length === 1 && b.length > 0 && b.every((i) => typeof y.shape[i] === 'number')) {
      const factor = b.slice(1).reduce((n, i) => n * (y.shape[i] as number), 1);
      const inner = b.slice(1).map((axis) => ({ value: y, axis }));
      relations.push(
        { kind: 'repeat', from: { value: y, axis: b[0]! }, to: { value: x, axis: a[0]! }, factor },
        { kind: 'fixed', axes: inner, reason: `${node.op} "${node.name}" splits this axis off` },
      );
    } else {
      const axes = [...a.map((axis) => ({ value: x, axis })), ...b.map((axis) => ({ value: y, axis }))];
      relations.push({ kind: 'fixed', axes, reason: `${node.op} "${node.name}" splits this axis` });
    }
  }
  return relations;
}

function runs(from: readonly Dim[], to: readonly Dim[]): { from: number[]; to: number[] }[] {
  const out: { from: number[]; to: number[] }[] = [];
  let i = 0;
  let j = 0;
  while (i < from.length || j < to.length) {
    const run = { from: [] as number[], to: [] as number[] };
    out.push(run);
    if (i < from.length && j < to.length && from[i] === to[j]) {
      run.from.push(i++);
      run.to.push(j++);
      continue;
    }
    let left = 1;
    let right = 1;
    do {
      const takeLeft = left <= right ? i < from.length : j >= to.length;
      const d = takeLeft ? from[i] : to[j];
      if (typeof d !== 'number') {
        // Symbols that do not line up: the rest cannot be told apart.
        while (i < from.length) run.from.push(i++);
        while (j < to.length) run.to.push(j++);
        return out;
      }
      if (takeLeft) {
        left *= d;
        run.from.push(i++);
      } else {
        right *= d;
        run.to.push(j++);
      }
    } while (left !== right && (i < from.length || j < to.length));
  }
  return out;
}
