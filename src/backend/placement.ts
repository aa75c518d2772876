import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as ort from 'onnxruntime-node';

/** Looks where the nodes of a session are computed. */
export interface Watch {
  /** What the session is to be made with. */
  readonly options: ort.InferenceSession.SessionOptions;
  /** After a run: which nodes the CPU computed, in a line, or undefined where there are none. To be called once. */
  found(session: ort.InferenceSession): string | undefined;
  /** Takes its file away, whether or not it was looked at. */
  dispose(): void;
}

interface ProfiledNode {
  args?: { provider?: string; op_name?: string };
}

/**
 * A watch by way of ONNX Runtime's profile, which is a file. Nodes that copy between CPU and device, which ONNX Runtime puts in, are
 * not counted.
 */
export function watching(name: string, provider: string): Watch {
  const folder = mkdtempSync(join(tmpdir(), 'ganlet-profile-'));
  const dispose = () => rmSync(folder, { recursive: true, force: true });
  return {
    dispose,
    options: { enableProfiling: true, profileFilePrefix: join(folder, 'profile') },
    found(session) {
      try {
        session.endProfiling();
        const profile: ProfiledNode[] = readdirSync(folder).flatMap((file) =>
          JSON.parse(readFileSync(join(folder, file), 'utf8')),
        );
        return placementText(name, provider, profile);
      } catch (error) {
        return `where the nodes of "${name}" are computed cannot be told: ${(error as Error).message}`;
      } finally {
        dispose();
      }
    },
  };
}

function placementText(name: string, provider: string, profile: readonly ProfiledNode[]): string | undefined {
  const nodes = profile.flatMap(({ args }) =>
    args?.provider && args.op_name && !args.op_name.startsWith('Memcpy') ? [args] : [],
  );
  const counts = new Map<string, number>();
  for (const { provider: where, op_name: op } of nodes)
    if (where === 'CPUExecutionProvider') counts.set(op!, (counts.get(op!) ?? 0) + 1);
  if (counts.size === 0) return undefined;
  const total = [...counts.values()].reduce((a, b) => a + b);
  const each = [...counts].toSorted(([, a], [, b]) => b - a).map(([op, count]) => `${op} ${count}`);
  return `provider ${provider} leaves ${total} of the ${nodes.length} nodes of "${name}" to the CPU: ${each.join(', ')}`;
}
