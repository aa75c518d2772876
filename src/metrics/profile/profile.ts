import { stat } from 'node:fs/promises';
import { loadOnnx } from '../../ops/import-onnx.ts';
import { type ProfileOptions, profileGraph } from './graph.ts';
import type { Profile } from './result.ts';

export { type ProfileOptions, profileGraph } from './graph.ts';
export { printProfile } from './print.ts';
export type { LayerProfile, Profile } from './result.ts';

/**
 * The costs of an ONNX file. Throws as `loadOnnx` does for files that cannot be read, and as `profileGraph`.
 */
export async function profileModel(path: string, options: ProfileOptions = {}): Promise<Profile> {
  const graph = loadOnnx(path);
  const { size } = await stat(path);
  return { ...(await profileGraph(graph, options)), name: path, fileBytes: size };
}
