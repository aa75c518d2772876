import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { writeJsonAtomic } from '../util/atomic.ts';
import { exists } from '../util/exists.ts';
import { makeFolder } from '../util/folder.ts';
import { sha256File } from '../util/hash.ts';

/** What a finished stage leaves behind: the hash of all it depended on, and its files with their hashes. */
const stageRecord = z.object({ inputs: z.string(), files: z.record(z.string(), z.string()) });
type StageRecord = z.infer<typeof stageRecord>;

/** Makes the folder of a run, or says why it cannot. */
export function makeDirectory(path: string): string {
  makeFolder(path);
  return path;
}

/** True when the stage has run with these inputs and its files are as it left them. */
export async function stageIsDone(out: string, stage: string, inputs: string): Promise<boolean> {
  const record = readRecord(out, stage);
  if (record?.inputs !== inputs) return false;
  for (const [file, hash] of Object.entries(record.files)) {
    const path = join(out, file);
    if (!exists(path) || (await sha256File(path)) !== hash) return false;
  }
  return true;
}

/** Records that the stage is done. `files` are relative to the run's folder. */
export async function markStageDone(
  out: string,
  stage: string,
  inputs: string,
  files: readonly string[],
): Promise<void> {
  const hashes: Record<string, string> = {};
  for (const file of files) hashes[file] = await sha256File(join(out, file));
  const record: StageRecord = { inputs, files: hashes };
  await writeJsonAtomic(recordFile(out, stage), record);
}

function recordFile(out: string, stage: string): string {
  return join(out, 'stages', `${stage}.json`);
}

function readRecord(out: string, stage: string): StageRecord | undefined {
  try {
    return stageRecord.parse(JSON.parse(readFileSync(recordFile(out, stage), 'utf8')));
  } catch {
    // Missing or damaged: the stage runs again.
    return undefined;
  }
}
