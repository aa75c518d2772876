import type { DataSourceName } from './names.ts';
import type { RecipeFields } from './recipe-fields.ts';

type Data = RecipeFields['data'];
type Fail = (path: readonly string[], message: string) => void;

/** Keys that only some sources have, in the order of the recipe. */
const owners = {
  repo: ['hub'],
  revision: ['hub'],
  columns: ['parquet', 'hub'],
  labels: ['labelmap', 'emoji-labels'],
  dontCare: ['labelmap'],
  edges: ['labelmap'],
  from: ['emoji-pairs', 'emoji-labels'],
  to: ['emoji-pairs', 'emoji-labels'],
  aligned: ['emoji-pairs'],
  styles: ['emoji-classes'],
} as const satisfies Partial<Record<keyof Data, readonly DataSourceName[]>>;

/** Sources that read from a folder of the user's. */
const needPath: readonly DataSourceName[] = [
  'aligned',
  'folders',
  'unpaired',
  'labelmap',
  'folder',
  'parquet',
];

/** Reports keys of `data` that its source does not have, or does not do without. */
export function checkData({ data }: Pick<RecipeFields, 'data'>, fail: Fail): void {
  const { source, path, repo, labels, dontCare, from, to, columns } = data;
  if (source === 'hub') {
    if (repo === undefined)
      fail(['data', 'repo'], 'must be given for the source hub: owner/name of a data set');
    if (path !== undefined)
      fail(['data', 'path'], 'must be left out for the source hub, which has data.repo');
  }
  for (const [key, sources] of Object.entries(owners)) {
    if (data[key as keyof typeof owners] === undefined) continue;
    if ((sources as readonly DataSourceName[]).includes(source)) continue;
    fail(['data', key], `must be left out for the source ${source}: it is for ${sources.join(' and ')}`);
  }
  if (path === undefined && needPath.includes(source))
    fail(['data', 'path'], `must be given for the source ${source}: the folder of the pictures`);
  if (columns && (columns.a ?? columns.b) !== undefined) {
    for (const key of ['image', 'label'] as const)
      if (columns[key] !== undefined)
        fail(['data', 'columns', key], 'must be left out where a or b is given: those are of pairs');
  }
  if (source === 'labelmap') {
    if (labels === undefined)
      fail(
        ['data', 'labels'],
        'must be given for the source labelmap: how many labels there are, or their names',
      );
    const count = typeof labels === 'number' ? labels : (labels?.length ?? 0);
    if (dontCare !== undefined && dontCare < count)
      fail(['data', 'dontCare'], `must be at least ${count}, as smaller values are labels, got ${dontCare}`);
  }
  if (Array.isArray(labels)) {
    if (new Set(labels).size < labels.length) fail(['data', 'labels'], 'must not name anything twice');
    if (source === 'emoji-labels')
      fail(['data', 'labels'], 'must be a number for the source emoji-labels: its labels are colours');
  } else if (source === 'emoji-labels' && labels !== undefined && labels > 64)
    fail(['data', 'labels'], `must be at most 64 for the source emoji-labels, got ${labels}`);
  if (source === 'emoji-pairs' && (from ?? 'openmoji') === (to ?? 'noto'))
    fail(['data', 'to'], `must not be data.from, ${to ?? 'noto'}: nothing would be left to learn`);
}
