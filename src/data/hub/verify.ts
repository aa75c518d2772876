import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { GanletError } from '../../util/errors.ts';
import { fileError } from '../../util/file-error.ts';

/** What a file must hash to. */
export interface Expected {
  /** SHA-256 in hexadecimal digits: all 64, or the first ones where a publisher gives no more. */
  sha256?: string | undefined;
  /** Git's name of the content: SHA-1 of "blob <size>\0" and the bytes. Small files of the hub have no other. */
  gitOid?: string | undefined;
}

export interface Digests {
  sha256: string;
  gitOid: string;
  size: number;
}

/** Reads a file once and gives all its digests. Throws FILE_MISSING, NOT_READABLE, … */
export async function digestFile(path: string): Promise<Digests> {
  try {
    const { size } = await stat(path);
    const plain = createHash('sha256');
    const git = createHash('sha1').update(`blob ${size}\0`);
    await pipeline(createReadStream(path), async (source: AsyncIterable<Buffer>) => {
      for await (const chunk of source) {
        plain.update(chunk);
        git.update(chunk);
      }
    });
    return { sha256: plain.digest('hex'), gitOid: git.digest('hex'), size };
  } catch (error) {
    throw fileError('read', path, error);
  }
}

/** Whether a file is the expected one in every respect that is known, at least one being needed. */
export function isExpected(found: Digests, { sha256, gitOid }: Expected): boolean {
  if (sha256 === undefined && gitOid === undefined) return false;
  return (
    (sha256 === undefined || found.sha256.startsWith(sha256)) &&
    (gitOid === undefined || found.gitOid === gitOid)
  );
}

/** The hash by which the hub names a file: an ETag of 64 digits is SHA-256, one of 40 is Git's. Else nothing. */
export function expectedFromEtag(etag: string): Expected {
  const name = plainEtag(etag);
  if (/^[0-9a-f]{64}$/.test(name)) return { sha256: name };
  return /^[0-9a-f]{40}$/.test(name) ? { gitOid: name } : {};
}

/** `W/"abc"` → `abc`. */
export function plainEtag(etag: string): string {
  return etag.replace(/^W\//, '').replace(/^"(.*)"$/, '$1');
}

/** DOWNLOAD_HASH: the bytes are not the ones that were asked for. */
export function wrongHash(label: string, found: Digests, expected: Expected): GanletError {
  const sha256 = expected.sha256 !== undefined && !found.sha256.startsWith(expected.sha256);
  const [name, wanted, got] = sha256
    ? ['SHA-256', expected.sha256, found.sha256]
    : ['Git hash', expected.gitOid, found.gitOid];
  return new GanletError(
    'DOWNLOAD_HASH',
    `${label} must have the ${name} ${wanted}, the server sent ${got}`,
    {
      hint: 'it was thrown away; check the pinned hash and revision, and whether a proxy changes what passes',
    },
  );
}
