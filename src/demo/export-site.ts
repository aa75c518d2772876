import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '../util/atomic.ts';
import { GanletError } from '../util/errors.ts';
import { exists } from '../util/exists.ts';
import { fileError } from '../util/file-error.ts';
import { makeFolder } from '../util/folder.ts';
import type { Catalogue } from './catalogue.ts';
import type { Site } from './site.ts';

/**
 * Writes a site as files that any web server can host, from any folder of it, and a README.md that makes them a static Space
 * on the Hugging Face hub with the headers that threads need. Without those headers the page computes on one thread.
 * Throws DEMO_FOLDER when the folder holds anything but an earlier export, and as `writeFileAtomic`.
 */
export async function exportSite(site: Site, folder: string): Promise<void> {
  makeFolder(folder);
  const stranger = listFolder(folder).find((name) => !ours(site).has(name));
  if (stranger !== undefined) {
    throw new GanletError(
      'DEMO_FOLDER',
      `${folder} must be empty or an earlier export, it holds ${stranger}`,
      {
        hint: 'choose another folder',
      },
    );
  }
  for (const [name, file] of site) {
    await writeFileAtomic(join(folder, name), 'bytes' in file ? file.bytes : read(file.path));
  }
  await writeFileAtomic(join(folder, 'README.md'), readme(site));
}

/** Names at the top of an export. */
function ours(site: Site): Set<string> {
  return new Set(['README.md', ...[...site.keys()].map((name) => name.split('/')[0]!)]);
}

function readme(site: Site): string {
  const { bytes } = site.get('catalogue.json') as { bytes: Uint8Array };
  const { title, models, attribution } = JSON.parse(Buffer.from(bytes).toString()) as Catalogue;
  const lines = [
    '---',
    `title: ${JSON.stringify(title)}`,
    'sdk: static',
    'custom_headers:',
    '  cross-origin-opener-policy: same-origin',
    '  cross-origin-embedder-policy: require-corp',
    '  cross-origin-resource-policy: cross-origin',
    '---',
    '',
    `# ${title}`,
    '',
    `${models.map(({ name }) => name).join(', ')}: try them in the browser. Made by [ganlet](https://www.npmjs.com/package/ganlet).`,
    '',
    'Any web server can host these files. Where it sends the two headers above, the page computes on several threads.',
    ...(attribution ? ['', attribution] : []),
    '',
  ];
  return lines.join('\n');
}

function listFolder(folder: string): string[] {
  try {
    return exists(folder) ? readdirSync(folder) : [];
  } catch (error) {
    throw fileError('list', folder, error);
  }
}

function read(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw fileError('read', path, error);
  }
}
