/** Whether `a` is nowhere larger than `b` and somewhere smaller. */
function dominates(a: readonly number[], b: readonly number[]): boolean {
  return a.every((x, i) => x <= b[i]!) && a.some((x, i) => x < b[i]!);
}

/** Indices of the points that no other dominates, in their order; of equal points the first. */
export function paretoFront(points: readonly (readonly number[])[]): number[] {
  return points.flatMap((point, i) => {
    const beaten = points.some(
      (other, j) => dominates(other, point) || (j < i && other.every((x, k) => x === point[k])),
    );
    return beaten ? [] : [i];
  });
}

/**
 * Indices of points from best to worst: by how many fronts must be taken away before a point is on one, then by how far apart
 * its neighbours on the front are, the lonelier first (NSGA-II, Deb et al. 2002).
 */
export function paretoOrder(points: readonly (readonly number[])[]): number[] {
  let left = points.map((_, i) => i);
  const order: number[] = [];
  while (left.length > 0) {
    const front = frontOf(points, left);
    const distance = crowding(front.map((i) => points[i]!));
    const sorted = front.map((i, k) => [i, distance[k]!] as const).sort((a, b) => b[1] - a[1] || a[0] - b[0]);
    order.push(...sorted.map(([i]) => i));
    const taken = new Set(front);
    left = left.filter((i) => !taken.has(i));
  }
  return order;
}

function frontOf(points: readonly (readonly number[])[], among: readonly number[]): number[] {
  return among.filter((i) => !among.some((j) => dominates(points[j]!, points[i]!)));
}

/** For each point of a front the sum over the axes of the distance between its neighbours, parts of the whole; ends infinite. */
function crowding(front: readonly (readonly number[])[]): number[] {
  const distance = new Array<number>(front.length).fill(0);
  for (const axis of front[0]?.keys() ?? []) {
    const order = front.map((_, i) => i).sort((a, b) => front[a]![axis]! - front[b]![axis]! || a - b);
    const span = front[order.at(-1)!]![axis]! - front[order[0]!]![axis]!;
    for (const [k, i] of order.entries()) {
      const [before, after] = [order[k - 1], order[k + 1]];
      if (before === undefined || after === undefined) distance[i] = Number.POSITIVE_INFINITY;
      else if (span > 0) distance[i]! += (front[after]![axis]! - front[before]![axis]!) / span;
    }
  }
  return distance;
}
