import { inspect, styleText } from 'node:util';
import { GanletError } from '../util/errors.ts';
import { usesColour } from '../util/log.ts';
import { visible } from '../util/visible.ts';

/** Lines longer than this say no more. */
const longest = 1000;

/**
 * Writes `error: …` and `  help: …` to stderr, the stack too if `debug`, and gives the exit status: 2 for a
 * command line that cannot be understood, else 1.
 */
export function printError(error: unknown, debug: boolean): number {
  const { message, hint } = wordsFor(error, debug);
  const coloured = usesColour(process.stderr);
  const label = (style: 'red' | 'cyan', word: string) => (coloured ? styleText(style, word) : word);
  const said = visible(message.trimEnd()).split('\n').map(cut).join('\n       ');
  const lines = [`${label('red', 'error:')} ${said}`];
  if (hint !== undefined) lines.push(`  ${label('cyan', 'help:')} ${cut(visible(hint))}`);
  if (debug) lines.push(inspect(error));
  process.stderr.write(`${lines.join('\n')}\n`);
  return error instanceof GanletError && error.code === 'USAGE' ? 2 : 1;
}

function wordsFor(error: unknown, debug: boolean): { message: string; hint: string | undefined } {
  if (error instanceof GanletError) return { message: error.message, hint: error.hint };
  if (error instanceof RangeError && /array buffer|array length|string longer/i.test(error.message)) {
    return {
      message: `the networks and pictures must fit in memory, they do not: ${error.message}`,
      hint: 'use smaller images, batches or networks',
    };
  }
  const hint = 'this is a bug in ganlet; --debug shows where it came from';
  return { message: String(error), hint: debug ? undefined : hint };
}

function cut(line: string): string {
  return line.length > longest ? `${line.slice(0, longest)}…` : line;
}
