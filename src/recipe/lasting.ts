import type { TrainConfig } from './training.ts';

/** Keys of a training that leave its networks as they are: what is kept and drawn on the way. */
type Passing = Pick<TrainConfig, 'checkpointSeconds' | 'samples' | 'snapshot'>;

/** The settings of a training that its networks depend on, so that the others may change between two parts of it. */
export function lasting<Config extends Pick<Passing, 'checkpointSeconds'> & Partial<Passing>>(
  config: Config,
): Omit<Config, keyof Passing> {
  const { checkpointSeconds: _, samples: __, snapshot: ___, ...rest } = config;
  return rest;
}
