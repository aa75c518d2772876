import { html, type Markup } from './markup.ts';
import type { RunReport } from './run-report.ts';

/** Where the numbers come from: machine, data, feature network, seed, hashes, and the recipe with every default. */
export function provenance({ metrics, cards, results, recipe }: RunReport): Markup {
  const { backend, data, features, split, count, size } = metrics;
  const card = cards.get('student') ?? cards.get('teacher');
  const threads = backend.threads === 1 ? 'thread' : 'threads';
  const facts: [string, string | undefined][] = [
    ['Measured on', `${count} ${split} pictures of ${size}×${size} pixels`],
    ['Data', `${data.source} (hash ${data.hash.slice(0, 16)})`],
    [
      'Feature network',
      features && `${features.feature} (${features.network.slice(0, 16)}); ${features.preprocessing}`,
    ],
    ['Machine', `${backend.cpu}, ${backend.provider}, ${backend.threads} ${threads}`],
    ['Engine', `${backend.engine} ${backend.version}`],
    ['Seed', card?.seed === undefined ? undefined : String(card.seed)],
    ['Tool', card?.tool],
    ...results.map(({ model }): [string, string] => [`SHA-256 of ${model.role}`, model.sha256]),
  ];
  const rows = facts.map(([name, value]) => value && html`<div><dt>${name}</dt><dd>${value}</dd></div>`);
  const credit = attributionOf(cards);
  return html`<h3>Where this comes from</h3>
<dl class="facts">${rows.filter((row) => row !== undefined && row !== '')}</dl>
${credit === undefined ? undefined : html`<p>${credit}</p>`}
${recipe === undefined ? undefined : html`<details><summary>Recipe, with every default</summary><pre>${recipe}</pre></details>`}`;
}

/** The credit that the data asks for. */
export function attributionOf(cards: RunReport['cards']): string | undefined {
  for (const { data } of cards.values()) if (data?.attribution) return data.attribution;
  return undefined;
}
