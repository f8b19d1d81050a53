import type { ExplainFilter } from '@causeway/model/api-types';
import type { ExpandedFilter } from '@causeway/model/filters/expand-filters';
import { overlay } from '@causeway/runtime/overlay';
import type { Entry, ResourceView } from '../store/resource-index.ts';
import { inOrder, writtenFilters } from '../validate/effective-filters.ts';
import { consumerLimitsRank, explainConsumerLimits } from './explain-consumer-limits.ts';
import { effectOf, type ExplainedRequest } from './filter-effects.ts';

const notReached = { status: null, reason: null, detail: 'not reached' };

/** The filters between a request and the upstream of a Route, in the order in which the request meets them. */
export function explainFilters(
  gateway: Entry,
  route: Entry,
  resources: ResourceView,
  request: ExplainedRequest,
): ExplainFilter[] {
  const filters = effectiveFilters(gateway, route, resources);
  const firstBehind = filters.findIndex(({ rank }) => rank > consumerLimitsRank);
  const behind = firstBehind < 0 ? filters.length : firstBehind;
  let isAnswered = false;
  return [
    ...filters.slice(0, behind).flatMap((filter) => explainFilter(filter, request)),
    ...explainConsumerLimits(filters, resources),
    ...filters.slice(behind).flatMap((filter) => explainFilter(filter, request)),
  ].map((explained) => {
    const effect = isAnswered ? notReached : explained.effect;
    isAnswered ||= effect.status !== null;
    return { ...explained, effect };
  });
}

function explainFilter(filter: ExpandedFilter, request: ExplainedRequest): ExplainFilter[] {
  const { name, kind, spec, from, enforcement } = filter;
  if (kind === undefined) return [];
  const effect = enforcedEffect(effectOf(filter, request), enforcement);
  const shown = kind.mayBeShadowed === true ? enforcement : null;
  return [{ name, filter: kind.key, summary: kind.summary(spec), from, enforcement: shown, effect }];
}

/** Whether a filter of the Route answers preflights, so that they are matched by what they announce. */
export function answersPreflights(gateway: Entry, route: Entry, resources: ResourceView): boolean {
  return effectiveFilters(gateway, route, resources).some(({ kind }) => kind?.answersPreflights === true);
}

function effectiveFilters(gateway: Entry, route: Entry, resources: ResourceView): ExpandedFilter[] {
  return inOrder(overlay(writtenFilters(gateway, resources), writtenFilters(route, resources)));
}

/** A refusal that does not hold for everybody ends nothing here. */
function enforcedEffect(effect: ExplainFilter['effect'], enforcement: string): ExplainFilter['effect'] {
  return effect.reason === null || enforcement === 'enforce'
    ? effect
    : { ...effect, status: null, reason: null };
}
