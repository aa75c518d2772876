// What the pool's tests start: a worker of the built package.
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { serve } from '../../dist/search/worker.js';
import { GanletError } from '../../dist/util/errors.js';

serve(async ({ base, folder, broken, slow }) => {
  // Whoever comes second never gets ready; the first waits for it to be there.
  if (slow) {
    writeFileSync(`${folder}/${process.pid}`, '');
    const first = isFirst(folder);
    while (!first || readdirSync(folder).length < 3) await setTimeout(10);
  }
  if (broken)
    throw new GanletError('SETUP_BROKEN', 'the setup must be whole, it is not', { hint: 'mend it' });
  return async ({ kind, value }) => {
    const once = `${folder}/died`;
    if (kind === 'die' || (kind === 'die once' && !existsSync(once))) {
      writeFileSync(once, '');
      process.kill(process.pid, 'SIGKILL');
      await setTimeout(10_000);
    }
    if (kind === 'throw') throw new GanletError('TASK_BAD', 'a task must be good, this is not');
    const started = Date.now();
    await setTimeout(100);
    return { value: base + value, pid: process.pid, started, ended: Date.now() };
  };
});

function isFirst(folder) {
  try {
    writeFileSync(`${folder}/first`, '', { flag: 'wx' });
    return true;
  } catch {
    return false;
  }
}
