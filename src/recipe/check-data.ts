import type { RecipeFields } from './recipe-fields.ts';
import { dataSources, givenAndMade, rulesOf, type SourceKey, sourceKeys, usualValues } from './sources.ts';

type Fail = (path: readonly string[], message: string) => void;

/** Reports keys of `data` that its source does not have, or does not do without. */
export function checkData({ data }: Pick<RecipeFields, 'data'>, fail: Fail): void {
  const { source, path, repo, labels, dontCare, columns } = data;
  if (source === 'hub') {
    if (repo === undefined)
      fail(['data', 'repo'], 'must be given for the source hub: owner/name of a data set');
    if (path !== undefined)
      fail(['data', 'path'], 'must be left out for the source hub, which has data.repo');
  }
  const rules = rulesOf(source);
  const usual: Partial<Record<SourceKey, string>> = usualValues;
  for (const key of sourceKeys) {
    if (data[key] === usual[key] || rules.keys.includes(key)) continue;
    const owners = dataSources.filter((name) => rulesOf(name).keys.includes(key));
    const listed = [owners.slice(0, -1).join(', '), owners.at(-1)].filter(Boolean).join(' and ');
    fail(['data', key], `must be left out for the source ${source}: it is for ${listed}`);
  }
  if (rules.pictures(data) === false) {
    const refuse = (key: readonly string[]) =>
      fail(['data', ...key], `must be left out for the source ${source}, whose conditions are no pictures`);
    if (rules.keys.includes('direction') && data.direction !== usual.direction) refuse(['direction']);
    if (data.channels.condition !== 3) refuse(['channels', 'condition']);
  }
  if (path === undefined && rules.path === 'pictures')
    fail(['data', 'path'], `must be given for the source ${source}: the folder of the pictures`);
  if (columns?.image !== undefined && (columns.a ?? columns.b) !== undefined)
    fail(['data', 'columns', 'image'], 'must be left out where a or b is given: those are of pairs');
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
  if (data.categories && data.aligned === false)
    fail(['data', 'categories'], 'must be left out where data.aligned is false: classes go with pairs');
  const { from, to } = givenAndMade('emoji-pairs', data);
  if (source === 'emoji-pairs' && from === to)
    fail(['data', 'to'], `must not be data.from, ${to}: nothing would be left to learn`);
}
