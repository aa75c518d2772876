import { largest, text, whole } from '../options.ts';
import { defineVerb } from '../verb.ts';

export const demo = defineVerb({
  command: 'demo [models..]',
  describe: 'Try networks in the browser: draw, and see what teacher and student make of it',
  positionals: {
    models: {
      type: 'string',
      array: true,
      describe: 'Folders of runs, or .onnx files; by default the newest run, else what ships with ganlet',
    },
  },
  options: {
    export: text('--export', 'Write the page as files into this folder, and serve nothing'),
    host: text('--host', 'Address to listen on; by default 127.0.0.1, this machine only'),
    port: whole('--port', 'Port to listen on; by default 8765, 0 takes a free one', 0, 65_535),
    size: whole('--size', 'Side of the pictures in pixels, where a network leaves it open', 1, largest.size),
    json: { type: 'boolean', default: false, describe: 'Print JSON' },
  },
  examples: [
    ['ganlet demo runs/quickstart', 'the networks of a run'],
    ['ganlet demo runs/quickstart --export site', 'files that any web server can host'],
  ],
  async run({ models, export: folder, host, port, size, json, quiet }) {
    const { openDemo } = await import('../../demo/demo.ts');
    const { progress } = await import('../../util/progress.ts');
    let shown: ReturnType<typeof progress> | undefined;
    const { site, names } = await openDemo({
      paths: models ?? [],
      size,
      onProgress: (done, total) => {
        if (!quiet) shown ??= progress({ total, label: 'preparing pictures' });
        shown?.update(done);
      },
    });
    shown?.end();
    const say = (what: object, line: string) =>
      process.stdout.write(json ? `${JSON.stringify({ ...what, models: names })}\n` : `${line}\n`);
    if (folder !== undefined) {
      const { exportSite } = await import('../../demo/export-site.ts');
      await exportSite(site, folder);
      say({ folder }, `${folder}: ${site.size + 1} files; any web server can host them`);
      return;
    }
    const { serve } = await import('../../demo/server.ts');
    const serving = await serve(site, { ...(host !== undefined && { host }), port });
    say({ url: serving.url }, `${names.join(', ')}: ${serving.url}`);
    if (!quiet) process.stderr.write('Ctrl-C ends it\n');
    await new Promise<void>((done) => process.once('SIGINT', done).once('SIGTERM', done));
    await serving.close();
  },
});
