import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { built, folderWith, program } from './ganlet.ts';

const waiting = `import { interruptible } from '${built('cli/interrupt.js')}';
await interruptible(async () => {
  console.log('begun');
  await new Promise((resolve) => setTimeout(resolve, 60_000));
});`;

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s ends a run with status %i and says that it can be resumed', async (signal, status) => {
  const child = spawn(process.execPath, ['wait.mjs'], { cwd: folderWith({ 'wait.mjs': waiting }) });
  let stderr = '';
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  await once(child.stdout, 'data');
  child.kill(signal);
  expect(await once(child, 'close')).toEqual([status, null]);
  expect(stderr).toBe('\ninterrupted: the same command again resumes from the last saved state\n');
});

test('a reader that stops early is no error', async () => {
  const child = spawn(process.execPath, [program, 'schema']);
  child.stdout.destroy();
  let stderr = '';
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  expect(await once(child, 'close')).toEqual([0, null]);
  expect(stderr).toBe('');
});

test('help answers at once: no engine, no schema, no image library is loaded for it', async () => {
  const child = spawn(process.execPath, [program, '--help'], { env: { ...process.env, NODE_DEBUG: 'esm' } });
  let stderr = '';
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  await once(child, 'close');
  expect(stderr).toMatch(/node_modules\/yargs/);
  expect(stderr).not.toMatch(/node_modules\/(zod|yaml|sharp|onnxruntime-node|onnx-buf)/);
});
