import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export const root = join(import.meta.dirname, '../..');

export interface Block {
  /** Line of the opening fence, from 1. */
  line: number;
  language: string;
  text: string;
}

/** A page of the documentation, its parts found by their marks. */
export interface Page {
  /** Relative to the repository. */
  path: string;
  /** Fenced blocks, indented ones (in lists) without their indentation. */
  blocks: Block[];
  /** The page without its fenced blocks. */
  prose: string;
  /** Targets of links and pictures, as written. */
  links: string[];
  /** Texts between single back-quotes. */
  codes: string[];
  headings: string[];
}

/** The pages at these places of the repository; a folder stands for the pages in it. */
export function pages(places: readonly string[]): Page[] {
  return places
    .flatMap((place) =>
      place.endsWith('.md')
        ? [place]
        : readdirSync(join(root, place))
            .filter((name) => name.endsWith('.md'))
            .map((name) => `${place}/${name}`),
    )
    .map(readPage);
}

export function readPage(path: string): Page {
  const blocks: Block[] = [];
  const prose: string[] = [];
  let open: (Block & { indent: number }) | undefined;
  for (const [i, line] of readFileSync(join(root, path), 'utf8').split('\n').entries()) {
    const [, indent, language] = /^(\s*)```(\w*)/.exec(line) ?? [];
    if (indent === undefined) {
      if (open) open.text += `${line.slice(open.indent)}\n`;
      else prose.push(line);
    } else if (open) {
      blocks.push(open);
      open = undefined;
    } else open = { line: i + 1, language: language!, text: '', indent: indent.length };
  }
  if (open) throw new Error(`${path}:${open.line}: the block must end`);
  const text = prose.join('\n');
  const plain = text.replaceAll(/`[^`]*`/g, '');
  return {
    path,
    blocks,
    prose: text,
    links: [...plain.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!),
    codes: [...text.matchAll(/`([^`\n]+)`/g)].map(([, code]) => code!),
    headings: [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading!),
  };
}

/** The path a link of a page leads to, relative to the repository, and its anchor. */
export function target(page: Page, link: string): { path: string; anchor: string | undefined } {
  const [path, anchor] = link.split('#') as [string, string?];
  return { path: path === '' ? page.path : join(dirname(page.path), path), anchor };
}

/** The anchor that GitHub gives a heading. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-');
}
