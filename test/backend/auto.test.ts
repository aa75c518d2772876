import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fastest } from '../../src/backend/auto.ts';
import type { Backend } from '../../src/backend/backend.ts';
import { choicesIn } from '../../src/backend/choice.ts';
import { type Engine, namedBackend, providerEngine } from '../../src/backend/engines.ts';
import { onnxruntime } from '../../src/backend/onnxruntime.ts';
import { type Importer, loadTfjs } from '../../src/backend/tfjs/load.ts';
import { tfjs } from '../../src/backend/tfjs.ts';
import { float32, type Tensor } from '../../src/graph/graph.ts';
import { darkening, darkeningFeeds as feeds } from './darkening.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ganlet-engines-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const options = { threads: 1 };
const cpu = providerEngine('cpu', options);
const cuda = providerEngine('cuda', options);
const plain: Engine = { name: '@tensorflow/tfjs', remote: false, open: async () => tfjs(tf) };
/** TensorFlow.js, with a pause in every step. */
const slow: Engine = { name: '@tensorflow/tfjs', remote: false, open: async () => paused(tfjs(tf), 60) };

function paused(backend: Backend, ms: number): Backend {
  return {
    ...backend,
    async compile(program) {
      const compiled = await backend.compile(program);
      return {
        ...compiled,
        async run(fed, options) {
          await new Promise((resolve) => setTimeout(resolve, ms));
          return compiled.run(fed, options);
        },
      };
    },
  };
}

/** The fastest of some engines, and what it says. */
async function choosing(engines: readonly Engine[], file = join(folder, 'engines.json')) {
  const [said, debugged]: [string[], string[]] = [[], []];
  const backend = await fastest({
    engines,
    choices: choicesIn(file),
    onChoice: (line) => said.push(line),
    onDebug: (line) => debugged.push(line),
  });
  return { backend, said, debugged };
}

async function stateAfter(backend: Backend, steps: number): Promise<Map<string, Tensor>> {
  const compiled = await backend.compile(darkening());
  for (let i = 0; i < steps; i++) await compiled.run(feeds);
  const state = await compiled.readState();
  await compiled.dispose();
  return state;
}

describe('the fastest engine', () => {
  test('is found by its steps, goes on as if it had been alone, and is remembered', async () => {
    const { backend, said } = await choosing([slow, cpu]);
    const state = await stateAfter(backend, 6);
    expect(state).toEqual(await stateAfter(onnxruntime({ threads: 1 }), 6));
    expect(backend.description).toMatchObject({ engine: 'onnxruntime-node', provider: 'cpu' });
    expect(said).toEqual([
      expect.stringMatching(
        /^engine: onnxruntime-node \(cpu\), [\d.]+ ms a step; timed: @tensorflow\/tfjs \(cpu\) \d+ ms, onnxruntime-node \(cpu\) [\d.]+ ms$/,
      ),
    ]);

    const again = await choosing([slow, cpu]);
    expect(again.backend.description.engine).toBe('onnxruntime-node');
    await stateAfter(again.backend, 1);
    expect(again.said).toEqual([
      'engine: onnxruntime-node (cpu), the fastest when it was timed on this machine',
    ]);
  });

  test('starts from the state it is given', async () => {
    const written = await stateAfter(onnxruntime({ threads: 1 }), 2);
    const { backend } = await choosing([slow, cpu]);
    const compiled = await backend.compile(darkening());
    await compiled.writeState(written);
    for (let i = 0; i < 5; i++) await compiled.run(feeds);
    expect(await compiled.readState()).toEqual(await stateAfter(onnxruntime({ threads: 1 }), 7));
    await compiled.dispose();
  });

  test('leaves no tensor of the others behind', async () => {
    const before = tf.memory().numTensors;
    await stateAfter((await choosing([slow, cpu])).backend, 6);
    expect(tf.memory().numTensors).toBe(before);
  });

  test('is the only one, unwrapped and untimed, where there is no other', async () => {
    const { backend, said } = await choosing([cpu]);
    expect(backend).toEqual({ ...onnxruntime({ threads: 1 }), compile: expect.any(Function) });
    await stateAfter(backend, 5);
    expect(said).toEqual([]);
  });

  test('is found among those that start', async () => {
    const { backend, said, debugged } = await choosing([cuda, plain]);
    await stateAfter(backend, 5);
    expect(backend.description.engine).toBe('@tensorflow/tfjs');
    expect(said[0]).toMatch(/^engine: @tensorflow\/tfjs \(cpu\)/);
    expect(debugged[0]).toMatch(/^engine cuda is out: provider cuda must load the CUDA provider/);
  });

  test('is chosen anew where what was remembered is damaged, gone or cannot be written', async () => {
    const file = join(folder, 'engines.json');
    writeFileSync(file, '[{"key": 3}, nonsense');
    const { backend, said } = await choosing([slow, cpu], file);
    await stateAfter(backend, 5);
    expect(said[0]).toContain('timed:');
    const nowhere = await choosing([slow, cpu], join(file, 'beneath-a-file.json'));
    await stateAfter(nowhere.backend, 5);
    expect(nowhere.said[0]).toContain('timed:');
  });

  test('a feed that does not fit counts against no engine', async () => {
    const { backend } = await choosing([slow, cpu]);
    const compiled = await backend.compile(darkening());
    await expect(compiled.run({ x: float32([1], [0]) })).rejects.toMatchObject({ code: 'FEED_MISMATCH' });
    await compiled.run(feeds);
    await compiled.dispose();
  });

  test('none that runs is one error that names them all', async () => {
    const missing: Engine = {
      name: '@tensorflow/tfjs-node',
      remote: false,
      open: () => loadTfjs({ packages: ['@tensorflow/tfjs-node'] }),
    };
    const { backend } = await choosing([cuda, missing]);
    await expect(backend.compile(darkening())).rejects.toMatchObject({
      code: 'BACKEND_MISSING',
      message: expect.stringMatching(
        /^an engine must run "darkening", none of 2 did: cuda: provider cuda must .*; @tensorflow\/tfjs-node: backend tfjs needs a package of TensorFlow\.js that loads: /,
      ),
      hint: 'run ganlet doctor to see what this machine can do',
    });
  });
});

describe('loading TensorFlow.js', () => {
  const absent = () => Promise.reject(Object.assign(new Error('no'), { code: 'ERR_MODULE_NOT_FOUND' }));
  const broken = () =>
    Promise.reject(new Error('libcudart.so.11.0: cannot open shared object file\nRequire stack: …'));
  const importing =
    (found: Partial<Record<string, () => Promise<unknown>>>): Importer =>
    (name) =>
      (found[name] ?? absent)();

  test('takes plain TensorFlow.js where nothing faster is, with a warning that says why', async () => {
    const warnings: string[] = [];
    const backend = await loadTfjs({
      onWarning: (message) => warnings.push(message),
      importer: importing({
        '@tensorflow/tfjs-node-gpu': broken,
        '@tensorflow/tfjs': () => import('@tensorflow/tfjs'),
      }),
    });
    expect(backend.description).toEqual({
      engine: '@tensorflow/tfjs',
      version: '4.22.0',
      provider: 'cpu',
      threads: 1,
    });
    expect(warnings).toEqual([
      'TensorFlow.js computes in plain JavaScript, which is slow (@tensorflow/tfjs-node-gpu does not load: ' +
        'libcudart.so.11.0: cannot open shared object file, @tensorflow/tfjs-node is not installed)',
    ]);
  });

  test('takes the first that computes, and says when its GPU does not', async () => {
    const warnings: string[] = [];
    const backend = await loadTfjs({
      threads: 1,
      onWarning: (message) => warnings.push(message),
      importer: importing({ '@tensorflow/tfjs-node-gpu': () => import('@tensorflow/tfjs') }),
    });
    expect(backend.description).toMatchObject({
      engine: '@tensorflow/tfjs-node-gpu',
      provider: 'cpu',
      threads: 1,
    });
    expect(warnings).toEqual([expect.stringContaining('finds no GPU and computes on the processor')]);
  });

  test('says for every package what is wrong, and what to install', async () => {
    const importer = importing({ '@tensorflow/tfjs-node-gpu': broken });
    await expect(loadTfjs({ importer })).rejects.toMatchObject({
      code: 'TFJS_MISSING',
      message:
        'backend tfjs needs a package of TensorFlow.js that loads: @tensorflow/tfjs-node-gpu does not load: ' +
        'libcudart.so.11.0: cannot open shared object file; @tensorflow/tfjs-node is not installed; ' +
        '@tensorflow/tfjs is not installed',
      hint: expect.stringContaining('npm install @tensorflow/tfjs-node-gpu@4.22.0'),
    });
  });

  test('an engine that is named has no provider of another', async () => {
    await expect(namedBackend('tfjs', 'cuda', { threads: 1 })).rejects.toMatchObject({
      code: 'USAGE',
      message: 'provider cuda is one of backend onnxruntime, the backend is tfjs',
    });
  });
});
