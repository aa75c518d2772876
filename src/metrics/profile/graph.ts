import { cpus } from 'node:os';
import { onnxruntime, type Provider } from '../../backend/onnxruntime.ts';
import type { Graph } from '../../graph/graph.ts';
import { inputSymbols, layerCosts, staticShape } from '../../ops/cost.ts';
import { needMemory } from '../../util/memory.ts';
import { measureLatency } from './latency.ts';
import { peakActivationBytes } from './memory.ts';
import type { LayerProfile, Profile } from './result.ts';

export interface ProfileOptions {
  /** Side of the input image in pixels where the model leaves it open; 256 when left out. */
  size?: number;
  /** Images at a time where the model leaves it open; 1 when left out. */
  batch?: number;
  /** Timed runs, at least; 0 measures no latency. */
  runs?: number;
  /** 0 means all cores. */
  threads?: number;
  provider?: Provider;
}

/**
 * Parameters, multiply-adds, activation memory and latency of a network, by layer where that makes sense.
 * Throws SIZE_UNKNOWN when an input has an open axis that is neither the batch nor an image side, or when the network
 * cannot take images of that size, MEMORY_SHORT, and PROVIDER_MISSING.
 */
export async function profileGraph(graph: Graph, options: ProfileOptions = {}): Promise<Profile> {
  const { size = 256, batch = 1, runs, threads = 0, provider = 'cpu' } = options;
  const symbols = inputSymbols(graph, { batch, size });
  const layers = layerCosts(graph, symbols).map(({ node, shape, params, macs }) => {
    return { name: node.name, op: node.op, shape, params, macs };
  });
  const sum = (of: (layer: LayerProfile) => number) => layers.reduce((total, layer) => total + of(layer), 0);
  const ports = (values: Graph['inputs']) =>
    values.map((v) => ({ name: v.name, shape: staticShape(v, symbols) }));
  const profile: Profile = {
    name: graph.name,
    inputs: ports(graph.inputs),
    outputs: ports(graph.outputs),
    layers,
    params: sum((layer) => layer.params),
    macs: {
      true: sum(({ macs }) => macs.true),
      paper: sum(({ macs }) => macs.paper),
      paperConv: sum(({ macs }) => macs.paperConv),
    },
    peakActivationBytes: peakActivationBytes(graph, symbols),
  };
  if (runs === 0) return profile;
  if (provider === 'cpu') needMemory(`one run of "${graph.name}"`, profile.peakActivationBytes);
  const backend = onnxruntime({ provider, threads });
  const latency = await measureLatency(graph, backend, { symbols, ...(runs !== undefined && { runs }) });
  const cpu = cpus()[0]?.model.trim() ?? 'unknown';
  return { ...profile, latency, engine: { ...backend.description, cpu } };
}
