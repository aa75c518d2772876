/**
 * A program of its own, `node probe.js <what>`: tries one thing that may crash or hang and prints a line of
 * JSON, `{"ok": …, "found": "…"}`. `what` is `runtime`, or the name of a package.
 */
const what = process.argv[2] ?? '';
const answer = await probe(what).catch((error) => ({ ok: false, found: reason(error) }));
process.stdout.write(`${JSON.stringify(answer)}\n`);

async function probe(what: string): Promise<{ ok: boolean; found: string }> {
  if (what === 'runtime') {
    const { env, listSupportedBackends } = await import('onnxruntime-node');
    const bundled = listSupportedBackends().filter((backend) => backend.bundled);
    return {
      ok: true,
      found: `${env.versions.node}, with ${bundled.map((backend) => backend.name).join(' and ')}`,
    };
  }
  if (what === 'openmoji') {
    const { findOpenmoji } = await import('../data/emoji/openmoji-render.ts');
    return { ok: true, found: (await findOpenmoji()).version };
  }
  const loaded = await import(what);
  const { versions, version } = loaded.default ?? loaded;
  const own = versions?.[what] ?? version;
  return { ok: true, found: typeof own === 'string' ? own : 'installed' };
}

/** What went wrong in one line; of ONNX Runtime's messages the part after the source line that failed. */
function reason(error: Error & { code?: string }): string {
  const { message } = error.cause instanceof Error ? error.cause : error;
  if (error.code === 'ERR_MODULE_NOT_FOUND' || error.code === 'DATA_PACKAGE_MISSING') return 'not installed';
  const line = message.split('\n')[0]!;
  return line.split(' was false. ').at(-1)!.trim();
}
