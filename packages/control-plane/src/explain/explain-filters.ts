import type { ExplainFilter } from '@causeway/model/api-types';
import { overlay } from '@causeway/runtime/overlay';
import type { Entry, ResourceView } from '../store/resource-index.ts';
import { inOrder, writtenFilters } from '../validate/effective-filters.ts';

const notReached = { status: null, reason: null, detail: 'not reached' };

/** The filters between a request and the upstream of a Route, in the order in which the request meets them. */
export function explainFilters(gateway: Entry, route: Entry, resources: ResourceView): ExplainFilter[] {
  const filters = inOrder(overlay(writtenFilters(gateway, resources), writtenFilters(route, resources)));
  let isAnswered = false;
  return filters.flatMap(({ name, kind, spec, from }) => {
    if (kind === undefined) return [];
    const effect = isAnswered ? notReached : effectOf(kind.answerStatus?.(spec));
    isAnswered ||= effect.status !== null;
    const summary = kind.summary(spec);
    return [{ name, filter: kind.key, summary, from, enforcement: null, effect }];
  });
}

function effectOf(status: number | undefined): ExplainFilter['effect'] {
  return status === undefined
    ? { status: null, reason: null, detail: 'passes' }
    : { status, reason: null, detail: `answers ${status}` };
}
