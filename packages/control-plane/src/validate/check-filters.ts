import { isDeepStrictEqual } from 'node:util';
import type { ApiProblem } from '@causeway/model/api-types';
import type { ExpandedFilter } from '@causeway/model/filters/expand-filters';
import { idleBackends, missingBackends, repeated } from '@causeway/model/filters/filter-rules';
import type { GatewaySpec } from '@causeway/model/kinds/gateway';
import type { Problem } from '@causeway/model/problem';
import type { RouteSpec } from '@causeway/model/kinds/route';
import { overlay } from '@causeway/runtime/overlay';
import { implicitGateway } from '../store/implicit-gateway.ts';
import type { Entry, ResourceView } from '../store/resource-index.ts';
import { unreachablePaths } from './check-logins.ts';
import { writtenFilters } from './effective-filters.ts';
import { idleTiers } from './tier-checks.ts';

/** A Middleware may spoil every Route that names it; more than so many are not told one by one. */
const spoiltRoutesMax = 20;

/**
 * Checks what filters are together, which no document shows alone: those of a Route with those of its Middlewares and Gateways.
 * Looks at what was written and at the Routes that this reaches. The problem of a Route that was not written itself stands at
 * the document that brought it about.
 */
export function checkFilters(
  current: ResourceView,
  planned: ResourceView,
  writtenKeys: readonly string[],
): ApiProblem[] {
  const written = new Set(writtenKeys);
  const check = new FilterCheck(planned);
  const own = writtenKeys.flatMap((key) => {
    const entry = planned.get(key);
    if (!entry) return [];
    return check.of(entry).map((problem): ApiProblem => ({ ...problem, resource: key }));
  });
  const faulty = new Set(own.map(({ resource }) => resource));
  const spoilt = [...reachedUsers(current, planned, writtenKeys)]
    .filter(([key, cause]) => !written.has(key) && !faulty.has(cause))
    .flatMap(([key, cause]) => {
      const [problem] = check.of(planned.get(key)!);
      return problem ? [causedBy(cause, key, problem)] : [];
    });
  return [...own, ...spoilt.slice(0, spoiltRoutesMax)];
}

/** Names that a written Route or Gateway removes although nobody brings them: mistyped, more often than not. */
export function idleRemovals(planned: ResourceView, writtenKeys: readonly string[]): string[] {
  const check = new FilterCheck(planned);
  return writtenKeys.flatMap((key) => {
    const entry = planned.get(key);
    return (entry ? check.idleRemovals(entry) : []).map(
      (name) => `${key} disables filter ${JSON.stringify(name)}, which nothing brings`,
    );
  });
}

/** Routes and Gateways whose filters are others now, with the key of the document that changed them. */
function reachedUsers(
  current: ResourceView,
  planned: ResourceView,
  writtenKeys: readonly string[],
): Map<string, string> {
  const reached = new Map<string, string>();
  const reach = (cause: string, key: string): void => {
    for (const user of planned.referrersOf(key)) {
      if (reached.has(user) || (!user.startsWith('route/') && !user.startsWith('gateway/'))) continue;
      reached.set(user, cause);
      if (user.startsWith('gateway/')) reach(cause, user);
    }
  };
  for (const key of writtenKeys) {
    const isShared = key.startsWith('middleware/') || key.startsWith('gateway/');
    if (isShared && filtersDiffer(current.get(key), planned.get(key))) reach(key, key);
  }
  return reached;
}

function filtersDiffer(before: Entry | undefined, after: Entry | undefined): boolean {
  const filtersOf = (entry: Entry | undefined): unknown =>
    entry === undefined ? [] : (entry.effective as GatewaySpec).filters;
  return !isDeepStrictEqual(filtersOf(before), filtersOf(after));
}

function causedBy(cause: string, key: string, problem: Problem): ApiProblem {
  const { code, detail, hint } = problem;
  return {
    resource: cause,
    pointer: '/spec/filters',
    code,
    detail: `${key} ${problem.pointer}: ${detail}`,
    ...(hint === undefined ? {} : { hint }),
  };
}

class FilterCheck {
  readonly #planned: ResourceView;
  readonly #ofGateways = new Map<string, ExpandedFilter[]>();

  constructor(planned: ResourceView) {
    this.#planned = planned;
  }

  of(entry: Entry): Problem[] {
    switch (entry.resource.kind) {
      case 'Route':
        return this.#ofRoute(entry);
      case 'Gateway':
        return together([], this.#ofGateway(entry));
      default:
        return [];
    }
  }

  idleRemovals(entry: Entry): string[] {
    if (entry.resource.kind !== 'Route' && entry.resource.kind !== 'Gateway') return [];
    const own = writtenFilters(entry, this.#planned);
    const brought = entry.resource.kind === 'Route' ? this.#gatewaysOf(entry).flat() : [];
    const names = new Set([...brought, ...own].filter(({ isRemoval }) => !isRemoval).map(({ name }) => name));
    return own
      .filter(({ isRemoval, from, name }) => isRemoval && from === entry.key && !names.has(name))
      .map(({ name }) => name);
  }

  #ofRoute(entry: Entry): Problem[] {
    const { backends, filters } = entry.effective as RouteSpec;
    if (this.#isUnresolved(entry)) return [];
    const own = writtenFilters(entry, this.#planned);
    const problems: Problem[] = unreachablePaths(entry, overlay(own));
    // Without a Middleware the document itself shows it, and was judged alone.
    if (filters.some(({ middleware }) => middleware !== undefined)) {
      const answering = overlay(own).find(({ kind }) => kind?.answerStatus !== undefined);
      if (answering === undefined && backends.length === 0) problems.push(missingBackends);
      if (answering !== undefined && backends.length > 0) problems.push(idleBackends(answering.name));
    }
    for (const gateway of this.#gatewaysOf(entry)) {
      const [problem = idleTiers(overlay(gateway, own), own)] = together(gateway, own);
      if (problem) return [...problems, problem];
    }
    return problems;
  }

  /** References that lead nowhere are told about by themselves; what they would bring is not known. */
  #isUnresolved(entry: Entry): boolean {
    return entry.references.some(({ kind, target }) => kind === 'Middleware' && !this.#planned.get(target));
  }

  #gatewaysOf(route: Entry): ExpandedFilter[][] {
    const keys = route.references.filter(({ kind }) => kind === 'Gateway').map(({ target }) => target);
    return [...new Set(keys)].map((key) => {
      const gateway = this.#planned.get(key) ?? (key === implicitGateway.key ? implicitGateway : undefined);
      return gateway ? this.#ofGateway(gateway) : [];
    });
  }

  #ofGateway(gateway: Entry): ExpandedFilter[] {
    let filters = this.#ofGateways.get(gateway.key);
    if (!filters) this.#ofGateways.set(gateway.key, (filters = writtenFilters(gateway, this.#planned)));
    return filters;
  }
}

/** What is wrong with the filters of a Gateway and those that one of its Routes lays over them; pointers are the latter's. */
function together(inherited: readonly ExpandedFilter[], own: readonly ExpandedFilter[]): Problem[] {
  const effective = overlay(inherited, own);
  const first = new Map<string, ExpandedFilter>();
  return effective.flatMap((filter): Problem[] => {
    if (filter.kind === undefined || filter.kind.mayRepeat) return [];
    const { key } = filter.kind;
    const before = first.get(key);
    if (before === undefined) {
      first.set(key, filter);
      return [];
    }
    const index = own.includes(filter) ? filter.index : before.index;
    return [{ pointer: `/spec/filters/${index}`, ...repeated(key, before.name) }];
  });
}
