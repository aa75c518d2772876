import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sampleSheet } from '../../src/data/sheet.ts';
import type { MeasuredModel, MetricsFile } from '../../src/pipeline/measure/metrics-file.ts';
import { sha256File } from '../../src/util/hash.ts';
import { rng } from '../../src/util/rng.ts';
import { writeGenerator } from '../demo/tiny-models.ts';

const size = 16;
export const attribution = 'Pictures by <Somebody>, CC BY 4.0';

interface RunOptions {
  /** Configurations that a search has evaluated. */
  candidates?: number;
  /** Pixels of the pictures in comparison.png. */
  pictures?: number;
  /** Measured by a Fréchet distance too. */
  frechet?: boolean;
  /** Hash of the data it was measured on. */
  data?: string;
}

/** Writes the folder of a finished run with everything a report can show; the networks in it are untrained. */
export async function writeReportRun(
  folder: string,
  { candidates = 0, pictures = size, frechet = false, data = 'd1' }: RunOptions = {},
): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const widths = { teacher: 8, naive: 4, student: 4 } as const;
  const models: MeasuredModel[] = [];
  for (const [i, role] of (['teacher', 'naive', 'student'] as const).entries()) {
    const card = {
      role,
      seed: 7,
      tool: 'ganlet 0.1.0',
      data: { source: 'openmoji', hash: 'd1', attribution },
    };
    const separable = role === 'naive';
    const path = await writeGenerator(folder, { name: role, baseWidth: widths[role], size, separable, card });
    const spread = (mean: number) => ({ mean, sd: 1, count: 5 });
    models.push({
      role,
      file: `${role}.onnx`,
      sha256: await sha256File(path),
      params: 100_000 / (i + 1),
      macs: { true: 8e6 / (i + 1), paper: 9e6 / (i + 1) },
      bytes: 4000,
      latencyMs: 12 / (i + 1),
      latencySpreadMs: [1, 2],
      truth: { ssim: spread([0.9, 0.7, 0.85][i]!), psnr: { ...spread(20 - i), identical: 0 } },
      samples: 5,
      ...(frechet && { distributions: [frechetOf(role, [12.5, 20.25, 14][i]!)] }),
    });
  }
  const metrics: MetricsFile = {
    models,
    split: 'test',
    count: 5,
    size: pictures,
    data: { source: 'openmoji', hash: data },
    ...(frechet && {
      features: { feature: 'emoji-64', network: 'abcdef0123456789ff', preprocessing: 'none' },
    }),
    backend: { engine: 'onnxruntime-node', version: '1.30.0', provider: 'cpu', threads: 2, cpu: 'A <CPU>' },
  };
  writeFileSync(join(folder, 'metrics.json'), JSON.stringify(metrics));
  writeFileSync(join(folder, 'recipe.yaml'), 'name: made-up # </pre><script>alert(1)</script>\n');
  const columns = ['condition', 'truth', 'teacher', 'naive', 'student'].map((title) => {
    const images = Buffer.concat([0, 1, 2].map((row) => pictureOf(title, row, pictures)));
    return { title, images: new Uint8Array(images) };
  });
  await sampleSheet(columns, pictures, join(folder, 'comparison.png'));
  for (const training of ['distill', 'naive', 'supernet']) {
    mkdirSync(join(folder, training), { recursive: true });
    const lines = Array.from({ length: 20 }, (_, i) => ({
      step: 10 * (i + 1),
      recon: 1 / (i + 1),
      gan: 0.5,
      lr: 0.001,
      ...(training === 'supernet' && { smallestRecon: 3 - i / 20, largestRecon: 2 - i / 20 }),
    }));
    writeFileSync(
      join(folder, training, 'stats.jsonl'),
      lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
    );
  }
  if (candidates > 0) writeCandidates(folder, candidates);
}

function frechetOf(role: string, value: number): NonNullable<MeasuredModel['distributions']>[number] {
  return {
    metric: 'frechet',
    label: 'FD-emoji-64',
    feature: 'emoji-64',
    dimension: 64,
    value,
    sd: null,
    countReal: 300,
    countMade: 5,
    floor: 1.5,
    realVsReal: null,
    details: {},
    ...(role !== 'teacher' && { overTeacher: { value: value - 12.5, low: 1, high: 2.25, level: 0.95 } }),
  };
}

/** One picture of the run's comparison: noise, height × width × 3. */
export function pictureOf(title: string, row = 0, side = size): Uint8Array {
  const random = rng(3, title, row);
  return Uint8Array.from({ length: side * side * 3 }, () => random.int(0, 255));
}

function writeCandidates(folder: string, count: number): void {
  const random = rng(5, 'candidates');
  const lines = Array.from({ length: count }, (_, i) => {
    // The first is the student itself.
    const chosen = i === 0 ? [4, 8, 16] : [random.int(1, 4), random.int(2, 8), random.int(4, 15)];
    const macs = 1e5 * chosen.reduce((a, b) => a + b, 0) + random.int(0, 999);
    return {
      genome: chosen.join('_'),
      part: 'search',
      macs,
      params: macs / 100,
      latencyMs: i % 2 ? macs / 1e6 : null,
      quality: 10 + 1e8 / macs + 5 * random.uniform(),
      metric: 'FD-emoji-64',
      generation: Math.floor(i / 20),
      seconds: 1,
    };
  });
  // The finalists' other scores, which are not to be mixed with these.
  const finalists = lines.slice(0, 2).map((line) => ({ ...line, part: 'finalists', quality: 0 }));
  mkdirSync(join(folder, 'search'), { recursive: true });
  const text = [...lines, ...finalists].map((line) => `${JSON.stringify(line)}\n`).join('');
  writeFileSync(join(folder, 'search', 'search.jsonl'), text);
  writeFileSync(join(folder, 'search', 'result.json'), JSON.stringify({ vector: lines[0]!.genome }));
}
