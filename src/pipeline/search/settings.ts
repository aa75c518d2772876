import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { changedSettings, type Settings, sinceThen } from '../../train/changed-settings.ts';
import { writeJsonAtomic } from '../../util/atomic.ts';
import { GanletError } from '../../util/errors.ts';
import { exists } from '../../util/exists.ts';

/**
 * Notes what a search depends on when it begins. Throws RUN_MISMATCH, naming what changed, where scores of a search with other
 * settings are kept.
 */
export async function needSameSearch(out: string, settings: Settings): Promise<void> {
  const directory = join(out, 'search');
  const path = join(directory, 'settings.json');
  if (exists(join(directory, 'search.jsonl'))) {
    const changes = changedSettings(readSettings(path), JSON.parse(JSON.stringify(settings)) as Settings);
    if (changes.length === 0) return;
    throw new GanletError(
      'RUN_MISMATCH',
      `the scores in ${directory} must come from the same settings, ${sinceThen(changes)}`,
      { hint: `change that back, give another --out, or delete ${directory} to search again` },
    );
  }
  await writeJsonAtomic(path, settings);
}

function readSettings(path: string): Settings {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Settings;
  } catch {
    return {};
  }
}
