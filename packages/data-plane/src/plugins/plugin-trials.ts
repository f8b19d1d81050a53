/** Tries plugins in a thread of their own before workers load them: one whose module or function never comes back would take every worker with it. */

import { createHash } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { create } from '@bufbuild/protobuf';
import type { Compiled } from '@causeway/proto/compiled';
import { type NodeProblem, NodeProblemSchema } from '@causeway/proto/gen/causeway/config/v1/config_pb';
import { messageOf } from '@causeway/runtime/errors';

import { readPlugin } from '../table/filters/plugin.ts';
import { PluginFault, pluginFile } from './plugin-modules.ts';
import type { TrialSetup, TrialSign } from './plugin-trial-entry.ts';
import { type PluginUse, pluginUses } from './plugin-uses.ts';

const entry = new URL('./plugin-trial-entry.ts', import.meta.url);

/** It may be without a sign for so long, unless workers may less. */
const silentMsMax = 5000;
/** Until its first sign. */
const startMsMax = 10_000;
/** Plugins that are remembered; when they are more, all are tried anew. */
const knownMax = 16_384;

export class PluginTrials {
  readonly #directory: string | undefined;
  readonly #silentMs: number;
  /** Those that are good: digests of file, its state, name and configuration. */
  readonly #known = new Set<string>();

  /** `directory` undefined: the node takes no plugins. `blockedMs`: of workers; 0 = however long. */
  constructor(directory: string | undefined, blockedMs: number) {
    this.#directory = directory;
    this.#silentMs = Math.min(blockedMs || silentMsMax, silentMsMax);
  }

  /** What is wrong with plugins of these, as far as they were not good before. Those that are not there are left to the workers. */
  async run(changed: readonly Compiled[]): Promise<NodeProblem[]> {
    const directory = this.#directory;
    const uses = [...pluginUses(changed)];
    if (directory === undefined || uses.length === 0) return [];
    const files = await filesOf(directory, uses);
    const byTrial = new Map<string, PluginUse[]>();
    for (const use of uses) {
      const file = files.get(use.plugin.module);
      if (file === undefined) continue;
      const id = createHash('sha256')
        .update(JSON.stringify([file, use.name, use.plugin.config]))
        .digest('base64');
      byTrial.set(id, [...(byTrial.get(id) ?? []), use]);
    }
    const ids = [...byTrial.keys()].filter((id) => !this.#known.has(id));
    const faults = await this.#try(directory, ids, (id) => byTrial.get(id)![0]!);
    return [...byTrial].flatMap(([id, same]) => {
      const detail = faults.get(id);
      if (detail === undefined) return [];
      return same.map(({ key }) =>
        create(NodeProblemSchema, { reason: 'plugin_failed', resource: key, detail }),
      );
    });
  }

  /** Gives what is wrong with them; those behind one that does not come back are not tried. */
  async #try(
    directory: string,
    ids: readonly string[],
    useOf: (id: string) => PluginUse,
  ): Promise<ReadonlyMap<string, string>> {
    const faults = new Map<string, string>();
    if (ids.length === 0) return faults;
    if (this.#known.size + ids.length > knownMax) this.#known.clear();
    const plugins = ids.map((id) => ({ name: useOf(id).name, settings: readPlugin(useOf(id).plugin) }));
    let at = 0;
    const end = await runThread({ directory, plugins }, this.#silentMs, (sign) => {
      if (sign.fault !== undefined) faults.set(ids[sign.at]!, sign.fault);
      for (; at < sign.at; at += 1) if (!faults.has(ids[at]!)) this.#known.add(ids[at]!);
    });
    const id = ids[at];
    if (id !== undefined) faults.set(id, `plugin ${useOf(id).plugin.module}: ${end}`);
    return faults;
  }
}

async function filesOf(directory: string, uses: readonly PluginUse[]): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  for (const module of new Set(uses.map(({ plugin }) => plugin.module))) {
    try {
      files.set(module, await pluginFile(directory, module));
    } catch (error) {
      if (!(error instanceof PluginFault)) throw error;
    }
  }
  return files;
}

/** Runs until all plugins have had their turn, or the thread is silent or gone; says how it ended. */
async function runThread(
  setup: TrialSetup,
  silentMs: number,
  onSign: (sign: TrialSign) => void,
): Promise<string> {
  const thread = new Worker(entry, { workerData: setup, name: 'plugin trial' });
  const { promise, resolve } = Promise.withResolvers<string>();
  const late = (ms: number): NodeJS.Timeout =>
    setTimeout(() => resolve(`computed for ${ms / 1000} s while it was loaded or made`), ms);
  let timer = late(startMsMax);
  thread.on('message', (sign: TrialSign) => {
    onSign(sign);
    clearTimeout(timer);
    timer = late(silentMs);
    if (sign.at === setup.plugins.length) resolve('');
  });
  thread.on('error', (error) => resolve(`ended its thread: ${messageOf(error)}`));
  thread.on('exit', () => resolve('ended its thread'));
  const end = await promise;
  clearTimeout(timer);
  await thread.terminate();
  return end;
}
