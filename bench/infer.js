// npm run bench:infer [-- --rounds 5 --threads 2]
// An exported student against the same network in PyTorch eager: separable ResNet, 9 blocks, batch 1, whole processes in turn.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';

const run = promisify(execFile);
const here = import.meta.dirname;
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    threads: { type: 'string', default: String(availableParallelism()) },
    python: { type: 'string', default: 'python3' },
  },
});
const { rounds, threads, python } = values;
const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];
const folder = mkdtempSync(join(tmpdir(), 'ganlet-bench-'));
try {
  for (const [width, size] of [
    [16, 64],
    [16, 256],
    [32, 256],
  ]) {
    const model = join(folder, `${width}-${size}.onnx`);
    const cli = join(here, '../dist/cli/main.js');
    await run(process.execPath, [
      cli,
      'model',
      'resnet',
      '--base-width',
      String(width),
      '--blocks',
      '9',
      '--separable',
      '--size',
      String(size),
      '--out',
      model,
    ]);
    const pairs = [];
    for (let i = 0; i < Number(rounds); i++) {
      const ours = JSON.parse(
        (await run(process.execPath, [cli, 'profile', model, '--json', '--threads', threads])).stdout,
      ).latency.median;
      const args = [
        '--base-width',
        String(width),
        '--size',
        String(size),
        '--separable',
        '--threads',
        threads,
        '--json',
      ];
      const theirs =
        JSON.parse((await run(python, [join(here, 'pytorch_infer.py'), ...args])).stdout).medianSeconds *
        1000;
      pairs.push([ours, theirs]);
    }
    const ratio = median(pairs.map(([a, b]) => a / b)).toFixed(2);
    const ms = (k) => median(pairs.map((p) => p[k])).toFixed(1);
    console.log(`width ${width}, ${size} px: ganlet ${ms(0)} ms, PyTorch ${ms(1)} ms, ratio ${ratio}`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
