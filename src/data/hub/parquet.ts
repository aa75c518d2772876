import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, parquetSchema } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { GanletError } from '../../util/errors.ts';
import { plainBytes } from '../image.ts';

/** Names of the columns of pairs of pictures and their classes. */
export interface PairColumns {
  a: string;
  b: string;
  /** Undefined: the pairs have no classes. */
  label?: string | undefined;
}

/** The files of one row's pictures (PNG, JPEG, …), not decoded; empty where the row has none. Its class: see `EncodedPicture`. */
export interface EncodedPair {
  a: Uint8Array;
  b: Uint8Array;
  label?: string | number;
}

/** Names of the columns of single pictures and their classes. */
export interface LabelledColumns {
  image: string;
  /** Undefined: the pictures have no classes. */
  label?: string | undefined;
}

/** The file of one row's picture, and its class: a name, or a number where the file tells no names. */
export interface EncodedPicture {
  image: Uint8Array;
  label: string | number | undefined;
}

/**
 * The picture pairs of a Parquet file, row by row. One row group is in memory at a time. A picture is a struct
 * {bytes, path}, as the hub's data sets have them, or plain bytes.
 * Throws PARQUET_COLUMN naming the columns there are, PARQUET_INVALID for anything that is not readable Parquet.
 */
export async function* readPairs(path: string, columns: PairColumns): AsyncGenerator<EncodedPair> {
  const { a, b, label } = columns;
  for await (const row of rowsOf(path, { a, b, ...(label !== undefined && { label }) })) {
    const pair = { a: bytesOf(path, a, row[a]), b: bytesOf(path, b, row[b]) };
    yield label === undefined ? pair : { ...pair, label: labelOf(path, label, row[label]) };
  }
}

/** The single pictures of a Parquet file, as `readPairs`. */
export async function* readLabelled(path: string, columns: LabelledColumns): AsyncGenerator<EncodedPicture> {
  const { image, label } = columns;
  for await (const row of rowsOf(path, { image, ...(label !== undefined && { label }) })) {
    const bytes = bytesOf(path, image, row[image]);
    yield { image: bytes, label: label === undefined ? undefined : labelOf(path, label, row[label]) };
  }
}

/** The columns of a Parquet file, and for those of classes the names that the hub's data sets keep beside them. */
export async function describeParquet(
  path: string,
): Promise<{ columns: string[]; classNames(column: string): string[] | undefined }> {
  const { metadata, names } = await openParquet(path);
  const noted = metadata.key_value_metadata?.find(({ key }) => key === 'huggingface')?.value;
  return {
    columns: names,
    classNames(column) {
      try {
        const found: unknown = JSON.parse(noted ?? '').info.features[column].names;
        return Array.isArray(found) && found.every((name) => typeof name === 'string') ? found : undefined;
      } catch {
        return undefined;
      }
    },
  };
}

function openParquet(path: string) {
  return attempt(path, async () => {
    const file = await asyncBufferFromFile(path);
    const metadata = await parquetMetadataAsync(file);
    return { file, metadata, names: parquetSchema(metadata).children.map(({ element }) => element.name) };
  });
}

/** Rows with some columns; `wanted` names them by their keys in data.columns. */
async function* rowsOf(
  path: string,
  wanted: Readonly<Record<string, string>>,
): AsyncGenerator<Record<string, unknown>> {
  const { file, metadata, names } = await openParquet(path);
  for (const [key, column] of Object.entries(wanted)) {
    if (names.includes(column)) continue;
    throw new GanletError(
      'PARQUET_COLUMN',
      `${path} must have the column ${column}, it has ${names.join(', ')}`,
      {
        hint: `name the column of the ${key === 'label' ? 'classes' : 'pictures'} in data.columns.${key}`,
      },
    );
  }
  let rowStart = 0;
  for (const group of metadata.row_groups) {
    const rowEnd = rowStart + Number(group.num_rows);
    yield* await attempt(path, () =>
      parquetReadObjects({
        file,
        metadata,
        compressors,
        columns: [...new Set(Object.values(wanted))],
        rowStart,
        rowEnd,
        utf8: false,
      }),
    );
    rowStart = rowEnd;
  }
}

const isName = /^[^\p{Cc}]{1,100}$/u;

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function labelOf(path: string, column: string, value: unknown): string | number {
  const plain =
    typeof value === 'bigint' ? Number(value) : value instanceof Uint8Array ? textOf(value) : value;
  if (typeof plain === 'string' && isName.test(plain)) return plain;
  if (typeof plain === 'number' && Number.isInteger(plain) && plain >= 0) return plain;
  throw new GanletError(
    'PARQUET_COLUMN',
    `the column ${column} of ${path} must hold classes, names or numbers of at least 0, it holds others`,
    { hint: 'name the column of the classes in data.columns.label' },
  );
}

function bytesOf(path: string, column: string, value: unknown): Uint8Array {
  const bytes =
    value instanceof Uint8Array || value === null || typeof value !== 'object' || !('bytes' in value)
      ? value
      : value.bytes;
  if (bytes instanceof Uint8Array)
    return plainBytes(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  if (bytes === null || bytes === undefined) return new Uint8Array();
  throw new GanletError(
    'PARQUET_COLUMN',
    `the column ${column} of ${path} must hold pictures, it holds other values`,
    {
      hint: 'name the columns of the pictures in data.columns',
    },
  );
}

/** Whatever the reader trips over is a fault of the file. */
async function attempt<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof GanletError) throw error;
    const reason = (error instanceof Error ? error.message : String(error)).split('\n')[0];
    throw new GanletError('PARQUET_INVALID', `${path} must be a Parquet file that can be read: ${reason}`, {
      hint: 'fetch or write the file again',
      cause: error,
    });
  }
}
