import { element } from './element.js';

/**
 * A button that loads a picture; one can be dropped or pasted as well.
 *
 * @param {(file: Blob) => void} open
 */
export function loadButton(open) {
  /** @param {Blob | null | undefined} file */
  const take = (file) => file && open(file);
  const input = element('input', {
    type: 'file',
    accept: 'image/*',
    className: 'hidden-input',
    onchange: () => {
      take(input.files?.[0]);
      input.value = '';
    },
  });
  document.addEventListener('dragover', (event) => event.preventDefault());
  document.addEventListener('drop', (event) => {
    event.preventDefault();
    take(event.dataTransfer?.files[0]);
  });
  document.addEventListener('paste', (event) => take(event.clipboardData?.files[0]));
  return element('label', { className: 'button' }, ['Load picture', input]);
}
