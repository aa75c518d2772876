import { existsSync } from 'node:fs';
import { Graph } from '../../src/graph/graph.ts';
import { relu } from '../../src/ops/activation.ts';
import { built } from '../cli/ganlet.ts';

/** Chromium brings a Vulkan driver that computes on the processor, SwiftShader; it is used where no other is named. */
const software = ['/usr/lib/chromium', '/usr/lib/chromium-browser', '/opt/google/chrome']
  .map((folder) => `${folder}/vk_swiftshader_icd.json`)
  .find((file) => existsSync(file));
if (!process.env.VK_DRIVER_FILES && software) process.env.VK_DRIVER_FILES = software;
// Tried in a process of its own, which the environment above reaches too.
const { tryEngine } = (await import(
  built('backend/engines.js')
)) as typeof import('../../src/backend/engines.ts');
const { ok, found } = await tryEngine('webgpu', 60_000);
if (!ok)
  console.warn(
    `WebGPU is not tested: ${found}. ${
      software
        ? `Chromium's software driver is there (${software}); it needs the package libvulkan1 as well`
        : "Chromium's software driver would do, with the package libvulkan1: apt-get install chromium libvulkan1"
    }`,
  );

/** Whether WebGPU computes here. */
export const webgpuWorks = ok;

/**
 * Whether to test all of it. A software driver compiles each program for minutes in all, so without GANLET_TEST_WEBGPU a
 * representative share is tested.
 */
export const wholeWebgpu = Boolean(process.env.GANLET_TEST_WEBGPU);

const { onnxruntime } = await import('../../src/backend/onnxruntime.ts');
export const cpu = onnxruntime({ threads: 1 });
export const webgpu = onnxruntime({ provider: 'webgpu', threads: 1 });

/** As long as a program is there the device is, with what it has compiled: without it a case takes ten times as long. */
const graph = new Graph('kept');
graph.output(relu(graph.input('x', 'float32', [2])), 'y');
export const kept = webgpuWorks ? await webgpu.compile({ graph, state: [] }) : undefined;
