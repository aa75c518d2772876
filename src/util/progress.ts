import { stripVTControlCharacters } from 'node:util';
import { formatDuration } from './format.ts';
import type { TextStream } from './log.ts';

export interface Progress {
  /** Says how much is done (0..total), and optionally what is to be seen of it ("loss 0.31"). */
  update(done: number, text?: string): void;
  /** Prints a lasting line without tearing the live one. */
  line(text: string): void;
  /** Ends the live line; on a terminal its last state stays. Further calls do nothing. */
  end(): void;
}

interface ProgressOptions {
  total: number;
  label: string;
  stream?: TextStream;
  /** Milliseconds, any origin. */
  now?: () => number;
}

/** Milliseconds between two drawings on a terminal, and between two lines elsewhere. */
const liveInterval = 100;
const plainInterval = 10_000;

/**
 * Shows how far a long job is, on stderr: on a terminal one line that is rewritten and cut to the width,
 * elsewhere a plain line every 10 s and one at the end. "distill 1200/20000 6% 3m 12s left loss 0.31"
 */
export function progress({
  total,
  label,
  stream = process.stderr,
  now = () => performance.now(),
}: ProgressOptions): Progress {
  const live = stream.isTTY === true;
  const started = now();
  let shownAt = live ? Number.NEGATIVE_INFINITY : started;
  let firstDone: number | undefined;
  let state = '';
  let shown = '';
  let ended = false;

  const describe = (done: number, text: string): string => {
    const elapsed = now() - started;
    // What a resumed job found done must not count as speed.
    const progressed = done - (firstDone ?? done);
    const left = progressed > 0 && done < total ? (elapsed * (total - done)) / progressed : undefined;
    const percent = total > 0 ? `${Math.floor((100 * done) / total)}%` : '';
    const time = left === undefined ? formatDuration(elapsed) : `${formatDuration(left)} left`;
    return [label, `${done}/${total}`, percent, time, text].filter(Boolean).join('  ');
  };
  const draw = (): void => {
    if (live) stream.write(`\r\x1b[K${cutTo(state, (stream.columns ?? 80) - 1)}`);
    else if (state !== shown) stream.write(`${state}\n`);
    shown = state;
    shownAt = now();
  };

  return {
    update(done, text = '') {
      if (ended) return;
      firstDone ??= done;
      state = describe(done, text);
      if (now() - shownAt >= (live ? liveInterval : plainInterval)) draw();
    },
    line(text) {
      if (!live) stream.write(`${text}\n`);
      else {
        stream.write(`\r\x1b[K${text}\n`);
        if (!ended && state) draw();
      }
    },
    end() {
      if (ended) return;
      ended = true;
      if (!state) return;
      draw();
      if (live) stream.write('\n');
    },
  };
}

/** Cuts to `width` characters so that the terminal does not wrap the line, which could not be rewritten then. */
function cutTo(text: string, width: number): string {
  const plain = [...stripVTControlCharacters(text).replaceAll('\n', ' ')];
  return plain.length <= width ? plain.join('') : `${plain.slice(0, Math.max(width - 1, 0)).join('')}…`;
}
