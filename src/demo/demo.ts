import { basename, resolve } from 'node:path';
import { GanletError } from '../util/errors.ts';
import { defaultModels } from './default-models.ts';
import { demoExamples } from './examples.ts';
import { demoModels } from './models.ts';
import { demoSite, type Site } from './site.ts';

export interface DemoOptions {
  /** Folders of runs and .onnx files; none takes what `defaultModels` finds. */
  paths: readonly string[];
  /** Side of the pictures in pixels, where networks and cards leave it open. */
  size?: number | undefined;
  /** Hears of test pictures that must be rendered first. */
  onProgress?: (done: number, total: number) => void;
}

/** The demo of some networks, and their names. Throws as `demoModels`, and DEMO_MISSING when there is nothing to show. */
export async function openDemo({
  paths,
  size,
  onProgress,
}: DemoOptions): Promise<{ site: Site; names: string[] }> {
  const shown = paths.length > 0 ? paths : defaultModels();
  if (shown.length === 0) {
    throw new GanletError('DEMO_MISSING', 'there must be a network to show, found no run and no teacher', {
      hint: 'name the folder of a run or an .onnx file',
    });
  }
  const models = await demoModels(shown, size);
  const examples = await demoExamples(models, onProgress);
  const title = [...new Set(shown.map((path) => basename(resolve(path), '.onnx')))].join(', ');
  return { site: demoSite(title, models, examples), names: models.map(({ name }) => name) };
}
