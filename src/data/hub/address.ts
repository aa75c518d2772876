import { GanletError } from '../../util/errors.ts';

/** A repository of the hub. */
export interface HubRepo {
  type: 'model' | 'dataset';
  /** owner/name */
  name: string;
}

/** One file of a repository. */
export interface HubFile {
  repo: HubRepo;
  /** Path in the repository, with `/`. */
  file: string;
  /** Branch, tag or commit. Default main. */
  revision?: string;
  /** 64 hexadecimal digits that the content must have. */
  sha256?: string;
}

/** owner/name, or datasets/owner/name. */
export function repoLabel({ type, name }: HubRepo): string {
  return type === 'dataset' ? `datasets/${name}` : name;
}

/** "lpips/lpips_feature.onnx of deepghs/imgutils-models": how messages call a file. */
export function fileLabel({ repo, file }: HubFile): string {
  return `${file} of ${repoLabel(repo)}`;
}

const part = /^(?!.*(?:--|\.\.))[A-Za-z0-9](?:[\w.-]*\w)?$/;

/**
 * Reads `owner/name`, `owner/name/path/of/file`, or the same after `datasets/`; without a path a whole
 * repository is meant. Undefined when the text is none of these.
 */
export function parseAddress(text: string): { repo: HubRepo; file?: string } | undefined {
  const words = text.split('/');
  const type = words[0] === 'datasets' ? 'dataset' : 'model';
  const [owner, name, ...path] = type === 'dataset' ? words.slice(1) : words;
  if (!owner || !name || !part.test(owner) || !part.test(name)) return undefined;
  const repo: HubRepo = { type, name: `${owner}/${name}` };
  if (path.length === 0) return { repo };
  return isSafePath(path.join('/')) ? { repo, file: path.join('/') } : undefined;
}

/** Like `parseAddress` for a repository alone. Throws HUB_ADDRESS. */
export function parseRepo(text: string, type: HubRepo['type']): HubRepo {
  const address = parseAddress(text.startsWith('datasets/') || type === 'model' ? text : `datasets/${text}`);
  if (address && address.file === undefined) return address.repo;
  throw new GanletError(
    'HUB_ADDRESS',
    `a repository must be written owner/name, got ${JSON.stringify(text)}`,
    {
      hint: 'copy its name from the top of its page',
    },
  );
}

/**
 * True for a path that stays inside the folder it is joined to, on every system: relative, no `..`, no
 * backslash, no drive letter, no control characters. File names come from servers and are checked with this.
 */
export function isSafePath(path: string): boolean {
  if (/[\\\p{Cc}]/u.test(path)) return false;
  return path
    .split('/')
    .every((name) => name !== '' && name !== '.' && name !== '..' && !/^[A-Za-z]:/.test(name));
}

/** Throws HUB_ADDRESS for a file or revision that could lead out of the cache. */
export function checkSafe(file: HubFile): void {
  for (const [what, text] of [
    ['a file name', file.file],
    ['a revision', file.revision ?? 'main'],
  ] as const) {
    if (isSafePath(text)) continue;
    throw new GanletError('HUB_ADDRESS', `${what} must be a plain path, got ${JSON.stringify(text)}`, {
      hint: `check what was asked of ${repoLabel(file.repo)}; a repository with such names is not to be trusted`,
    });
  }
}
