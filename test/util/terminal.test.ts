import { describe, expect, it } from 'vitest';
import { createLog, usesColour } from '../../src/util/log.ts';
import { progress } from '../../src/util/progress.ts';

/** Keeps what was written, as a file or a terminal of the given width would receive it. */
function screen(terminal?: { columns: number }) {
  const written: string[] = [];
  return { written, write: (text: string) => written.push(text), isTTY: terminal !== undefined, ...terminal };
}

describe('log', () => {
  it('writes plain lines to a file and drops those below its level', () => {
    const stream = screen();
    const log = createLog('info', stream);
    log.debug('hidden');
    log.info('done');
    log.warn('careful');
    expect(stream.written).toEqual(['done\n', 'warning: careful\n']);
  });

  it('shows debug lines when asked to, and nothing when silent', () => {
    const loud = screen();
    createLog('debug', loud).debug('x');
    expect(loud.written).toEqual(['debug: x\n']);
    const quiet = screen();
    createLog('silent', quiet).warn('x');
    expect(quiet.written).toEqual([]);
  });

  it('colours on a terminal only, and not under NO_COLOR or on a dumb terminal', () => {
    const terminal = screen({ columns: 80 });
    createLog('info', terminal, {}).warn('careful');
    expect(terminal.written).toEqual(['\x1b[33mwarning:\x1b[39m careful\n']);
    expect(usesColour(terminal, {})).toBe(true);
    expect(usesColour(terminal, { NO_COLOR: '1' })).toBe(false);
    expect(usesColour(terminal, { NO_COLOR: '' })).toBe(true);
    expect(usesColour(terminal, { TERM: 'dumb' })).toBe(false);
    expect(usesColour(screen(), {})).toBe(false);
  });
});

describe('progress', () => {
  it('rewrites one line on a terminal, never wider than it, and at most ten times a second', () => {
    const stream = screen({ columns: 30 });
    let time = 0;
    const bar = progress({ total: 200, label: 'distill', stream, now: () => time });
    for (let done = 0; done <= 200; done++) {
      bar.update(done, 'loss 0.3141592653589793');
      time += 10;
    }
    bar.end();
    expect(stream.written.length).toBeLessThan(25);
    for (const text of stream.written.slice(0, -1)) {
      expect(text.startsWith('\r\x1b[K')).toBe(true);
      expect(text.slice(4).length).toBeLessThanOrEqual(29);
    }
    expect(stream.written.at(-2)).toContain('distill  200/200');
    expect(stream.written.at(-1)).toBe('\n');
  });

  it('says what is left, not counting what a resumed job found done', () => {
    const stream = screen({ columns: 80 });
    let time = 0;
    const bar = progress({ total: 100, label: 'teach', stream, now: () => time });
    bar.update(50);
    time = 60_000;
    bar.update(60, 'loss 1');
    expect(stream.written.at(-1)).toBe('\r\x1b[Kteach  60/100  60%  4m 00s left  loss 1');
  });

  it('writes a plain line every ten seconds elsewhere, and the last state at the end', () => {
    const stream = screen();
    let time = 0;
    const bar = progress({ total: 30, label: 'render', stream, now: () => time });
    for (let done = 1; done <= 25; done++) {
      time = done * 1000;
      bar.update(done);
    }
    bar.end();
    bar.end();
    bar.update(26);
    expect(stream.written).toEqual([
      'render  10/30  33%  22 s left\n',
      'render  20/30  66%  11 s left\n',
      'render  25/30  83%  5.2 s left\n',
    ]);
  });

  it('keeps lasting lines apart from the live one', () => {
    const stream = screen({ columns: 80 });
    const bar = progress({ total: 2, label: 'x', stream, now: () => 0 });
    bar.update(1);
    bar.line('snapshot written');
    expect(stream.written).toEqual([
      '\r\x1b[Kx  1/2  50%  0 ms',
      '\r\x1b[Ksnapshot written\n',
      '\r\x1b[Kx  1/2  50%  0 ms',
    ]);
  });
});
