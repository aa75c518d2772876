import { inspect, styleText } from 'node:util';
import { GanletError } from '../util/errors.ts';
import { usesColour } from '../util/log.ts';

/**
 * Writes `error: …` and `  help: …` to stderr, the stack too if `debug`, and gives the exit status: 2 for a
 * command line that cannot be understood, else 1.
 */
export function printError(error: unknown, debug: boolean): number {
  const known = error instanceof GanletError;
  const message = known ? error.message : String(error);
  const hint = known
    ? error.hint
    : debug
      ? undefined
      : 'this is a bug in ganlet; --debug shows where it came from';

  const coloured = usesColour(process.stderr);
  const label = (style: 'red' | 'cyan', word: string) => (coloured ? styleText(style, word) : word);
  const lines = [`${label('red', 'error:')} ${message.trimEnd().replaceAll('\n', '\n       ')}`];
  if (hint !== undefined) lines.push(`  ${label('cyan', 'help:')} ${hint}`);
  if (debug) lines.push(inspect(error));
  process.stderr.write(`${lines.join('\n')}\n`);
  return known && error.code === 'USAGE' ? 2 : 1;
}
