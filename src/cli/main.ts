#!/usr/bin/env node
import { fileError } from '../util/file-error.ts';
import { printError } from './print-error.ts';
import { runProgram } from './program.ts';

// A reader that has seen enough (`ganlet schema | head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : printError(fileError('write', 'standard output', error), false));
});
// Without anyone to tell, a training still goes on.
process.stderr.on('error', () => {});

const status = await runProgram(process.argv.slice(2));
if (status !== 0) process.exitCode = status;
