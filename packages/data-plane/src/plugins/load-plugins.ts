import { create } from '@bufbuild/protobuf';
import type { Compiled } from '@causeway/proto/compiled';
import { type NodeProblem, NodeProblemSchema } from '@causeway/proto/gen/causeway/config/v1/config_pb';
import { PluginFault, type PluginModules } from './plugin-modules.ts';
import { pluginUses } from './plugin-uses.ts';

/** Loads the plugins that these need, before filters are made of them. Gives what is wrong with those that cannot be had. */
export async function loadPlugins(
  modules: PluginModules,
  changed: readonly Compiled[],
): Promise<NodeProblem[]> {
  const problems: NodeProblem[] = [];
  const known = new Set<string>();
  for (const { key, plugin } of pluginUses(changed)) {
    const { module } = plugin;
    if (known.has(module)) continue;
    try {
      await modules.load(module);
      known.add(module);
    } catch (error) {
      if (!(error instanceof PluginFault)) throw error;
      const { reason, message: detail } = error;
      problems.push(create(NodeProblemSchema, { reason, resource: key, detail }));
    }
  }
  return problems;
}
