import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, parquetSchema } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { GanletError } from '../../util/errors.ts';
import { plainBytes } from '../image.ts';

/** Names of the two columns with pictures. */
export interface PictureColumns {
  a: string;
  b: string;
}

/** The files of one row's pictures (PNG, JPEG, …), not decoded; empty where the row has none. */
export interface EncodedPair {
  a: Uint8Array;
  b: Uint8Array;
}

/**
 * The picture pairs of a Parquet file, row by row. One row group is in memory at a time. A picture is a struct
 * {bytes, path}, as the hub's data sets have them, or plain bytes.
 * Throws PARQUET_COLUMN naming the columns there are, PARQUET_INVALID for anything that is not readable Parquet.
 */
export async function* readPairs(path: string, columns: PictureColumns): AsyncGenerator<EncodedPair> {
  const { file, metadata, names } = await attempt(path, async () => {
    const file = await asyncBufferFromFile(path);
    const metadata = await parquetMetadataAsync(file);
    return { file, metadata, names: parquetSchema(metadata).children.map(({ element }) => element.name) };
  });
  for (const [key, column] of Object.entries(columns)) {
    if (names.includes(column)) continue;
    throw new GanletError(
      'PARQUET_COLUMN',
      `${path} must have the column ${column}, it has ${names.join(', ')}`,
      {
        hint: `name the column of the pictures in data.columns.${key}`,
      },
    );
  }
  let rowStart = 0;
  for (const group of metadata.row_groups) {
    const rowEnd = rowStart + Number(group.num_rows);
    const rows = await attempt(path, () =>
      parquetReadObjects({
        file,
        metadata,
        compressors,
        columns: [...new Set([columns.a, columns.b])],
        rowStart,
        rowEnd,
        utf8: false,
      }),
    );
    for (const row of rows) {
      yield { a: bytesOf(path, columns.a, row[columns.a]), b: bytesOf(path, columns.b, row[columns.b]) };
    }
    rowStart = rowEnd;
  }
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
