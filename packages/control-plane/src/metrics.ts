import { nodeStates } from '@causeway/model/api-types';
import { kinds } from '@causeway/model/kinds/registry';
import { assertionFailures } from '@causeway/runtime/assert';
import { MetricRegistry } from '@causeway/runtime/metrics';
import type { NodeRegistry } from './publish/node-registry.ts';
import type { ResourceIndex } from './store/resource-index.ts';
import type { WritePath } from './write-path.ts';

interface Measured {
  index: ResourceIndex;
  nodes: NodeRegistry;
  writePath: WritePath;
}

/** Metrics of the control plane, read when they are asked for. */
export function controlPlaneMetrics({ index, nodes, writePath }: Measured): MetricRegistry {
  const registry = new MetricRegistry();
  const revision = registry
    .gauge({ name: 'causeway_config_desired_revision', help: 'Newest revision of the configuration.' })
    .cell({});
  const resources = registry.gauge({
    name: 'causeway_config_resources',
    help: 'Resources by kind.',
    labelNames: ['kind'],
  });
  const byState = registry.gauge({
    name: 'causeway_nodes',
    help: 'Data-plane nodes by state.',
    labelNames: ['state'],
  });
  const assertions = registry
    .gauge({
      name: 'causeway_assertion_failures',
      help: 'Own bugs that were caught since the start; above 0 is a bug report.',
    })
    .cell({});
  const storageFull = registry
    .gauge({
      name: 'causeway_storage_full',
      help: '1 while writes fail because the disk of the data directory is full.',
    })
    .cell({});
  const writable = kinds.filter((kind) => kind.spec).map((kind) => kind.kind);
  registry.onCollect(() => {
    revision.set(index.revision);
    storageFull.set(writePath.storageFault === 'storage_full' ? 1 : 0);
    for (const kind of writable) resources.cell({ kind: kind.toLowerCase() }).set(index.countOf(kind));
    const all = nodes.all();
    for (const state of nodeStates)
      byState
        .cell({ state: state.toLowerCase() })
        .set(all.filter((node) => node.state(nodes.nowMs) === state).length);
    assertions.set(assertionFailures());
  });
  return registry;
}
