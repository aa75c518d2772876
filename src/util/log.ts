import { styleText } from 'node:util';
import { visible } from './visible.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'silent';

export interface Log {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
}

/** The part of a terminal or file stream that logging and progress need. */
export interface TextStream {
  write(text: string): unknown;
  isTTY?: boolean | undefined;
  columns?: number | undefined;
}

const ranks: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, silent: 3 };

/**
 * Lines for people, on stderr, so that stdout stays free for results. `info` lines are plain, `warn` lines
 * start with "warning: ", `debug` lines with "debug: ". Lines below `level` are dropped.
 */
export function createLog(
  level: LogLevel = 'info',
  stream: TextStream = process.stderr,
  env: NodeJS.ProcessEnv = process.env,
): Log {
  const coloured = usesColour(stream, env);
  const paint = (style: 'yellow' | 'gray', text: string) =>
    // Without validateStream newer Node versions look at stdout, which is not where this goes.
    coloured ? styleText(style, text, { validateStream: false }) : text;
  const writer = (own: LogLevel, render: (message: string) => string) => (message: string) => {
    if (ranks[own] >= ranks[level]) stream.write(`${render(visible(message))}\n`);
  };
  return {
    debug: writer('debug', (message) => paint('gray', `debug: ${message}`)),
    info: writer('info', (message) => message),
    warn: writer('warn', (message) => `${paint('yellow', 'warning:')} ${message}`),
  };
}

/** Whether to colour: only on a terminal, and not when NO_COLOR is set to anything (no-color.org). */
export function usesColour(stream: TextStream, env: NodeJS.ProcessEnv = process.env): boolean {
  return stream.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';
}
