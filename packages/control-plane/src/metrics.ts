import { nodeStates } from '@causeway/model/api-types';
import { assertionFailures } from '@causeway/runtime/assert';
import { MetricRegistry } from '@causeway/runtime/metrics';
import type { NodeRegistry } from './publish/node-registry.ts';
import type { ResourceIndex } from './store/resource-index.ts';

/** Metrics of the control plane, read when they are asked for. */
export function controlPlaneMetrics(index: ResourceIndex, nodes: NodeRegistry): MetricRegistry {
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
  registry.onCollect(() => {
    revision.set(index.revision);
    for (const kind of ['Route', 'Service', 'Gateway', 'Secret'])
      resources.cell({ kind: kind.toLowerCase() }).set([...index.entriesOf(kind)].length);
    const all = nodes.all();
    for (const state of nodeStates)
      byState
        .cell({ state: state.toLowerCase() })
        .set(all.filter((node) => node.state(nodes.nowMs) === state).length);
    assertions.set(assertionFailures());
  });
  return registry;
}
