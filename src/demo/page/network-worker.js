import { toFeeds } from './feeds.js';

/** @import { CatalogueModel } from '../catalogue.ts' */
/** @import { Question } from './feeds.js' */

/**
 * One network in a thread of its own. Takes { load } once, then { id, question } for each picture; answers { ready }, then
 * { id, picture, milliseconds }, or { error }.
 *
 * @typedef {Pick<CatalogueModel, 'file' | 'inputs' | 'output' | 'range' | 'outputRange'> & {
 *   threads: number,
 *   engine: string | null,
 * }} Load `engine`: wasm or webgpu, where the address of the page names one
 * @typedef {{ engine: 'webgpu' | 'wasm', threads: number, label: string }} Ready
 */

/** @type {{ run(question: Question): Promise<Float32Array> } | undefined} */
let network;

self.onmessage = async ({ data }) => {
  try {
    if (data.load) {
      const { run, ready } = await open(data.load);
      network = { run };
      self.postMessage({ ready });
      return;
    }
    if (!network) throw new Error('the network is not loaded yet');
    const start = performance.now();
    const picture = await network.run(data.question);
    const milliseconds = performance.now() - start;
    self.postMessage({ id: data.id, picture, milliseconds });
  } catch (error) {
    self.postMessage({ id: data.id, error: error instanceof Error ? error.message : String(error) });
  }
};

/** @param {Load} load */
async function open(load) {
  if (load.engine !== 'wasm' && (await hasGpu(load.engine === 'webgpu'))) {
    try {
      return await openWith('webgpu', load);
    } catch (error) {
      console.warn('WebGPU cannot run this network, the CPU will', error);
    }
  }
  return openWith('wasm', load);
}

/**
 * A graphics card; a program that imitates one is slower than WebAssembly.
 *
 * @param {boolean} imitated whether it will do, too
 */
async function hasGpu(imitated) {
  const { gpu } = /** @type {{ gpu?: { requestAdapter(): Promise<any> } }} */ (navigator);
  const adapter = await gpu?.requestAdapter().catch(() => null);
  if (!adapter) return false;
  return imitated || (!adapter.isFallbackAdapter && !adapter.info?.isFallbackAdapter);
}

/**
 * @param {'webgpu' | 'wasm'} engine
 * @param {Load} load
 */
async function openWith(engine, { threads, ...model }) {
  const { file, output, outputRange } = model;
  const folder = new URL('ort/', import.meta.url).href;
  const ort = await import(`${folder}ort.${engine}.min.mjs`);
  ort.env.wasm.wasmPaths = folder;
  ort.env.wasm.numThreads = threads;
  ort.env.logLevel = 'error';
  const session = await ort.InferenceSession.create(new URL(file, import.meta.url).href, {
    executionProviders: [engine],
    graphOptimizationLevel: 'all',
  });
  /** @type {Ready} */
  const ready = {
    engine,
    threads: engine === 'wasm' ? threads : 1,
    label: engine === 'webgpu' ? 'WebGPU' : `WebAssembly, ${threads} ${threads === 1 ? 'thread' : 'threads'}`,
  };
  return {
    ready,
    /** @param {Question} question */
    async run(question) {
      const feeds = Object.entries(toFeeds(model, question)).map(([name, { type, data, shape }]) => [
        name,
        new ort.Tensor(type, data, shape),
      ]);
      const results = await session.run(Object.fromEntries(feeds));
      const made = await results[output].getData();
      // Pictures are in [−1, 1] here, in the network's range there. A copy: the engine's memory is used again by the next run.
      const scale = (outputRange[1] - outputRange[0]) / 2;
      return made.map((/** @type {number} */ y) => (y - outputRange[0]) / scale - 1);
    },
  };
}
