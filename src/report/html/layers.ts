import type { LayerCost } from '../../ops/cost.ts';
import { formatCount } from '../../util/format.ts';
import { html, type Markup } from './markup.ts';
import type { RunReport } from './run-report.ts';

/** The costliest layers; more of them say little. */
const listed = 16;

/** Where the multiply-adds of each network are spent. */
export function layerProfiles({ anatomies }: RunReport): Markup {
  const roles = ['student', 'teacher', 'uniform', 'naive'].filter((role) => anatomies.has(role));
  if (roles.length === 0) return html``;
  const tables = roles.map((role, i) => {
    const { layers } = anatomies.get(role)!;
    return html`<details${i === 0 ? OPEN : undefined}><summary>${role}</summary>${profile(role, layers)}</details>`;
  });
  return html`<h3>Layers</h3>${tables}`;
}

const OPEN: Markup = { markup: ' open' };

function profile(role: string, layers: readonly LayerCost[]): Markup {
  const total = layers.reduce((sum, { macs }) => sum + macs.true, 0);
  const costly = new Set([...layers].sort((a, b) => b.macs.true - a.macs.true).slice(0, listed));
  const shown = layers.filter((layer) => costly.has(layer) && layer.macs.true > 0);
  const most = Math.max(1, ...shown.map(({ macs }) => macs.true));
  const rest = layers.filter((layer) => !shown.includes(layer));
  const share = (macs: number) => `${((100 * macs) / (total || 1)).toFixed(1)} %`;
  const rows = shown.map(({ node, shape, params, macs }) => {
    const name = node.name.endsWith(`/${node.op}`) ? node.name.slice(0, -node.op.length - 1) : node.name;
    return html`<tr><th scope="row">${name}</th><td>${node.op}</td><td class="number">${shape.slice(1).join('×')}</td><td class="number">${formatCount(params)}</td><td class="number">${formatCount(macs.true)}</td><td class="bars" aria-hidden="true"><span class="bar front" style="width:${((100 * macs.true) / most).toFixed(1)}%"></span></td><td class="number">${share(macs.true)}</td></tr>`;
  });
  const left = {
    params: rest.reduce((sum, { params }) => sum + params, 0),
    macs: rest.reduce((sum, { macs }) => sum + macs.true, 0),
  };
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Layers of ${role}"><table class="layers"><thead><tr><th scope="col">layer</th><th scope="col">operator</th><th scope="col" class="number">output</th><th scope="col" class="number">params</th><th scope="col" class="number">MACs</th><th scope="col"><span class="unseen">bar</span></th><th scope="col" class="number">share</th></tr></thead>
<tbody>${rows}<tr><th scope="row">${rest.length} others</th><td></td><td></td><td class="number">${formatCount(left.params)}</td><td class="number">${formatCount(left.macs)}</td><td></td><td class="number">${share(left.macs)}</td></tr></tbody></table></div>`;
}
