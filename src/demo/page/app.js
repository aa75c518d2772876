import { byId, element } from './element.js';
import { decimal } from './format.js';
import { createControl } from './inputs.js';
import { createPanel } from './panel.js';

/** @import { Catalogue } from '../catalogue.ts' */

try {
  await start();
} catch (error) {
  byId('summary').textContent =
    `The demo cannot be started: ${error instanceof Error ? error.message : String(error)}`;
}

async function start() {
  const response = await fetch('catalogue.json');
  if (!response.ok) throw new Error(`catalogue.json: ${response.status}`);
  /** @type {Catalogue} */
  const catalogue = await response.json();
  const { title, models, attribution, tool, size } = catalogue;
  const stage = byId('stage');
  document.title = `${title} – ganlet demo`;
  byId('title').textContent = title;
  byId('attribution').textContent = attribution ?? '';
  byId('tool').textContent = `Made with ${tool}. Everything runs in this browser; nothing is uploaded.`;

  let dirty = false;
  const control = createControl(catalogue, () => {
    // However many changes arrive, pictures are asked for once a frame.
    if (dirty) return;
    dirty = true;
    requestAnimationFrame(() => {
      dirty = false;
      const question = control.read();
      for (const panel of panels) panel.show(question);
    });
  });

  const query = new URLSearchParams(location.search);
  const teachers = models.filter(({ role }) => role === 'teacher');
  const students = models.filter(({ role }) => role === 'student');
  const shown = [students, teachers].filter((list) => list.length > 0);
  const panels = shown.map((list, i) =>
    createPanel({
      role: list === teachers ? 'teacher' : 'student',
      models: list,
      size,
      reference: teachers.at(-1),
      network: { threads: threadsFor(shown.length, query), engine: query.get('engine') },
      engine: (label) => {
        byId('engine').textContent = `Computed by ONNX Runtime Web: ${label} for each network.`;
      },
      wanted: () => panels[i]?.show(control.read()),
      measured: () => summarise(),
    }),
  );
  const summarise = () => {
    const [student, teacher] = panels.map((panel) => panel.milliseconds());
    const [first, second] = panels.map((panel) => panel.name());
    byId('summary').textContent =
      student === undefined
        ? `${control.hint}: the networks follow.`
        : teacher === undefined
          ? `${first}: ${decimal(student)} ms for a picture in this browser.`
          : compare([first, student], [second, teacher]);
  };
  const part = (/** @type {string} */ className, /** @type {HTMLElement[]} */ children) =>
    element('div', { className }, children);
  stage.append(
    part('column', [control.surface, part('tools', control.tools)]),
    part('column', [
      part(
        'panels',
        panels.map((panel) => panel.element),
      ),
      ...(control.extras.length > 0 ? [part('extras', control.extras)] : []),
    ]),
  );
  summarise();
  await control.start();
  stage.setAttribute('aria-busy', 'false');
}

/**
 * Which of two networks is faster, in words; those within a twentieth are called equal.
 *
 * @param {[name: string | undefined, milliseconds: number]} student
 * @param {[name: string | undefined, milliseconds: number]} teacher
 */
function compare([student, first], [teacher, second]) {
  const times = second / first;
  if (times >= 1.05) return `${student} is ${decimal(times)}× faster than ${teacher} in this browser.`;
  if (times > 1 / 1.05) return `${student} and ${teacher} are equally fast in this browser.`;
  return `${student} is ${decimal(1 / times)}× slower than ${teacher} in this browser.`;
}

/**
 * Threads of each network, so that those shown together do not wait for each other: a share of the cores, where the page may
 * use threads at all. `?threads=1` in the address says otherwise.
 *
 * @param {number} networks
 * @param {URLSearchParams} query
 */
function threadsFor(networks, query) {
  if (!crossOriginIsolated) return 1;
  const asked = Number(query.get('threads'));
  if (Number.isInteger(asked) && asked > 0) return Math.min(asked, 64);
  return Math.min(4, Math.max(1, Math.floor(navigator.hardwareConcurrency / networks)));
}
