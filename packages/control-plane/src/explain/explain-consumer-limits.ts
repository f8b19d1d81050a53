import type { ExplainFilter } from '@causeway/model/api-types';
import type { ExpandedFilter } from '@causeway/model/filters/expand-filters';
import { phaseOf } from '@causeway/model/filters/filter-kind';
import { phaseRank } from '@causeway/model/filters/phases';
import type { ConsumerSpec } from '@causeway/model/kinds/consumer';
import { defaultNamespace } from '@causeway/model/resource';
import type { Entry, ResourceView } from '../store/resource-index.ts';

/** Limits and quotas stand in Consumers, and are counted behind all filters that refuse. */
export const consumerLimitsRank = phaseRank('consumerLimits');

/** What holds Consumers to their limits, where the filters find out who calls and one of the Consumers that they may find has any. */
export function explainConsumerLimits(
  filters: readonly ExpandedFilter[],
  resources: ResourceView,
): ExplainFilter[] {
  const namespaces = new Set(
    filters
      .filter(({ kind, spec }) => kind !== undefined && phaseOf(kind, spec) === 'authentication')
      .map(({ from }) => resources.get(from)?.resource.metadata.namespace ?? defaultNamespace),
  );
  if (namespaces.size === 0) return [];
  const held = [...resources.entriesOf('Consumer')].filter(
    (consumer) =>
      namespaces.has(consumer.resource.metadata.namespace ?? defaultNamespace) && isHeld(consumer),
  );
  const [first] = held;
  if (first === undefined) return [];
  return [
    {
      name: 'consumerLimits',
      filter: 'consumerLimits',
      summary: `limits and quotas of ${held.length === 1 ? '1 Consumer' : `${held.length} Consumers`}`,
      from: held.length === 1 ? first.key : 'consumers',
      enforcement: null,
      effect: { status: null, reason: null, detail: 'depends on who calls' },
    },
  ];
}

function isHeld({ effective }: Entry): boolean {
  const { limits, quotas } = effective as ConsumerSpec;
  return limits.length > 0 || quotas.length > 0;
}
