import type { Fail } from './fields.ts';
import type { RecipeFields } from './recipe-fields.ts';

/** What a supernet needs of the rest of a recipe. */
export function checkSupernet({ supernet, distill, student, search }: RecipeFields, fail: Fail): void {
  if (!supernet) return;
  if (!student) {
    fail(['student'], 'must be given where supernet is: the network of full width');
    return;
  }
  if (supernet.from === 'distill' && !distill)
    fail(['supernet', 'from'], 'must not be "distill" where there is no distill section');
  const { latency, ...counted } = search?.budget ?? {};
  if (supernet.sampling === 'budget' && Object.keys(counted).length === 0)
    fail(
      ['supernet', 'sampling'],
      `must not be "budget" ${latency === undefined ? 'without a search.budget' : 'where search.budget is a latency: it is not known before the networks are timed'}`,
    );
  const { baseWidth } = student;
  if (baseWidth === undefined) return;
  const lists = Array.isArray(supernet.widths)
    ? [{ path: ['supernet', 'widths'], list: supernet.widths }]
    : Object.entries(supernet.widths).map(([name, list]) => ({ path: ['supernet', 'widths', name], list }));
  for (const { path, list } of lists) {
    for (const [i, width] of list.entries()) {
      if (width > baseWidth)
        fail([...path, String(i)], `must be at most ${baseWidth}, the student's baseWidth, got ${width}`);
    }
  }
}
