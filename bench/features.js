// npm run build && node bench/features.js [--rounds 3 --threads 2 --batch 8 --pictures 32]
// Features of FID's Inception network at 299 px against PyTorch eager: random weights, whole processes in turn.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';

const run = promisify(execFile);
const here = import.meta.dirname;
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    threads: { type: 'string', default: String(availableParallelism()) },
    batch: { type: 'string', default: '8' },
    pictures: { type: 'string', default: '32' },
    python: { type: 'string', default: 'python3' },
    model: { type: 'string' },
  },
});
const { rounds, threads, batch, pictures, python } = values;

if (values.model) await measure(values.model);
else await compare();

async function compare() {
  const folder = mkdtempSync(join(tmpdir(), 'ganlet-bench-'));
  try {
    const model = await writeModel(folder);
    const shared = ['--threads', threads, '--batch', batch, '--pictures', pictures];
    const pairs = [];
    for (let i = 0; i < Number(rounds); i++) {
      const ours = await run(process.execPath, [import.meta.filename, '--model', model, ...shared]);
      const theirs = await run(python, [join(here, 'pytorch_features.py'), ...shared]);
      pairs.push([ours, theirs].map(({ stdout }) => JSON.parse(stdout).millisecondsPerPicture));
    }
    const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];
    const [a, b] = [0, 1].map((k) => median(pairs.map((pair) => pair[k])).toFixed(1));
    const ratio = median(pairs.map(([x, y]) => x / y)).toFixed(2);
    console.log(
      `Inception, 299 px, batch ${batch}, ${threads} threads: ganlet ${a} ms a picture, PyTorch ${b} ms, ratio ${ratio}`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The network with random weights, as `ganlet import inception` would write it. */
async function writeModel(folder) {
  const { inception } = await import('../dist/models/inception.js');
  const { initialise } = await import('../dist/models/init.js');
  const { saveOnnx } = await import('../dist/ops/import-onnx.js');
  const path = join(folder, 'inception.onnx');
  await saveOnnx(initialise(inception(), { init: 'kaiming', seed: 0 }), path);
  return path;
}

/** Times features of 8-bit pictures of the network's size, as PyTorch's side does: no decoding, no resizing. */
async function measure(path) {
  const { openFeatures } = await import('../dist/metrics/networks/extract.js');
  const { knownNetworks } = await import('../dist/metrics/networks/published.js');
  const network = {
    feature: 'inception',
    frechet: 'FD',
    kernel: 'KD',
    path,
    sha256: '',
    ...knownNetworks.inception,
  };
  const extractor = await openFeatures(network, { threads: Number(threads), batch: Number(batch) });
  const side = network.input.size;
  const picture = (i) => {
    const data = Uint8Array.from({ length: 3 * side * side }, (_, k) => (k * (2 * i + 3)) % 251);
    return { data, channels: 3, height: side, width: side };
  };
  const some = Array.from({ length: Number(batch) }, (_, i) => picture(i));
  await extractor.extract(some);
  const start = performance.now();
  let done = 0;
  for (; done < Number(pictures); done += some.length) await extractor.extract(some);
  console.log(JSON.stringify({ millisecondsPerPicture: (performance.now() - start) / done }));
  await extractor.dispose();
}
