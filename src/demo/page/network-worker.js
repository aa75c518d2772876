/**
 * One network in a thread of its own. Takes { load } once, then { id, input } for each picture; answers { ready }, then
 * { id, picture, milliseconds }, or { error }.
 *
 * @typedef {{
 *   file: string,
 *   input: string,
 *   output: string,
 *   range: readonly [number, number],
 *   threads: number,
 *   engine: string | null,
 * }} Load
 * @typedef {{ engine: 'webgpu' | 'wasm', threads: number, label: string }} Ready
 */

/** @type {{ run(input: Float32Array, shape: number[]): Promise<Float32Array> } | undefined} */
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
    const picture = await network.run(data.input, data.shape);
    const milliseconds = performance.now() - start;
    self.postMessage({ id: data.id, picture, milliseconds });
  } catch (error) {
    self.postMessage({ id: data.id, error: error instanceof Error ? error.message : String(error) });
  }
};

/** @param {Load} load */
async function open(load) {
  if (load.engine !== 'wasm' && (await hasGpu())) {
    try {
      return await openWith('webgpu', load);
    } catch (error) {
      console.warn('WebGPU cannot run this network, the CPU will', error);
    }
  }
  return openWith('wasm', load);
}

/** A graphics card, not a program that imitates one: that is slower than WebAssembly. */
async function hasGpu() {
  const { gpu } = /** @type {{ gpu?: { requestAdapter(): Promise<any> } }} */ (navigator);
  const adapter = await gpu?.requestAdapter().catch(() => null);
  return Boolean(adapter) && !adapter.isFallbackAdapter && !adapter.info?.isFallbackAdapter;
}

/**
 * @param {'webgpu' | 'wasm'} engine
 * @param {Load} load
 */
async function openWith(engine, { file, input, output, range, threads }) {
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
    /**
     * @param {Float32Array} data
     * @param {number[]} shape
     */
    async run(data, shape) {
      // Pictures are in [−1, 1] here, in the network's range there.
      const scale = (range[1] - range[0]) / 2;
      const taken = data.map((x) => range[0] + (x + 1) * scale);
      const results = await session.run({ [input]: new ort.Tensor('float32', taken, shape) });
      const made = await results[output].getData();
      // A copy: the engine's memory is used again by the next run.
      return made.map((/** @type {number} */ y) => (y - range[0]) / scale - 1);
    },
  };
}
