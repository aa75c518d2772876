// npm run bench [-- --rounds 5 --steps 10 --threads 2]
// The distillation step of ganlet against the same step in PyTorch eager: both as whole processes, in turn, several
// rounds, so that the ratio holds when the machine's speed drifts. Without Python or torch only our own times are shown.
import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { parseArgs, promisify } from 'node:util';

const run = promisify(execFile);
const here = import.meta.dirname;
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    steps: { type: 'string', default: '10' },
    threads: { type: 'string', default: String(availableParallelism()) },
    python: { type: 'string', default: 'python3' },
  },
});
const { rounds, steps, threads, python } = values;

const lastLine = (text) => JSON.parse(text.trim().split('\n').at(-1));
const ours = async (size, ...more) =>
  lastLine((await run(process.execPath, [`${here}/step-worker.js`, size, threads, steps, ...more])).stdout);
const theirs = async (size) => {
  const { stdout } = await run(python, [
    `${here}/pytorch_step.py`,
    '--workload',
    size,
    '--threads',
    threads,
    '--steps',
    steps,
    '--warmup',
    '3',
    '--json',
  ]);
  const { medianSeconds, peakRssMiB } = lastLine(stdout);
  return { median: medianSeconds, peakBytes: peakRssMiB * 2 ** 20 };
};
const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];
const range = (list) => `${Math.min(...list).toFixed(2)}–${Math.max(...list).toFixed(2)}`;

const torch = await run(python, ['-c', 'import torch; print(torch.__version__)']).then(
  (r) => r.stdout.trim(),
  () => undefined,
);
console.log(
  `${threads} threads, ${rounds} rounds of ${steps} steps, ${torch ? `PyTorch ${torch}` : 'PyTorch not found: no comparison'}\n`,
);

for (const [size, batch] of [
  ['64', 4],
  ['128', 1],
]) {
  const rows = [];
  for (let i = 0; i < Number(rounds); i++) {
    const row = { ganlet: await ours(size), cached: await ours(size, 'cached') };
    if (torch) row.pytorch = await theirs(size);
    rows.push(row);
  }
  const seconds = (kind) => median(rows.map((row) => row[kind].median));
  console.log(`workload ${size} px, batch ${batch}, teacher base width 64, student 32`);
  console.log(
    `  ganlet ${(1000 * seconds('ganlet')).toFixed(0)} ms, with the teacher cached ${(1000 * seconds('cached')).toFixed(0)} ms`,
  );
  if (torch) {
    const ratios = (kind) => rows.map((row) => row[kind].median / row.pytorch.median);
    const memory = rows.map((row) => row.ganlet.peakBytes / row.pytorch.peakBytes);
    console.log(`  PyTorch eager ${(1000 * seconds('pytorch')).toFixed(0)} ms`);
    console.log(
      `  step ratio ganlet/pytorch: ${median(ratios('ganlet')).toFixed(2)}  (${range(ratios('ganlet'))})`,
    );
    console.log(
      `  step ratio cached/pytorch: ${median(ratios('cached')).toFixed(2)}  (${range(ratios('cached'))})`,
    );
    console.log(`  peak memory ganlet/pytorch: ${median(memory).toFixed(2)}`);
  }
  console.log();
}
