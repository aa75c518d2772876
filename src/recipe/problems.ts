import { type Document, isMap, isNode, isScalar, isSeq, type LineCounter } from 'yaml';
import type { z } from 'zod';
import type { Override } from './overrides.ts';

type Path = readonly PropertyKey[];

/** Says where in a recipe a key stands: `quick.yaml:4:9`, or the flag that set it: `--set data.size=3`. */
export type Locate = (path: Path) => string;

interface Place {
  text: string;
  /** For the order in which problems are listed: flags come before the file. */
  offset: number;
}

/** Finds the place of a value, or of its key (`at`). */
type Find = (path: Path, at?: 'key') => Place;

/**
 * Finds places in a parsed recipe. A section stands at its key, and a key that is not there at the key of the
 * section it is missing from.
 */
export function locator(
  file: string,
  document: Document.Parsed,
  lines: LineCounter,
  overrides: readonly Override[],
): Find {
  const inFile = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { text: `${file}:${line}:${col}`, offset };
  };
  return (path, at) => {
    for (let length = path.length; length > 0; length--) {
      const part = path.slice(0, length);
      const setter = overrides.findLast((entry) => startsWith(part, entry.path));
      if (setter) return { text: setter.flag, offset: -1 };
      const offset = offsetOf(document, part, at);
      if (offset !== undefined) return inFile(offset);
      const maker = overrides.findLast((entry) => startsWith(entry.path, part));
      if (maker) return { text: maker.flag, offset: -1 };
    }
    return inFile(document.contents?.range[0] ?? 0);
  };
}

/**
 * zod's issues as lines `file:line:column  key must be …, got …`, in the order of the file, one for each key.
 * `data` is what was parsed, for the `got`.
 */
export function describeIssues(issues: readonly z.core.$ZodIssue[], data: unknown, find: Find): string[] {
  const problems = new Map<string, Place & { line: string }>();
  const add = (path: Path, rule: string, place: Place) => {
    const key = path.length === 0 ? 'the recipe' : path.join('.');
    if (!problems.has(key)) problems.set(key, { ...place, line: `${place.text}  ${key} ${rule}` });
  };
  for (const issue of issues) {
    if (issue.code === 'unrecognized_keys') {
      const rules = issue.message.split('\n');
      issue.keys.forEach((key, index) => {
        const path = [...issue.path, key];
        add(path, rules[index]!, find(path, 'key'));
      });
    } else if (issue.path.length === 0 && issue.code === 'invalid_type') {
      add([], `must be "key: value" lines, got ${show(data)}`, find([]));
    } else {
      const got = issue.code === 'custom' ? '' : `, got ${show(valueAt(data, issue.path))}`;
      add(issue.path, issue.message + got, find(issue.path));
    }
  }
  return [...problems.values()].sort((a, b) => a.offset - b.offset).map((problem) => problem.line);
}

/** A value for the end of a sentence, short: `"big"`, `3.5`, `a list`, `nothing`. */
export function show(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'a section';
  if (typeof value !== 'string') return String(value);
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}…` : value);
}

function startsWith(path: Path, start: Path): boolean {
  return start.length <= path.length && start.every((key, index) => String(key) === String(path[index]));
}

function valueAt(data: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, key)
        ? (value as Record<PropertyKey, unknown>)[key]
        : undefined,
    data,
  );
}

/** Where the value at `path` begins in the text; its key if that is asked for, or the value is empty or a section. */
function offsetOf(document: Document.Parsed, path: Path, at?: 'key'): number | undefined {
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  const key = path.at(-1);
  if (isSeq(parent)) return start(parent.items[Number(key)]);
  if (!isMap(parent)) return undefined;
  const pair = parent.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key));
  if (!pair) return undefined;
  const { value } = pair;
  const empty = isScalar(value) && value.value === null;
  return at === 'key' || empty || isMap(value) || !isNode(value) ? start(pair.key) : start(value);
}

function start(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}
