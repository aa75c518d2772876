import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseRepo } from '../data/hub/address.ts';
import { pushFiles, type Upload } from '../data/hub/push.ts';
import { hubSettings } from '../data/hub/settings.ts';
import { readCard } from '../pipeline/card.ts';
import { modelCard } from '../report/model-card.ts';
import { GanletError } from '../util/errors.ts';
import { fileError } from '../util/file-error.ts';
import { formatBytes } from '../util/format.ts';
import { sha256 } from '../util/hash.ts';

export interface PushArguments {
  run: string;
  repo: string;
  private: boolean;
  license: string | undefined;
  dryRun: boolean;
  quiet: boolean;
}

/** What of a run is uploaded, and the stage that writes it. */
const parts = [
  ['student.onnx', 'export'],
  ['student.card.json', 'export'],
  ['table.md', 'table'],
  ['comparison.png', 'evaluate'],
] as const;

/**
 * Uploads the student of a run with a model card. What goes where is written to stdout; with `dryRun` that is all.
 * Throws PUSH_INCOMPLETE naming what the run lacks, PUSH_STALE when card and network do not belong together, and
 * as `pushFiles`.
 */
export async function push({ run, private: hidden, license, dryRun, ...args }: PushArguments): Promise<void> {
  const repo = parseRepo(args.repo, 'model');
  const settings = hubSettings();
  const files = runFiles(run);
  const card = readCard(join(run, 'student.onnx'));
  const [student] = files;
  if (!card || card.sha256 !== sha256(student!.content)) {
    throw new GanletError('PUSH_STALE', `the card in ${run} must belong to its student.onnx, it does not`, {
      hint: 'write both again: ganlet export, then evaluate and table',
    });
  }
  const table = new TextDecoder().decode(
    files.find(({ path }) => path === 'table.md')!.content as Uint8Array,
  );
  files.unshift({ path: 'README.md', content: modelCard({ repo: repo.name, card, table, license }) });
  if (dryRun || !args.quiet) {
    const kind = hidden ? 'private if it is new' : 'public if it is new';
    const lines = files.map(
      ({ path, content }) => `  ${path.padEnd(18)}${formatBytes(Buffer.byteLength(content))}`,
    );
    process.stdout.write(`${settings.endpoint}/${repo.name} (${kind})\n${lines.join('\n')}\n`);
  }
  if (dryRun) {
    process.stdout.write(`nothing was uploaded; README.md would be\n\n${files[0]!.content}`);
    return;
  }
  const { url, commit } = await pushFiles(repo, files, {
    settings,
    private: hidden,
    title: `Upload ${card.recipe ?? 'student'} (${card.tool})`,
  });
  process.stdout.write(`uploaded to ${url}, commit ${commit}\n`);
}

function runFiles(run: string): Upload[] {
  if (!existsSync(run)) {
    throw new GanletError('RUN_MISSING', `${run} must be the folder of a run, there is none`, {
      hint: 'name a folder that ganlet run has written, such as runs/quickstart',
    });
  }
  const missing = parts.filter(([file]) => !existsSync(join(run, file)));
  if (missing.length > 0) {
    const stages = [...new Set(missing.map(([, stage]) => stage))];
    throw new GanletError(
      'PUSH_INCOMPLETE',
      `${run} must hold ${parts.map(([file]) => file).join(', ')}; ${missing.map(([file]) => file).join(', ')} ${missing.length === 1 ? 'is' : 'are'} missing`,
      { hint: `finish it first: ganlet run <recipe> --stages ${stages.join(',')}` },
    );
  }
  return parts.map(([path]) => {
    try {
      return { path, content: new Uint8Array(readFileSync(join(run, path))) };
    } catch (error) {
      throw fileError('read', join(run, path), error);
    }
  });
}
