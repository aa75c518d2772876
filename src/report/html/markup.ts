/** A piece of HTML that needs no more escaping. */
export interface Markup {
  readonly markup: string;
}

type Part = Markup | string | number | undefined | readonly (Markup | undefined)[];

/** HTML from a template: texts and numbers are escaped, pieces of markup stay, `undefined` is nothing. */
export function html(strings: TemplateStringsArray, ...parts: Part[]): Markup {
  return { markup: strings.map((text, i) => (i === 0 ? text : render(parts[i - 1]) + text)).join('') };
}

/** Text that is HTML already, such as an SVG. */
export function raw(markup: string): Markup {
  return { markup };
}

/** Text for HTML, in elements and in quoted attributes. */
export function escapeText(text: string): string {
  const codes: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text.replaceAll(/[&<>"']/g, (character) => codes[character]!);
}

function render(part: Part): string {
  if (part === undefined) return '';
  if (typeof part === 'string' || typeof part === 'number') return escapeText(String(part));
  if ('markup' in part) return part.markup;
  return part.map((piece) => piece?.markup ?? '').join('');
}
