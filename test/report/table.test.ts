import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MeasuredModel, MetricsFile } from '../../src/pipeline/measure/metrics-file.ts';
import { wrap } from '../../src/report/notes.ts';
import { resultsTable } from '../../src/report/table.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ganlet-table-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const spread = (mean: number) => ({ mean, sd: mean / 10, count: 310 });

function distances(l1: number, psnr: number, ssim: number): MeasuredModel['truth'] {
  return { l1: spread(l1), psnr: { ...spread(psnr), identical: 0 }, ssim: spread(ssim) };
}

const teacher: MeasuredModel = {
  role: 'teacher',
  file: 'teacher.onnx',
  sha256: 'aa',
  params: 2_855_000,
  macs: { true: 881_721_344, paper: 1_121_583_104 },
  bytes: 11_534_336,
  latencyMs: 21.84,
  latencySpreadMs: [21, 24],
  truth: distances(16.2, 17.91, 0.8123),
  samples: 310,
};
const student: MeasuredModel = {
  ...teacher,
  role: 'student',
  file: 'student.onnx',
  sha256: 'cc',
  params: 143_200,
  macs: { true: 62_345_678, paper: 91_000_000 },
  bytes: 622_592,
  latencyMs: 4.127,
  truth: distances(17.04, 17.5, 0.7986),
  teacher: distances(6.21, 24.8, 0.91),
};
const naive: MeasuredModel = {
  ...student,
  role: 'naive',
  file: 'naive.onnx',
  sha256: 'bb',
  truth: distances(19.5, 16.2, 0.7511),
  teacher: distances(12.4, 19.1, 0.8),
};
const metrics: MetricsFile = {
  models: [student, naive, teacher],
  split: 'test',
  count: 310,
  size: 64,
  data: { source: 'openmoji', hash: 'd1' },
  backend: { engine: 'onnxruntime-node', version: '1.30.0', provider: 'cpu', threads: 2, cpu: 'A CPU' },
};

function run(name: string, contents: Partial<MetricsFile> = {}): string {
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'metrics.json'), JSON.stringify({ ...metrics, ...contents }));
  return path;
}

function card(path: string, contents: object): void {
  writeFileSync(join(path, 'student.card.json'), JSON.stringify({ sha256: 'cc', ...contents }));
}

const widest = (text: string) => Math.max(...text.split('\n').map((line) => [...line].length));

describe('one run', () => {
  it('is a Markdown table of 80 columns, teacher first, with the counting rules below', () => {
    const text = resultsTable([run('one')], 'md');
    expect(widest(text)).toBeLessThanOrEqual(80);
    expect(text).toMatchInlineSnapshot(`
      "| model   | M MACs | ×fewer | k params |    ms | ×faster | PSNR dB |  SSIM |
      | ------- | -----: | -----: | -------: | ----: | ------: | ------: | ----: |
      | teacher |  881.7 |    1.0 |     2855 | 21.84 |     1.0 |   17.91 | 0.812 |
      | naive   |   62.3 |   14.1 |      143 |  4.13 |     5.3 |   16.20 | 0.751 |
      | student |   62.3 |   14.1 |      143 |  4.13 |     5.3 |   17.50 | 0.799 |

      310 test pictures of 64×64 pixels; onnxruntime-node 1.30.0, cpu, 2 threads, A
      CPU. MACs: multiply-adds for one picture, transposed convolutions by their
      input; GAN Compression counts them by their output, and norms too: teacher
      1.12G, naive 91.0M, student 91.0M. ms: median time of one picture. PSNR (8-bit),
      SSIM (11×11 Gaussian window): means over the pictures. Left out for space: KiB,
      L1, L1 to teacher, SSIM to teacher; --format csv has everything.
      "
    `);
  });

  it('is a LaTeX table of all columns, with the notes as comments', () => {
    expect(resultsTable([run('one')], 'latex')).toMatchInlineSnapshot(`
      "\\begin{tabular}{lrrrrrrrrrrr}
      \\toprule
      model & M MACs & ×fewer & k params & KiB & ms & ×faster & L1 & PSNR dB & SSIM & L1 to teacher & SSIM to teacher \\\\
      \\midrule
      teacher & 881.7 & 1.0 & 2855 & 11264 & 21.84 & 1.0 & 16.20 & 17.91 & 0.812 &  &  \\\\
      naive & 62.3 & 14.1 & 143 & 608 & 4.13 & 5.3 & 19.50 & 16.20 & 0.751 & 12.40 & 0.800 \\\\
      student & 62.3 & 14.1 & 143 & 608 & 4.13 & 5.3 & 17.04 & 17.50 & 0.799 & 6.21 & 0.910 \\\\
      \\bottomrule
      \\end{tabular}
      % 310 test pictures of 64×64 pixels; onnxruntime-node 1.30.0, cpu, 2 threads, A
      % CPU. MACs: multiply-adds for one picture, transposed convolutions by their
      % input; GAN Compression counts them by their output, and norms too: teacher
      % 1.12G, naive 91.0M, student 91.0M. ms: median time of one picture. L1 (8-bit
      % levels, 0 to 255), PSNR (8-bit), SSIM (11×11 Gaussian window): means over the
      % pictures.
      "
    `);
  });

  it('is CSV with raw numbers', () => {
    const path = run('one');
    card(path, { architecture: { type: 'resnet', baseWidth: 16, widths: [16, 12], separable: true } });
    expect(resultsTable([path], 'csv')).toMatchInlineSnapshot(`
      "run,model,network,macs,macsPaper,timesFewer,params,bytes,latencyMs,timesFaster,l1,l1Sd,psnr,psnrSd,psnrIdentical,ssim,ssimSd,teacherL1,teacherL1Sd,teacherPsnr,teacherPsnrSd,teacherPsnrIdentical,teacherSsim,teacherSsimSd,samples,split,size,provider,threads
      one,teacher,,881721344,1121583104,1,2855000,11534336,21.84,1,16.2,1.6199999999999999,17.91,1.791,0,0.8123,0.08123,,,,,,,,310,test,64,cpu,2
      one,naive,,62345678,91000000,14.142461390828085,143200,622592,4.127,5.2919796462321305,19.5,1.95,16.2,1.6199999999999999,0,0.7511,0.07511,12.4,1.24,19.1,1.9100000000000001,0,0.8,0.08,310,test,64,cpu,2
      one,student,resnet 16_12 separable,62345678,91000000,14.142461390828085,143200,622592,4.127,5.2919796462321305,17.04,1.704,17.5,1.75,0,0.7986,0.07986,6.21,0.621,24.8,2.48,0,0.91,0.091,310,test,64,cpu,2
      "
    `);
  });

  it('is JSON with raw numbers, null for what a network does not have', () => {
    const rows = JSON.parse(resultsTable([run('one')], 'json'));
    expect(rows.map((row: { model: string }) => row.model)).toEqual(['teacher', 'naive', 'student']);
    expect(rows[0]).toMatchObject({ run: 'one', timesFewer: 1, timesFaster: 1, teacherSsim: null });
    expect(rows[2]).toMatchObject({
      macs: 62_345_678,
      macsPaper: 91_000_000,
      timesFewer: 881_721_344 / 62_345_678,
      bytes: 622_592,
      latencyMs: 4.127,
      l1: 17.04,
      l1Sd: 1.704,
      psnr: 17.5,
      teacherL1: 6.21,
      teacherPsnr: 24.8,
      teacherSsim: 0.91,
      samples: 310,
      threads: 2,
    });
  });

  it('shows only what was measured', () => {
    const { l1 } = teacher.truth;
    const text = resultsTable([run('l1', { models: [{ ...teacher, truth: { l1: l1! } }] })], 'md');
    expect(text).toContain(' L1 |');
    expect(text).not.toMatch(/PSNR|SSIM|to teacher/);
  });

  it('writes an infinite PSNR in each format, and says how many pictures a mean leaves out', () => {
    const exact = { mean: null, sd: null, count: 0, identical: 310 };
    const some = { ...spread(40), count: 307, identical: 3 };
    const models = [
      { ...teacher, truth: { psnr: some } },
      { ...student, truth: { psnr: exact } },
    ];
    const path = run('exact', { models });
    expect(resultsTable([path], 'md')).toMatch(/^\| student .*\| +∞ \|/m);
    expect(resultsTable([path], 'md').replaceAll('\n', ' ')).toContain(
      'equal to the true ones: teacher 3, student 310.',
    );
    expect(resultsTable([path], 'latex')).toMatch(/^student &.* & inf & /m);
    expect(resultsTable([path], 'csv')).toMatch(/^exact,student,.*,Infinity,,310,/m);
    expect(JSON.parse(resultsTable([path], 'json'))[1]).toMatchObject({ psnr: null, psnrIdentical: 310 });
  });

  it('without a teacher has no ratios', () => {
    const { teacher: _, ...alone } = student;
    const text = resultsTable([run('alone', { models: [alone] })], 'md');
    expect(text).toContain('student');
    expect(text).not.toMatch(/×f|to teacher/);
  });

  it('warns of a file that was replaced after it was measured', () => {
    const path = run('stale');
    card(path, { sha256: 'other', architecture: { type: 'unet', baseWidth: 9 } });
    const text = resultsTable([path], 'md').replaceAll('\n', ' ');
    expect(text).toContain('Warning: the file of student has changed since it was measured');
    expect(resultsTable([path], 'csv')).not.toContain('unet');
  });
});

describe('several runs', () => {
  it('have a column that names them, escaped for LaTeX, and fewer others', () => {
    const runs = [run('w16_sep'), run('50%&more', { size: 32, data: { source: 'folders', hash: 'd2' } })];
    const text = resultsTable(runs, 'md');
    expect(widest(text)).toBeLessThanOrEqual(80);
    expect(text).toMatchInlineSnapshot(`
      "| run      | model   | M MACs | ×fewer |    ms | ×faster | PSNR dB |  SSIM |
      | -------- | ------- | -----: | -----: | ----: | ------: | ------: | ----: |
      | w16_sep  | teacher |  881.7 |    1.0 | 21.84 |     1.0 |   17.91 | 0.812 |
      | w16_sep  | naive   |   62.3 |   14.1 |  4.13 |     5.3 |   16.20 | 0.751 |
      | w16_sep  | student |   62.3 |   14.1 |  4.13 |     5.3 |   17.50 | 0.799 |
      | 50%&more | teacher |  881.7 |    1.0 | 21.84 |     1.0 |   17.91 | 0.812 |
      | 50%&more | naive   |   62.3 |   14.1 |  4.13 |     5.3 |   16.20 | 0.751 |
      | 50%&more | student |   62.3 |   14.1 |  4.13 |     5.3 |   17.50 | 0.799 |

      w16_sep: 310 test pictures of 64×64 pixels; onnxruntime-node 1.30.0, cpu, 2
      threads, A CPU. 50%&more: 310 test pictures of 32×32 pixels; onnxruntime-node
      1.30.0, cpu, 2 threads, A CPU. MACs: multiply-adds for one picture, transposed
      convolutions by their input; GAN Compression counts them by their output, and
      norms too (macsPaper in --format csv). ms: median time of one picture. PSNR
      (8-bit), SSIM (11×11 Gaussian window): means over the pictures. The runs were
      measured on different data: compare within a run only. Left out for space: k
      params, KiB, L1, L1 to teacher, SSIM to teacher; --format csv has everything.
      "
    `);
    const latex = resultsTable(runs, 'latex');
    expect(latex).toContain('\nw16\\_sep & teacher & ');
    expect(latex).toContain('\n50\\%\\&more & student & ');
  });

  it('of one name are told apart by their paths, and one run named twice is one run', () => {
    const [a, b] = [run('a/quick'), run('b/quick')];
    const names = (runs: string[]) =>
      JSON.parse(resultsTable(runs, 'json')).map((row: { run: string }) => row.run);
    expect(new Set(names([a, b]))).toEqual(new Set([a, b]));
    expect(names([a, join(a, '..', 'quick')])).toEqual(['quick', 'quick', 'quick']);
  });

  it('keep the width with long names by leaving columns out, never the names', () => {
    const long = 'a-run-with-a-name-that-says-everything-there-is-to-say';
    const text = resultsTable([run(long), run('b')], 'md');
    expect(widest(text)).toBeLessThanOrEqual(80);
    expect(text).toContain(long);
    expect(text.replaceAll('\n', ' ')).toContain('Left out for space: ');
  });
});

describe('a run that cannot be shown', () => {
  it('is named with what to run when nothing was measured yet', () => {
    const path = join(folder, 'new');
    mkdirSync(path);
    expect(() => resultsTable([run('one'), path], 'md')).toThrow(
      expect.objectContaining({
        code: 'METRICS_MISSING',
        message: `${path} must hold metrics.json, it has not been measured yet`,
        hint: `measure it: ganlet evaluate <recipe> --out ${path}`,
      }),
    );
    writeFileSync(join(path, 'recipe.yaml'), '');
    expect(() => resultsTable([path], 'md')).toThrow(
      expect.objectContaining({ hint: `measure it: ganlet evaluate ${path}/recipe.yaml --out ${path}` }),
    );
  });

  it('is an error when it is not there', () => {
    expect(() => resultsTable([join(folder, 'none')], 'md')).toThrow(
      expect.objectContaining({ code: 'RUN_MISSING' }),
    );
  });

  it.each(['', '{"models": [', '{"models": []}', '[]', 'null'])(
    'is an error when its file holds %o',
    (text) => {
      const path = run('bad');
      writeFileSync(join(path, 'metrics.json'), text);
      expect(() => resultsTable([path], 'csv')).toThrow(expect.objectContaining({ code: 'METRICS_INVALID' }));
    },
  );
});

it('lines are filled with words up to the width, longer words are not cut', () => {
  expect(wrap('aa bb cc ddddddddd e', 5)).toEqual(['aa bb', 'cc', 'ddddddddd', 'e']);
});
