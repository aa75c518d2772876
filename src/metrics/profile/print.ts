import { formatBytes, formatCount } from '../../util/format.ts';
import type { LayerProfile, Profile } from './result.ts';

const width = 80;
const listed = 12;

/** A profile as text of at most 80 columns: totals, then the layers with the most multiply-adds. Ends with a newline. */
export function printProfile(profile: Profile): string {
  const { name, inputs, outputs, params, macs, fileBytes, latency, engine, layers } = profile;
  const shapes = (ports: Profile['inputs']) =>
    ports.map(({ name: port, shape }) => `${port} ${shape.join('×')}`).join(', ');
  const facts: [string, string][] = [
    ['input', shapes(inputs)],
    ['output', shapes(outputs)],
    ['params', formatCount(params)],
    ['MACs', `${formatCount(macs.true)}  (${formatCount(macs.paper)} as GAN Compression counts)`],
    ['activations', `${formatBytes(profile.peakActivationBytes)} alive at once`],
  ];
  if (fileBytes !== undefined) facts.push(['file', formatBytes(fileBytes)]);
  if (latency && engine) {
    const { median, p5, p95, runs, warmUp } = latency;
    facts.push([
      'latency',
      `${time(median)} median, ${time(p5)} to ${time(p95)} (5 % to 95 %), ${runs} runs after ${warmUp}`,
    ]);
    facts.push([
      'engine',
      `${engine.engine} ${engine.version}, ${engine.provider}, ${engine.threads} ${engine.threads === 1 ? 'thread' : 'threads'}`,
    ]);
    facts.push(['cpu', engine.cpu]);
  }
  const lines = facts.map(([what, value]) => cut(`${what.padEnd(13)}${value}`, width));
  return `${[cut(name, width), '', ...lines, '', ...layerTable(layers, macs.true)].join('\n')}\n`;
}

/** The costliest layers in the order in which they run, and the others as one line. */
function layerTable(layers: readonly LayerProfile[], total: number): string[] {
  const costly = [...layers]
    .sort((a, b) => b.macs.true - a.macs.true || b.params - a.params)
    .slice(0, listed);
  const shown = layers.filter((layer) => costly.includes(layer) && (layer.macs.true > 0 || layer.params > 0));
  const rest = layers.filter((layer) => !shown.includes(layer));
  const sum = (of: (layer: LayerProfile) => number) => rest.reduce((n, layer) => n + of(layer), 0);
  const share = (macs: number) => `${total > 0 ? ((100 * macs) / total).toFixed(1) : '0.0'} %`;
  const row = (name: string, op: string, shape: string, params: string, macs: string, part: string) =>
    `${cut(name, 28).padEnd(28)} ${cut(op, 13).padEnd(13)} ${cut(shape, 13).padStart(13)} ${params.padStart(6)} ${macs.padStart(6)} ${part.padStart(7)}`;
  return [
    row('layer', 'operator', 'output', 'params', 'MACs', 'share'),
    ...shown.map(({ name, op, shape, params, macs }) =>
      row(
        label(name, op),
        op,
        shape.join('×'),
        formatCount(params),
        formatCount(macs.true),
        share(macs.true),
      ),
    ),
    row(
      `${rest.length} others`,
      '',
      '',
      formatCount(sum(({ params }) => params)),
      formatCount(sum(({ macs }) => macs.true)),
      share(sum(({ macs }) => macs.true)),
    ),
  ];
}

/** Nodes of our own networks are called `stage/Operator`; the operator has its own column. */
function label(name: string, op: string): string {
  return name.endsWith(`/${op}`) ? name.slice(0, -op.length - 1) : name;
}

function time(milliseconds: number): string {
  return `${milliseconds.toPrecision(3).includes('e') ? Math.round(milliseconds) : milliseconds.toPrecision(3)} ms`;
}

function cut(text: string, columns: number): string {
  return text.length <= columns ? text : `${text.slice(0, columns - 1)}…`;
}
