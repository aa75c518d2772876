/** Control characters but line feed and tab, and the marks that turn the direction of writing. */
const unseen = /[^\P{Cc}\n\t]|\p{Bidi_Control}/gu;

/**
 * Text that came from outside (names of files, values in recipes) made safe for a terminal: characters that would move the
 * cursor, change colours or reorder the line are written out as `\x1b` or `\u202e`.
 */
export function visible(text: string): string {
  return text.replace(unseen, (character) => {
    const code = character.charCodeAt(0).toString(16);
    return code.length > 2 ? `\\u${code}` : `\\x${code.padStart(2, '0')}`;
  });
}
