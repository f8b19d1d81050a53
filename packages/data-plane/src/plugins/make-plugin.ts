import type { Filter } from '@causeway/filters/filter';
import {
  createPluginFilter,
  type PluginServices,
  type PluginSettings,
} from '@causeway/filters/plugin/plugin';
import { messageOf } from '@causeway/runtime/errors';

import { PluginFault, type PluginModules } from './plugin-modules.ts';

/** The filter of a plugin whose module is loaded. Throws PluginFault. */
export function makePlugin(
  name: string,
  settings: PluginSettings,
  modules: PluginModules,
  services: PluginServices,
): Filter {
  const { module } = settings;
  const create = modules.get(module);
  try {
    return createPluginFilter(name, settings, create, services);
  } catch (error) {
    throw new PluginFault('plugin_failed', `plugin ${module}: ${messageOf(error)}`);
  }
}
