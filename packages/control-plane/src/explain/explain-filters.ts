import type { ExplainFilter } from '@causeway/model/api-types';
import type { ExpandedFilter } from '@causeway/model/filters/expand-filters';
import { overlay } from '@causeway/runtime/overlay';
import type { Entry, ResourceView } from '../store/resource-index.ts';
import { inOrder, writtenFilters } from '../validate/effective-filters.ts';
import { effectOf, type ExplainedRequest } from './filter-effects.ts';

const notReached = { status: null, reason: null, detail: 'not reached' };

/** The filters between a request and the upstream of a Route, in the order in which the request meets them. */
export function explainFilters(
  gateway: Entry,
  route: Entry,
  resources: ResourceView,
  request: ExplainedRequest,
): ExplainFilter[] {
  let isAnswered = false;
  return effectiveFilters(gateway, route, resources).flatMap((filter) => {
    const { name, kind, spec, from, enforcement } = filter;
    if (kind === undefined) return [];
    const effect = isAnswered ? notReached : enforcedEffect(effectOf(filter, request), enforcement);
    isAnswered ||= effect.status !== null;
    const summary = kind.summary(spec);
    return [
      {
        name,
        filter: kind.key,
        summary,
        from,
        enforcement: kind.mayBeShadowed === true ? enforcement : null,
        effect,
      },
    ];
  });
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
