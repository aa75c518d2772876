import { type HubFile, type HubRepo, parseAddress, repoLabel } from '../data/hub/address.ts';
import { findCached } from '../data/hub/cache.ts';
import { type Downloaded, downloadFile, downloadFiles } from '../data/hub/download.ts';
import { downloadUrl } from '../data/hub/https.ts';
import { findKnown, knownFiles, unknownName } from '../data/hub/known.ts';
import { type ListedFile, remoteCommit, remoteListing } from '../data/hub/remote.ts';
import { patience } from '../data/hub/request.ts';
import { type HubSettings, hubSettings } from '../data/hub/settings.ts';
import { fetchNetwork, isFetched } from '../metrics/networks/fetch.ts';
import { findPublished, type PublishedWeights, publishedWeights } from '../metrics/networks/published.ts';
import { GanletError } from '../util/errors.ts';
import { formatBytes } from '../util/format.ts';
import { createLog, type Log } from '../util/log.ts';
import { type Progress, progress } from '../util/progress.ts';
import { table } from '../util/table.ts';
import { usageError } from './options.ts';

export interface PullArguments {
  name: string | undefined;
  revision: string | undefined;
  sha256: string | undefined;
  offline: boolean;
  list: boolean;
  atOnce: number | undefined;
  quiet: boolean;
}

interface Pull extends PullArguments {
  settings: HubSettings;
  log: Log;
}

const help = 'ganlet pull --help lists its arguments';

/**
 * Fetches what was named and writes a line "<sha256>  <path>" for each file, as `sha256sum` reads it, to stdout.
 * Progress and how to pin what was found go to stderr.
 */
export async function pull(args: PullArguments): Promise<void> {
  const { name, sha256, list } = args;
  if (sha256 !== undefined && !/^[0-9a-f]{64}$/i.test(sha256)) {
    throw usageError(`--sha256 must be 64 hexadecimal digits, got ${JSON.stringify(sha256)}`, help);
  }
  const environment = hubSettings();
  const settings = { ...environment, offline: environment.offline || args.offline };
  const it: Pull = { ...args, settings, log: createLog(args.quiet ? 'warn' : 'info') };
  if (name === undefined) {
    if (!list)
      throw usageError('<name> is missing: ganlet pull <name>', 'ganlet pull --list shows the known names');
    return listKnown(it);
  }
  if (/^[a-z]+:\/\//i.test(name)) return pullUrl(name, it);
  const published = findPublished(name);
  if (published) return pullPublished(published, it);
  const known = findKnown(name);
  if (known) {
    if (list) return listRepo(known.repo, { ...it, revision: it.revision ?? known.revision });
    if (sha256 !== undefined && known.files.length > 1) throw oneFile(name);
    const revision = it.revision ?? known.revision;
    return pullFiles(
      known.files.map((entry) => ({
        repo: known.repo,
        ...entry,
        ...(sha256 && { sha256 }),
        ...(revision && { revision }),
      })),
      it,
    );
  }
  const address = parseAddress(name);
  if (!address) {
    const networks = publishedWeights.map((each) => each.name);
    throw unknownName(name, networks);
  }
  const { repo, file } = address;
  if (list) return listRepo(repo, it);
  if (file === undefined) return pullRepo(repo, it);
  return pullFiles(
    [{ repo, file, ...(it.revision && { revision: it.revision }), ...(sha256 && { sha256 }) }],
    it,
  );
}

/** One after the other: each has its own line of progress. */
async function pullFiles(files: readonly HubFile[], it: Pull): Promise<void> {
  for (const file of files) {
    const shown = bar(file.file, it);
    const options = { settings: it.settings, onProgress: shown.update, onWarning: it.log.warn };
    const got = await downloadFile(file, options).finally(shown.end);
    print(got);
    if (file.sha256 === undefined) it.log.info(pinning(got));
  }
}

/** A whole repository, several files at a time, one line of progress for all. */
async function pullRepo(repo: HubRepo, it: Pull): Promise<void> {
  if (it.sha256 !== undefined) throw oneFile(repoLabel(repo));
  const { commit, files } = await remoteFiles(repo, it);
  const size = files.reduce((sum, file) => sum + file.size, 0);
  it.log.info(`${repoLabel(repo)} at ${commit}: ${files.length} files, ${formatBytes(size)}`);
  const shown = bar(repoLabel(repo), it);
  const got = await downloadFiles(
    files.map(({ file }) => ({ repo, file, revision: commit })),
    {
      settings: it.settings,
      ...(it.atOnce !== undefined && { atOnce: it.atOnce }),
      onProgress: (held) => shown.update(held, size),
    },
  ).finally(shown.end);
  for (const file of got) print(file);
  it.log.info(`to pin it: ganlet pull ${repoLabel(repo)} --revision ${commit}`);
}

async function pullUrl(url: string, it: Pull): Promise<void> {
  if (it.list) throw usageError('--list is for names and repositories, not for an address', help);
  if (it.revision !== undefined) throw usageError('--revision is for the hub, an address has none', help);
  if (it.sha256 === undefined) {
    throw usageError(`${url} must come with --sha256: nothing else says what is right`, help);
  }
  const shown = bar(new URL(url).pathname.split('/').at(-1) ?? url, it);
  const { offline } = it.settings;
  const got = await downloadUrl({ url, sha256: it.sha256 }, { offline, onProgress: shown.update }).finally(
    shown.end,
  );
  print(got);
}

/** Weights that are published elsewhere than on the hub: fetched, converted, and kept as the metrics use them. */
async function pullPublished(published: PublishedWeights, it: Pull): Promise<void> {
  const { name } = published;
  for (const [option, value] of Object.entries({ revision: it.revision, sha256: it.sha256 })) {
    if (value === undefined) continue;
    throw usageError(`--${option} is not for ${name}: its weights are pinned by their hash`, help);
  }
  if (it.list) throw usageError(`--list is for repositories, ${name} is one network`, help);
  let shown: { file: string; bar: ReturnType<typeof bar> } | undefined;
  const got = await fetchNetwork(published, {
    offline: it.settings.offline,
    onProgress(file, held, size) {
      if (shown?.file !== file) {
        shown?.bar.end();
        shown = { file, bar: bar(file, it) };
      }
      shown.bar.update(held, size);
    },
  }).finally(() => shown?.bar.end());
  print(got);
}

async function listKnown({ settings }: Pull): Promise<void> {
  const networks = await Promise.all(
    publishedWeights.map(async (published) => ({
      name: published.name,
      kind: published.linear ? 'lpips' : 'features',
      here: (await isFetched(published)) ? 'yes' : '',
      from: new URL(published.weights.url).host,
      note: published.note,
    })),
  );
  const files = await Promise.all(
    knownFiles.map(async (known) => {
      const { repo, revision } = known;
      const found = await Promise.all(
        known.files.map(({ file }) =>
          findCached(settings.cache, { repo, file, ...(revision && { revision }) }),
        ),
      );
      return { ...known, here: found.every(Boolean) ? 'yes' : '', from: repoLabel(repo) };
    }),
  );
  const rows = [...networks, ...files];
  const columns = (['name', 'kind', 'here', 'from', 'note'] as const).map((key) => ({
    title: key === 'note' ? 'what' : key,
    value: (row: (typeof rows)[number]) => row[key],
  }));
  process.stdout.write(table(rows, columns, 'md'));
}

async function listRepo(repo: HubRepo, it: Pull): Promise<void> {
  const { commit, files } = await remoteFiles(repo, it);
  it.log.info(`${repoLabel(repo)} at ${commit}`);
  const columns = [
    { title: 'file', value: ({ file }: ListedFile) => file },
    { title: 'bytes', value: ({ size }: ListedFile) => size },
    { title: 'SHA-256', value: ({ sha256 }: ListedFile) => sha256 },
  ];
  process.stdout.write(table(files, columns, 'md'));
}

async function remoteFiles(repo: HubRepo, it: Pull): Promise<{ commit: string; files: ListedFile[] }> {
  if (it.settings.offline) {
    throw new GanletError('HUB_OFFLINE', `the files of ${repoLabel(repo)} cannot be listed offline`, {
      hint: `name one: ganlet pull ${repoLabel(repo)}/<file>`,
    });
  }
  const access = { settings: it.settings, patience };
  const commit = await remoteCommit(repo, it.revision ?? 'main', access);
  return { commit, files: await remoteListing(repo, commit, access) };
}

/** A progress line in MiB that begins with the first byte. */
function bar(label: string, { quiet }: Pull): { update(held: number, size: number): void; end(): void } {
  const mebibytes = (bytes: number) => Math.ceil(bytes / 2 ** 20);
  let shown: Progress | undefined;
  return {
    update(held, size) {
      if (quiet) return;
      shown ??= progress({ total: mebibytes(size), label: `${label}, MiB` });
      shown.update(mebibytes(held));
    },
    end: () => shown?.end(),
  };
}

function print({ sha256, path }: { sha256: string; path: string }): void {
  process.stdout.write(`${sha256}  ${path}\n`);
}

function pinning({ file, commit, sha256 }: Downloaded): string {
  const address = `${repoLabel(file.repo)}/${file.file}`;
  return `as the hub says; to pin it: ganlet pull ${address} --revision ${commit} --sha256 ${sha256}`;
}

function oneFile(name: string): GanletError {
  return usageError(`--sha256 is for one file, ${name} is several`, `ganlet pull ${name} --list shows them`);
}
