import { element } from './element.js';

/** @import { Label } from '../../data/source.ts' */

/** Of more names one would have to search by eye. */
const most = 24;

/**
 * Labels with their names, one of which is chosen.
 *
 * @param {readonly Label[]} labels
 * @param {number} first
 * @param {(label: number) => void} chosen
 */
export function createPalette(labels, first, chosen) {
  const swatches = labels.map(({ name, colour }, i) => {
    const chip = element('span', { className: 'chip' });
    chip.style.backgroundColor = `rgb(${colour.join(' ')})`;
    const radio = element('input', {
      type: 'radio',
      name: 'label',
      checked: i === first,
      oninput: () => chosen(i),
    });
    return element('label', { className: 'option' }, [radio, chip, name]);
  });
  return optionBox('Label', 'Find a label', swatches);
}

/**
 * Class names, one of which is chosen.
 *
 * @param {readonly string[]} classes
 * @param {number} first
 * @param {(number: number) => void} chosen
 */
export function createClasses(classes, first, chosen) {
  const radios = classes.map((_, i) =>
    element('input', { type: 'radio', name: 'class', checked: i === first, oninput: () => chosen(i) }),
  );
  const options = classes.map((name, i) => element('label', { className: 'option' }, [radios[i], name]));
  return {
    element: optionBox('Class', 'Find a class', options),
    /** @param {number} number */
    show(number) {
      radios[number].checked = true;
      options[number].scrollIntoView({ block: 'nearest' });
    },
  };
}

/**
 * @param {string} legend
 * @param {string} find
 * @param {HTMLElement[]} options
 */
function optionBox(legend, find, options) {
  const search = element('input', {
    type: 'search',
    placeholder: find,
    'aria-label': find,
    oninput: () => {
      const wanted = search.value.trim().toLowerCase();
      for (const option of options) {
        option.hidden = !option.textContent?.toLowerCase().includes(wanted);
      }
    },
  });
  return element('fieldset', { className: 'options' }, [
    element('legend', { className: 'small' }, [legend]),
    ...(options.length > most ? [search] : []),
    element('div', { className: 'list' }, options),
  ]);
}
