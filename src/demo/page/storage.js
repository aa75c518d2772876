/**
 * What the browser keeps for the page under a name, as text; nothing where it keeps nothing, or no more.
 *
 * @param {string} name
 */
export function kept(name) {
  const key = `ganlet-demo/${name}`;
  return {
    read() {
      try {
        return window.localStorage.getItem(key);
      } catch {
        return null;
      }
    },
    /** @param {unknown} value as JSON */
    write(value) {
      try {
        window.localStorage.setItem(key, JSON.stringify(value));
      } catch {
        // What was made lasts until the page is left.
      }
    },
  };
}
