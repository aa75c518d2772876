import type { Backend } from '../../backend/backend.ts';
import type { Macs } from '../../ops/cost.ts';
import type { Latency } from './latency.ts';

export interface LayerProfile {
  name: string;
  op: string;
  /** Shape of the first output. */
  shape: readonly number[];
  params: number;
  /** For the whole batch. */
  macs: Macs;
}

interface Port {
  name: string;
  shape: readonly number[];
}

/** What a network costs. */
export interface Profile {
  name: string;
  /** Size of the model file; absent for a graph in memory. */
  fileBytes?: number;
  inputs: Port[];
  outputs: Port[];
  layers: LayerProfile[];
  params: number;
  /** For the whole batch. */
  macs: Macs;
  /** See `peakActivationBytes`. */
  peakActivationBytes: number;
  /** Absent when it was not measured. */
  latency?: Latency;
  engine?: Backend['description'] & { cpu: string };
}
