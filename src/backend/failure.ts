import { GanletError } from '../util/errors.ts';

/** WebGPU has an invalid buffer where it got none: there was no memory for it, or it is larger than the device allows. */
const noBuffer = /\[Invalid Buffer/;
const memory =
  /bad.?alloc|allocate memory|out of memory|OOM|allocation failed|not enough memory|\[Invalid Buffer/i;
const gone =
  /device (is |was |has been )?(lost|removed|hung|gone)|lost device|context (is |was )?lost|DXGI_ERROR_DEVICE|VK_ERROR_DEVICE_LOST|CUDA (error|failure)|cudaError/i;

/** Whether an engine's message says that memory ran out. */
export const isMemory = (reason: string): boolean => memory.test(reason);

/** What stopped a run, in our words: memory, a device that is no longer there, or an attribute that no check has seen. */
export function failed(engine: string, what: string, cause: unknown): GanletError {
  const said = cause instanceof Error ? cause.message.split('\n')[0]! : String(cause);
  const reason = noBuffer.test(said) ? `the device gave no memory for a tensor (${said})` : said;
  const code = memory.test(reason) ? 'MEMORY_SHORT' : gone.test(reason) ? 'DEVICE_LOST' : 'RUN_FAILED';
  const hints = {
    MEMORY_SHORT: 'use smaller images, batches or networks',
    DEVICE_LOST: 'see whether the device is well: ganlet doctor; or compute elsewhere: --provider cpu',
    RUN_FAILED: `check the node that is named; a network that ${engine} runs by itself is worth a bug report`,
  };
  return new GanletError(code, `${engine} must run ${what}, it did not: ${reason}`, {
    hint: hints[code],
    cause,
  });
}
