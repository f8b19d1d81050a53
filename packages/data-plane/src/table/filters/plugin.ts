import type { PluginSettings } from '@causeway/filters/plugin/plugin';
import type { Plugin } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';

export function readPlugin({ module, config, timeoutMs, failsOpen, namespace }: Plugin): PluginSettings {
  return { module, config: JSON.parse(config), timeoutMs, failsOpen, namespace };
}
