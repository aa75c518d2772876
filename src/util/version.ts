import { readFileSync } from 'node:fs';

const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** Name and version as recorded in cards: `ganlet 0.1.0`. */
export const toolVersion = `ganlet ${manifest.version}`;
