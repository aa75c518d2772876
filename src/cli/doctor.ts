import { access, constants, stat } from 'node:fs/promises';
import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import { dirname, extname } from 'node:path';
import { hasCudaProvider, providers, tryEngine } from '../backend/engines.ts';
import { type TfjsPackage, tfjsPackages } from '../backend/tfjs/load.ts';
import { cacheDir } from '../data/cache-dir.ts';
import { type Answer, askProgram } from '../util/ask.ts';
import { formatBytes } from '../util/format.ts';
import { cudaHint, graphics } from './doctor-devices.ts';
import type { Finding } from './finding.ts';

const enableCpu =
  'install again: npm install; if that does not help, this platform has no build of onnxruntime-node';
const enableAdapter = 'a newer graphics driver: what is there has no adapter that computes';

const enablePackage = {
  openmoji: 'npm install openmoji@17.0.0 (for recipes with data.source openmoji)',
} as const;

/**
 * Looks at what a run needs: Node, the machine, its graphics, ONNX Runtime, whether each engine really computes, packages,
 * the cache folder. Engines and native packages are tried in processes of their own, `timeout` milliseconds
 * each: they may crash or hang.
 */
export async function examine(timeout = 30_000): Promise<Finding[]> {
  const packages = Object.keys(tfjsPackages) as TfjsPackage[];
  const engines: readonly string[] = [...providers, ...packages];
  const tried = await Promise.all(
    ['runtime', ...engines, 'sharp', ...Object.keys(enablePackage)].map(async (what) => {
      const answer = engines.includes(what) ? tryEngine(what, timeout) : ask(what, timeout);
      return [what, await answer] as const;
    }),
  );
  const answers = Object.fromEntries(tried);
  const finding = (name: string, what: string, without: 'missing' | 'broken', enable: string): Finding => {
    const { ok, found } = answers[what]!;
    return ok ? { name, status: 'ok', found } : { name, status: without, found, enable };
  };
  const devices = graphics();
  return [
    node(),
    { name: 'machine', status: 'ok', found: machine() },
    devices,
    finding('onnxruntime-node', 'runtime', 'broken', enableCpu),
    finding('provider cpu', 'cpu', 'broken', enableCpu),
    finding('provider webgpu', 'webgpu', 'missing', devices.enable ?? enableAdapter),
    finding('provider cuda', 'cuda', 'missing', cudaHint(hasCudaProvider())),
    ...packages.map((name) => finding(name, name, 'missing', tfjsPackages[name])),
    finding('sharp', 'sharp', 'broken', 'install again: npm install'),
    ...Object.entries(enablePackage).map(([name, enable]) => finding(name, name, 'missing', enable)),
    await cache(),
  ];
}

/** The findings as lines for people, what is missing with how to have it. */
export function printFindings(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ name }) => name.length));
  return findings
    .map(({ name, status, found, enable }) => {
      const line = `${status.padEnd(7)}  ${name.padEnd(width)}  ${found}\n`;
      return enable === undefined ? line : `${line}${' '.repeat(width + 11)}to enable: ${enable}\n`;
    })
    .join('');
}

/** Runs the probe `what`, the way it ends being an answer as well. */
export function ask(what: string, timeout: number): Promise<Answer> {
  return askProgram(new URL(`./probe${extname(import.meta.url)}`, import.meta.url), what, timeout);
}

function node(): Finding {
  const found = process.versions.node;
  const [major = 0, minor = 0] = found.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return { name: 'node', status: 'ok', found };
  return { name: 'node', status: 'broken', found, enable: 'Node.js 20.19 or newer' };
}

function machine(): string {
  const model = cpus()[0]?.model.trim() || 'unknown processor';
  const memory = `${formatBytes(totalmem())} memory (${formatBytes(freemem())} free)`;
  return `${process.platform} ${process.arch}, ${model}, ${availableParallelism()} cores, ${memory}`;
}

/** Whether the cache folder, or the nearest folder above it that exists, can be written to. */
async function cache(): Promise<Finding> {
  const folder = cacheDir();
  const enable = 'set GANLET_CACHE to a folder that can be written to';
  for (let place = folder; ; place = dirname(place)) {
    try {
      if (!(await stat(place)).isDirectory()) throw new Error(`${place} is no folder`);
      await access(place, constants.W_OK);
      return { name: 'cache', status: 'ok', found: folder };
    } catch (error) {
      const missing = (error as NodeJS.ErrnoException).code === 'ENOENT' && place !== dirname(place);
      if (!missing)
        return { name: 'cache', status: 'broken', found: `${folder} cannot be written to`, enable };
    }
  }
}
