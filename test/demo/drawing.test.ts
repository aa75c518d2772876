import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

interface Drawing {
  base: string | null;
  strokes: readonly { colour: string; width: number; points: readonly number[] }[];
}

interface DrawingModule {
  empty: Drawing;
  parseDrawing(text: string | null): Drawing | undefined;
  createHistory(first: Drawing): {
    now(): Drawing;
    canUndo(): boolean;
    canRedo(): boolean;
    add(drawing: Drawing): void;
    undo(): void;
    redo(): void;
  };
}

/** The page's modules are plain JavaScript. */
const file: string = '../../src/demo/page/drawing.js';
const { createHistory, empty, parseDrawing } = (await import(file)) as DrawingModule;

const stroke = fc.record({
  colour: fc.integer({ min: 0, max: 0xffffff }).map((n) => `#${n.toString(16).padStart(6, '0')}`),
  width: fc.double({ min: 0, max: 1, noNaN: true }),
  points: fc.array(fc.double({ min: -1, max: 2, noNaN: true })),
});
const drawing: fc.Arbitrary<Drawing> = fc.record({
  base: fc.constantFrom(null, 'examples/0.png', 'data:image/png;base64,AAAA'),
  strokes: fc.array(stroke),
});

describe('a drawing kept by the browser', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(drawing, (drawn) => {
        const text = JSON.stringify(drawn);
        expect(JSON.stringify(parseDrawing(text))).toBe(text);
      }),
    );
  });

  it('that is something else is none', () => {
    const other = fc.oneof(fc.string(), fc.json());
    fc.assert(fc.property(other, (text) => parseDrawing(text) === undefined));
    expect(parseDrawing(null)).toBeUndefined();
    expect(parseDrawing('{"base":"https://example.org/x.png","strokes":[]}')).toBeUndefined();
    expect(parseDrawing('{"base":null,"strokes":[{"colour":"red","width":1,"points":[]}]}')).toBeUndefined();
    expect(
      parseDrawing('{"base":null,"strokes":[{"colour":"#000000","width":1,"points":[null]}]}'),
    ).toBeUndefined();
  });
});

describe('the history of a drawing', () => {
  it('goes back through all actions and forth again', () => {
    fc.assert(
      fc.property(fc.array(drawing, { minLength: 1, maxLength: 20 }), (drawings) => {
        const history = createHistory(empty);
        for (const drawn of drawings) history.add(drawn);
        for (let i = drawings.length - 1; i >= 0; i--) {
          expect(history.now()).toBe(drawings[i]);
          history.undo();
        }
        expect(history.now()).toBe(empty);
        expect(history.canUndo()).toBe(false);
        history.undo();
        for (const drawn of drawings) {
          history.redo();
          expect(history.now()).toBe(drawn);
        }
        expect(history.canRedo()).toBe(false);
      }),
    );
  });

  it('forgets what was undone when something new is drawn', () => {
    const [a, b] = [{ ...empty }, { ...empty }];
    const history = createHistory(empty);
    history.add(a);
    history.undo();
    history.add(b);
    expect(history.canRedo()).toBe(false);
    history.undo();
    expect(history.now()).toBe(empty);
  });
});
