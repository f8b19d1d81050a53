import { create } from '@bufbuild/protobuf';
import type { PluginFilterSpec } from '@causeway/model/filters/plugin';
import { durationMs } from '@causeway/model/quantity';
import { type Plugin, PluginSchema } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { sortedJson } from '../sorted-json.ts';

/** `namespace`: of the Consumers that it may name. */
export function compilePlugin(
  { module, config, timeout, onFailure }: PluginFilterSpec,
  namespace: string | undefined,
): Plugin {
  return create(PluginSchema, {
    module,
    config: sortedJson(config),
    timeoutMs: durationMs(timeout),
    failsOpen: onFailure === 'allow',
    namespace: namespace ?? '',
  });
}
