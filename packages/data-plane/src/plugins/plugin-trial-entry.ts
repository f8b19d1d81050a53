/** A thread that loads and makes plugins before a worker does: one that never comes back holds up nobody else. */

import { parentPort, workerData } from 'node:worker_threads';
import type { PluginSettings } from '@causeway/filters/plugin/plugin';
import { assert } from '@causeway/runtime/assert';
import { systemClock } from '@causeway/runtime/clock';

import { containPlugins } from './contain-plugins.ts';
import { makePlugin } from './make-plugin.ts';
import { PluginFault, PluginModules } from './plugin-modules.ts';

export interface TrialSetup {
  readonly directory: string;
  readonly plugins: readonly { readonly name: string; readonly settings: PluginSettings }[];
}

/** A sign that the thread turns. */
export interface TrialSign {
  /** The plugin whose turn it is; after the last: it is done. */
  readonly at: number;
  /** What is wrong with that plugin. */
  readonly fault?: string;
}

/** Pace of signs while a module waits. */
const signMs = 100;

assert(parentPort !== null, 'plugins are tried in a thread of their own');
const port = parentPort;
const { directory, plugins } = workerData as TrialSetup;
const sign = (told: TrialSign): void => port.postMessage(told);
const modules = new PluginModules(directory);
const services = { clock: systemClock, onFailure: () => {} };
let at = 0;
containPlugins(modules, () => {});
setInterval(() => sign({ at }), signMs);
for (const { name, settings } of plugins) {
  sign({ at });
  try {
    await modules.load(settings.module);
    makePlugin(name, settings, modules, services);
  } catch (error) {
    if (!(error instanceof PluginFault)) throw error;
    sign({ at, fault: error.message });
  }
  at += 1;
}
sign({ at });
