import type { Compiled } from '@causeway/proto/compiled';
import type { Plugin } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';

/** A filter that names a plugin. */
export interface PluginUse {
  /** Of the resource that it stands in. */
  readonly key: string;
  readonly name: string;
  readonly plugin: Plugin;
}

export function* pluginUses(changed: readonly Compiled[]): Generator<PluginUse> {
  for (const { key, kind, value } of changed) {
    if (kind !== 'gateway' && kind !== 'route' && kind !== 'middleware') continue;
    for (const { name, item } of value.filters)
      if (item.case === 'plugin') yield { key, name, plugin: item.value };
  }
}
