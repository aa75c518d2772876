import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { teacherRecipe } from '../recipe/recipe-file.ts';
import { folderWith, ganlet } from './ganlet.ts';
import { ganletHere } from './here.ts';

const name = 'name a recipe file, for example recipes/quickstart.yaml';

describe('what is no recipe is told by line and column, and nothing is written', () => {
  test.each([
    ['UTF-16', Buffer.from('\ufeffname: a\n', 'utf16le'), '1:1', 'found the byte 0xff'],
    ['Latin-1', Buffer.from('name: a\n# gr\u00fcn\n', 'latin1'), '2:5', 'found the byte 0xfc'],
    ['a text cut inside a letter', Buffer.from('name: grün').subarray(0, 9), '1:9', 'found the byte 0xc3'],
    ['a network', Buffer.from([8, 8, 0x12, 6]), '1:1', 'found the control character 0x08'],
    ['a zero byte', 'name: a\r\nseed: \0', '2:7', 'found the control character 0x00'],
    ['colour codes', '# \u001b[31mred\n', '1:3', 'found the control character 0x1b'],
  ])('%s', async (_, bytes, place, found) => {
    const folder = folderWith();
    writeFileSync(join(folder, 'bad.yaml'), bytes);
    expect(await ganletHere(['run', 'bad.yaml'], folder)).toEqual({
      status: 1,
      stdout: '',
      stderr: `error: bad.yaml:${place}  a recipe must be text in UTF-8, ${found}\n  help: ${name}, or save it as UTF-8\n`,
    });
    expect(readdirSync(folder)).toEqual(['bad.yaml']);
  });

  test('a file far too large, a device', async () => {
    const folder = folderWith({ 'long.yaml': `name: ${'x'.repeat(2 ** 21)}` });
    expect((await ganletHere(['run', 'long.yaml'], folder)).stderr).toBe(
      `error: a recipe must have at most 1.00 MiB, long.yaml has 2.00 MiB\n  help: ${name}\n`,
    );
    if (process.platform === 'win32') return;
    expect((await ganletHere(['run', '/dev/zero'], folder)).stderr).toBe(
      `error: /dev/zero is a device, not a recipe\n  help: ${name}\n`,
    );
  });

  test('YAML nested without end, or multiplied by aliases', async () => {
    const bomb = Array.from({ length: 9 }, (_, i) => `a${i}: &a${i} [${`*a${i - 1},`.repeat(10)}]`);
    const folder = folderWith({
      'deep.yaml': `name: ${'['.repeat(20_000)}\n`,
      'bomb.yaml': ['a0: &a0 [x]', ...bomb.slice(1)].join('\n'),
    });
    expect((await ganletHere(['run', 'deep.yaml'], folder)).stderr.split('\n')[0]).toMatch(
      /^error: deep\.yaml:1:\d+ {2}is not valid YAML: it is nested too deeply$/,
    );
    expect((await ganletHere(['run', 'bomb.yaml'], folder)).stderr).toMatch(
      /^error: bomb\.yaml:\d+:\d+ {2}is not valid YAML: Excessive alias count/,
    );
  });

  test('of very many problems the first twenty are listed', async () => {
    const keys = Array.from({ length: 300 }, (_, i) => `key${i}: 1\n`).join('');
    const folder = folderWith({ 'many.yaml': `${teacherRecipe}${keys}` });
    const { stderr } = await ganletHere(['run', 'many.yaml'], folder);
    const lines = stderr.trimEnd().split('\n');
    expect(lines).toHaveLength(22);
    expect(lines[20]).toBe('       and 280 more');
  });

  test('a key that is a list says so without a warning of Node besides', async () => {
    const { stderr } = ganlet(['run', 'a.yaml'], folderWith({ 'a.yaml': `${teacherRecipe}? [a, b]\n: 1\n` }));
    expect(stderr).toMatch(/^error: a\.yaml:\d+:\d+ {2}\[ a, b \] is not a known key; .*\n {2}help: .*\n$/);
  });
});

describe('values on the command line', () => {
  const run = (...args: string[]) =>
    ganletHere(['run', 'quick.yaml', ...args], folderWith({ 'quick.yaml': teacherRecipe }));
  const form = 'write --set distill.steps=10, once for each key';

  test.each([
    ['__proto__.x=1', 2, '--set must be key=value with a key such as data.size, got "__proto__.x=1"', form],
    ['=', 2, '--set must be key=value with a key such as data.size, got "="', form],
    [
      'seed=*a',
      2,
      '--set seed=*a: the value is not valid YAML: Unresolved alias (the anchor must be set before the alias): a',
      `quote a value of special characters twice, as in --set 'name="a: b"'`,
    ],
    [
      'seed=1e999',
      1,
      '--set seed=1e999  seed must be a whole number of at least 0, got Infinity',
      '`ganlet schema` prints every key with its rule and default',
    ],
    [
      `${'a.'.repeat(5000)}a=1`,
      1,
      `--set ${'a.'.repeat(39)}a…  a is not a known key; known here: name, preset, seed, threads, backend, provider, data, teacher, discriminator, student, distill, online, supernet, search, finetune, baselines, baselineSteps, evaluate`,
      '`ganlet schema` prints every key with its rule and default',
    ],
  ])('--set %.20s', async (text, status, error, help) => {
    expect(await run('--set', text)).toEqual({
      status,
      stdout: '',
      stderr: `error: ${error}\n  help: ${help}\n`,
    });
  });

  test.each([
    ['--dry-run=maybe', '--dry-run is a switch and takes no value, got "maybe"'],
    ['--quiet=', '--quiet is a switch and takes no value, got ""'],
    ['--__proto__', 'unknown option --__proto__'],
    ['---seed', 'unknown option ---seed'],
    ['-5', 'unexpected argument "-5"'],
  ])('%s does nothing but say so', async (option, error) => {
    const folder = folderWith({ 'quick.yaml': teacherRecipe });
    const { status, stderr } = await ganletHere(['run', 'quick.yaml', option], folder);
    expect({ status, first: stderr.split('\n')[0] }).toEqual({ status: 2, first: `error: ${error}` });
    expect(existsSync(join(folder, 'runs'))).toBe(false);
  });

  test('a negative number is still the value of the option before it', async () => {
    expect((await run('--seed', '-1')).stderr.split('\n')[0]).toBe(
      'error: --seed must be a whole number of at least 0, got "-1"',
    );
  });

  test.each([
    [['model', 'resnet', '--base-width', '100000'], '--base-width must be a whole number from 1 to 1024'],
    [['model', 'resnet', '--widths', '8_99999'], '--widths must be whole numbers from 1 to 1024'],
    [['model', 'unet', '--levels', '20'], '--levels must be a whole number from 2 to 10'],
    [['profile', 'x.onnx', '--threads', '100000000'], '--threads must be a whole number from 1 to 1024'],
  ])('%j is refused before memory runs out', async (args, rule) => {
    const { status, stderr } = await ganletHere(args);
    expect(status).toBe(2);
    expect(stderr).toContain(`error: ${rule}`);
  });

  test('a network that no memory holds is profiled without being run', async () => {
    const folder = folderWith();
    await ganletHere(['model', 'resnet', '--base-width', '1', '--blocks', '1', '--out', 'any.onnx'], folder);
    const big = ['profile', 'any.onnx', '--size', '65536', '--batch', '65536'];
    expect((await ganletHere([...big, '--runs', '0'], folder)).status).toBe(0);
    expect(await ganletHere(big, folder)).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(
        /^error: one run of "resnet" must fit in memory, it takes about \S+ TiB and there are \S+ GiB\n {2}help: use smaller images, batches or networks\n$/,
      ),
    });
  });

  test('what could steer a terminal is written out', async () => {
    const { stderr } = await ganletHere(['table', 'a\u001b[2Jb\u202ec']);
    expect(stderr).toBe(
      'error: a\\x1b[2Jb\\u202ec must be the folder of a run, there is none\n  help: ganlet run <recipe> makes one\n',
    );
  });
});
