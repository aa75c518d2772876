/** What a training depends on, by the name the user knows it by: `distill.lr`, `the pictures`. Values are plain data. */
export type Settings = Readonly<Record<string, unknown>>;

/** The settings of a section, `{ lr: 1 }` as `{ 'distill.lr': 1 }`; sections in it likewise. Lists stay whole. */
export function flatSettings(prefix: string, section: object): Settings {
  return Object.assign(
    {},
    ...Object.entries(section).map(([key, value]) =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? flatSettings(`${prefix}.${key}`, value)
        : { [`${prefix}.${key}`]: value },
    ),
  );
}

/** `distill.lr changed from 0.0002 to 0.1` for each setting that differs; of hashes only that they changed. */
export function changedSettings(before: Settings, now: Settings): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(now)]);
  return [...names].flatMap((name) => {
    const [old, own] = [show(before[name]), show(now[name])];
    if (old === own) return [];
    return [isHash(old) || isHash(own) ? `${name} changed` : `${name} changed from ${old} to ${own}`];
  });
}

/** Changes that are named in a message. */
const named = 5;

/** `since then distill.lr changed from 0.0002 to 0.1, … and 3 more`. */
export function sinceThen(changes: readonly string[]): string {
  const more = changes.length > named ? `, and ${changes.length - named} more` : '';
  return `since then ${changes.slice(0, named).join(', ')}${more}`;
}

function show(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}

function isHash(text: string): boolean {
  return /^"[0-9a-f]{64}"$/.test(text);
}
