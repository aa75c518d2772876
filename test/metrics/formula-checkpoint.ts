import { float32, type Graph } from '../../src/graph/graph.ts';
import { encodeSafetensors } from '../../src/graph/safetensors.ts';
import { batchStatistics, trainableParameters } from '../../src/ops/parameters.ts';
import { weight } from '../support/formula.ts';

/** A state dict as a safetensors file: those parameters of a network that `keep` takes, under the names `rename` gives. */
export function formulaFile(
  graph: Graph,
  keep: (name: string) => boolean = () => true,
  rename: (name: string) => string = (name) => name,
): Uint8Array {
  const values = [...trainableParameters(graph), ...batchStatistics(graph)].filter(({ name }) => keep(name));
  return encodeSafetensors(
    new Map(
      values.map(({ name, shape }) => {
        const theirs = rename(name);
        return [theirs, float32(shape as number[], weight(theirs, shape as number[]))] as const;
      }),
    ),
  );
}
