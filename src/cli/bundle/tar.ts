/** A file of an archive. `path` with forward slashes, its last part of at most 100 bytes, the folders before of at most 155. */
export interface TarFile {
  readonly path: string;
  readonly data: Uint8Array;
  /** May be run. */
  readonly program?: boolean;
}

const block = 512;

/** A tar archive (POSIX ustar) of regular files. The same files give the same bytes. */
export function tar(files: readonly TarFile[]): Uint8Array[] {
  const parts = files.flatMap((file) => [
    header(file),
    file.data,
    new Uint8Array((block - (file.data.length % block)) % block),
  ]);
  return [...parts, new Uint8Array(2 * block)];
}

function header({ path, data, program = false }: TarFile): Uint8Array {
  const [folder, name] = parted(path);
  const bytes = Buffer.alloc(block);
  const octal = (x: number, at: number, width: number) =>
    bytes.write(`${x.toString(8).padStart(width - 1, '0')}\0`, at, 'latin1');
  bytes.write(name, 0);
  bytes.write(folder, 345);
  octal(program ? 0o755 : 0o644, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(data.length, 124, 12);
  octal(0, 136, 12);
  bytes.write('0', 156);
  bytes.write('ustar\x0000', 257, 'latin1');
  // The checksum counts itself as blanks.
  bytes.fill(' ', 148, 156);
  octal(
    bytes.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  );
  return bytes;
}

/** A long path has its first folders in a field of their own. */
function parted(path: string): [folder: string, name: string] {
  if (Buffer.byteLength(path) <= 100) return ['', path];
  const parts = path.split('/');
  for (let i = 1; i < parts.length; i++) {
    const [folder, name] = [parts.slice(0, i).join('/'), parts.slice(i).join('/')];
    if (Buffer.byteLength(name) <= 100 && Buffer.byteLength(folder) <= 155) return [folder, name];
  }
  throw new RangeError(`${path} must have at most 100 bytes`);
}
