import { element } from './element.js';

/** @import { CatalogueExample } from '../catalogue.ts' */

/**
 * A row of buttons, one for each test input; nothing without any.
 *
 * @param {string} title
 * @param {readonly CatalogueExample[]} examples
 * @param {(example: CatalogueExample, i: number) => Node | string} show what is on its button
 * @param {(example: CatalogueExample) => void} choose
 */
export function testInputs(title, examples, show, choose) {
  const buttons = examples.map((example, i) => {
    const shown = show(example, i);
    const className = typeof shown === 'string' ? 'example-name' : 'example';
    return element(
      'button',
      { type: 'button', className, title: example.name, onclick: () => choose(example) },
      [shown],
    );
  });
  return {
    elements:
      examples.length === 0
        ? []
        : [
            element('div', {}, [
              element('h2', { className: 'small' }, [title]),
              element('div', { className: 'examples', role: 'group', 'aria-label': title }, buttons),
            ]),
          ],
    /** @param {(example: CatalogueExample) => boolean} chosen */
    mark(chosen) {
      for (const [i, button] of buttons.entries()) {
        button.setAttribute('aria-pressed', String(chosen(examples[i])));
      }
    },
  };
}
