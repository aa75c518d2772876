/**
 * Calls for single letters, and for Ctrl+Z and Ctrl+Shift+Z, wherever nothing is written into.
 *
 * @param {Readonly<Record<string, () => void>>} letters
 * @param {{ undo(): void, redo(): void }} history
 */
export function listenForKeys(letters, history) {
  document.addEventListener('keydown', (event) => {
    const { target } = event;
    const writes = target instanceof HTMLInputElement && /^(text|search|number)$/.test(target.type);
    if (writes || event.altKey) return;
    const letter = event.key.toLowerCase();
    if (event.ctrlKey || event.metaKey) {
      if (letter !== 'z') return;
      event.preventDefault();
      if (event.shiftKey) history.redo();
      else history.undo();
    } else letters[letter]?.();
  });
}
