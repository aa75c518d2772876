/** What an entry of `openmoji/data/openmoji.json` says about one picture (more fields exist). */
export interface OpenmojiEntry {
  hexcode: string;
  annotation: string;
  /** Empty for the default yellow tone, else which tone or tones. */
  skintone: string | number;
}

const people = new Set(
  'man woman men women person people male female boy girl boys girls child adult baby s and'.split(' '),
);

/** Names that say the same thing in words the general rule cannot see. */
const aliases: Record<string, string> = {
  princess: 'prince',
  'mrs claus': 'claus',
  'mx claus': 'claus',
  'santa claus': 'claus',
  older: 'old',
};

/**
 * The concept that a picture's name stands for: skin tone, hair, gender, age words, company and walking
 * direction are dropped. "woman judge: dark skin tone" → "judge", "man: red hair" → "person",
 * "kiss: woman, man" → "kiss".
 */
export function conceptOfName(annotation: string): string {
  const plain = annotation
    .toLowerCase()
    .replace(/^(family|kiss|couple with heart):.*$/, '$1')
    .replace(/: .*\b(skin tone|hair|bald|beard|facing right)\b.*$/, '');
  const words = plain.split(/[^\p{L}\p{N}]+/u).filter((word) => word && !people.has(word));
  const name = words.join(' ') || 'person';
  return aliases[name] ?? name;
}

/**
 * The concept that a picture's code points stand for: joined ♀, ♂, → and hair, skin tones and variation
 * selectors are dropped, and man, woman, child count as person. "1F9D9-200D-2640-FE0F" → "1F9D9".
 */
export function conceptOfHexcode(hexcode: string): string {
  return hexcode
    .replaceAll(/-1F3F[B-F]/g, '')
    .replaceAll('-FE0F', '')
    .replaceAll(/-200D-(2640|2642|27A1|1F9B[0-3])(?=-|$)/g, '')
    .replaceAll(/\b(1F468|1F469|1F466|1F467|1F9D2)\b/g, '1F9D1');
}

/**
 * One concept name per entry (same order). Entries that agree in either concept, directly or through others,
 * share one: "mermaid" and "merman" meet through their code points, "pregnant man" and "pregnant woman"
 * through their names. Pass every entry of the data set, also those not used, so that the names do not
 * depend on what is later filtered out.
 */
export function openmojiConcepts(entries: readonly OpenmojiEntry[]): string[] {
  const parents = new Map<string, string>();
  const root = (key: string): string => {
    const parent = parents.get(key) ?? key;
    if (parent === key) return key;
    const top = root(parent);
    parents.set(key, top);
    return top;
  };
  for (const { annotation, hexcode } of entries) {
    const name = root(`name ${conceptOfName(annotation)}`);
    const code = root(`code ${conceptOfHexcode(hexcode)}`);
    // The smaller name leads, so the outcome does not depend on the order of the entries.
    if (name !== code)
      parents.set(...(leads(name, code) ? ([code, name] as const) : ([name, code] as const)));
  }
  return entries.map(({ annotation }) => root(`name ${conceptOfName(annotation)}`).slice('name '.length));
}

function leads(a: string, b: string): boolean {
  const [aIsName, bIsName] = [a.startsWith('name '), b.startsWith('name ')];
  return aIsName === bIsName ? a < b : aIsName;
}
