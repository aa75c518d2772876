import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { toolVersion } from '../util/version.ts';
import type { Catalogue } from './catalogue.ts';
import { latentDirections } from './directions.ts';
import type { Example } from './examples.ts';
import { type DemoModel, sharedCondition } from './models.ts';

/** One file of the site: bytes, or the file that holds them. */
export type SiteFile = { type: string } & ({ path: string } | { bytes: Uint8Array });

/** Every file of the site by its path, "models/0.onnx". What is not in it does not exist. */
export type Site = ReadonlyMap<string, SiteFile>;

/** The page's own files are served as they are written: they need no compiling. */
const pageFolder = fileURLToPath(new URL('../../src/demo/page/', import.meta.url));

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.wasm': 'application/wasm',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.onnx': 'application/octet-stream',
  '.md': 'text/markdown; charset=utf-8',
};

/** So many directions of the latent have a slider. */
const sliders = 8;

/** What ONNX Runtime's two builds load: for the CPU, and for WebGPU. */
const engineFiles = [
  'ort.wasm.min.mjs',
  'ort-wasm-simd-threaded.mjs',
  'ort-wasm-simd-threaded.wasm',
  'ort.webgpu.min.mjs',
  'ort-wasm-simd-threaded.asyncify.mjs',
  'ort-wasm-simd-threaded.asyncify.wasm',
];

/** The page with these networks and examples, whole: it loads nothing from elsewhere. */
export function demoSite(title: string, models: readonly DemoModel[], examples: readonly Example[]): Site {
  const site = new Map<string, SiteFile>();
  const add = (name: string, content: { path: string } | { bytes: Uint8Array }) =>
    site.set(name, { type: types[extname(name)]!, ...content });
  for (const file of readdirSync(pageFolder).filter((name) => /\.(html|css|js|svg)$/.test(name)))
    add(file, { path: join(pageFolder, file) });
  const engine = dirname(createRequire(import.meta.url).resolve('onnxruntime-web'));
  for (const file of engineFiles) add(`ort/${file}`, { path: join(engine, file) });
  for (const [i, { path }] of models.entries()) add(`models/${i}.onnx`, { path });
  for (const [i, { png }] of examples.entries()) if (png) add(`examples/${i}.png`, { bytes: png });
  const catalogue = describe(title, models, examples);
  add('catalogue.json', { bytes: Buffer.from(`${JSON.stringify(catalogue, null, 2)}\n`) });
  return site;
}

function describe(title: string, models: readonly DemoModel[], examples: readonly Example[]): Catalogue {
  const { size, latent } = models[0]!.network;
  const attribution = models.map(({ card }) => card?.data?.attribution).find((text) => text !== undefined);
  const directions = latent > 0 ? directionsOf(models) : undefined;
  return {
    title,
    tool: toolVersion,
    size,
    condition: sharedCondition(models),
    latent,
    ...(directions && { directions }),
    models: models.map(({ name, role, network, range, outputRange, macs, params, bytes, sha256 }, i) => ({
      name,
      role,
      file: `models/${i}.onnx`,
      inputs: network.inputs,
      output: network.output,
      channels: network.image,
      range,
      outputRange,
      macs,
      params,
      bytes,
      sha256,
    })),
    examples: examples.map(({ png, ...example }, i) => ({
      ...example,
      ...(png && { file: `examples/${i}.png` }),
    })),
    ...(attribution && { attribution }),
  };
}

/** Of the largest network, mostly the teacher, since all of them are moved along the same. */
function directionsOf(models: readonly DemoModel[]): number[][] | undefined {
  const { graph, network } = models.at(-1)!;
  return network.inputs.latent && latentDirections(graph, network.inputs.latent.name, sliders);
}
