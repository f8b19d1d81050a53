import type { ExpandedFilter } from '@causeway/model/filters/expand-filters';
import { phaseOf } from '@causeway/model/filters/filter-kind';
import type { RateLimitSpec } from '@causeway/model/filters/rate-limit';
import type { Problem } from '@causeway/model/problem';
import { defaultNamespace, resourceKey } from '@causeway/model/resource';
import type { Entry, ResourceView } from '../store/resource-index.ts';
import { writtenFilters } from './effective-filters.ts';
import { shortKey } from './short-key.ts';

/** Warnings are cut after this many, so that one apply of many objects stays readable. */
const warningsMax = 20;

/** A limit of the Route's own whose tiers can fit nobody, because nothing on the Route finds out who calls. */
export function idleTiers(
  effective: readonly ExpandedFilter[],
  own: readonly ExpandedFilter[],
): Problem | undefined {
  const asks = ({ kind, spec }: ExpandedFilter): boolean =>
    kind !== undefined && phaseOf(kind, spec) === 'authentication';
  const idle = effective.find((filter) => own.includes(filter) && tiersOf(filter).length > 0);
  if (idle === undefined || effective.some(asks)) return undefined;
  return {
    pointer: `/spec/filters/${idle.index}`,
    code: 'not_allowed_here',
    detail: `the tiers of rateLimit ${JSON.stringify(idle.name)} fit nobody: no filter finds out who calls`,
    hint: 'add jwt, apiKey, basicAuth or clientCertificate, or remove the tiers',
  };
}

/** Consumers in tiers that are not there: mistyped, more often than not. */
export function unknownTierConsumers(entries: readonly Entry[], view: ResourceView): string[] {
  return entries
    .filter(({ resource: { kind } }) => kind === 'Gateway' || kind === 'Middleware' || kind === 'Route')
    .flatMap((entry) =>
      writtenFilters(entry, view)
        .filter(({ from }) => from === entry.key)
        .flatMap((filter) => unknownOf(entry, filter, view)),
    )
    .slice(0, warningsMax);
}

function unknownOf(entry: Entry, filter: ExpandedFilter, view: ResourceView): string[] {
  const { namespace = defaultNamespace } = entry.resource.metadata;
  return tiersOf(filter)
    .flatMap(({ consumers }) => consumers)
    .filter((name) => !name.includes('/') && !view.get(resourceKey({ kind: 'Consumer', namespace, name })))
    .map(
      (name) =>
        `${shortKey(entry)}: a tier of filter ${JSON.stringify(filter.name)} names consumer/${name}, which does not exist`,
    );
}

function tiersOf({ kind, spec }: ExpandedFilter): RateLimitSpec['tiers'] {
  return kind?.key === 'rateLimit' ? (spec as RateLimitSpec).tiers : [];
}
