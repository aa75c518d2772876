import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { poolFeeds, poolMoves } from '../../src/train/image-pool.ts';
import { rng } from '../../src/util/rng.ts';

/** The pool as the CycleGAN repository has it, picture by picture, on names of pictures. */
function literalPool(capacity: number) {
  const images: string[] = [];
  return {
    images,
    query: (picture: string, { swap, slot }: { swap: boolean; slot: number }) => {
      if (images.length < capacity) {
        images.push(picture);
        return picture;
      }
      if (!swap) return picture;
      const old = images[slot]!;
      images[slot] = picture;
      return old;
    },
  };
}

const draws = (capacity: number) =>
  fc.record({ swap: fc.boolean(), slot: fc.integer({ min: 0, max: capacity - 1 }) });

describe('an image pool', () => {
  it('moves pictures as the original does, over any number of steps', () => {
    const runs = fc.integer({ min: 1, max: 5 }).chain((capacity) =>
      fc.integer({ min: 1, max: 4 }).chain((batch) =>
        fc.record({
          capacity: fc.constant(capacity),
          batch: fc.constant(batch),
          steps: fc.array(fc.array(draws(capacity), { minLength: batch, maxLength: batch }), {
            maxLength: 12,
          }),
        }),
      ),
    );
    fc.assert(
      fc.property(runs, ({ capacity, batch, steps }) => {
        const original = literalPool(capacity);
        let held: (string | undefined)[] = new Array(capacity).fill(undefined);
        for (const [step, drawn] of steps.entries()) {
          const pictures = drawn.map((_, i) => `step ${step} picture ${i}`);
          const expected = pictures.map((picture, i) => original.query(picture, drawn[i]!));
          const { seen, kept } = poolMoves(Math.min(capacity, step * batch), capacity, drawn);
          const all = [...held, ...pictures];
          expect(Array.from(seen, (place) => all[place])).toEqual(expected);
          held = Array.from(kept, (place) => all[place]);
          expect(held.filter((picture) => picture !== undefined)).toEqual(original.images);
        }
      }),
    );
  });

  it('shows an old picture about every second time once it is full, and never before', () => {
    const [capacity, batch, steps] = [50, 4, 400];
    let old = 0;
    for (let step = 0; step < steps; step++) {
      const { 'pool/seen': seen } = poolFeeds('pool', rng(3, 'pool', step), step, batch, capacity);
      const swapped = Array.from(seen!.data as Int32Array).filter(
        (place, i) => place !== capacity + i,
      ).length;
      if ((step + 1) * batch <= capacity) expect(swapped).toBe(0);
      old += swapped;
    }
    const asked = steps * batch - capacity;
    expect(old / asked).toBeGreaterThan(0.45);
    expect(old / asked).toBeLessThan(0.55);
  });

  it('does the same in a step whichever steps were asked for before', () => {
    const at = (step: number) => poolFeeds('pool', rng(9, 'pool', step), step, 3, 7);
    const third = at(3);
    at(8);
    expect(at(3)).toEqual(third);
  });
});
