/** What logins need of the objects around them. */

import type { ApiProblem } from '@causeway/model/api-types';
import type { AnyOfSpec } from '@causeway/model/filters/any-of';
import type { ExpandedFilter } from '@causeway/model/filters/expand-filters';
import type { FilterItem } from '@causeway/model/filters/filter-item';
import type { OidcSpec } from '@causeway/model/filters/oidc';
import type { AuthProviderSpec } from '@causeway/model/kinds/auth-provider';
import type { RouteSpec } from '@causeway/model/kinds/route';
import type { Problem } from '@causeway/model/problem';
import type { CompiledRoute } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { routeRules } from '@causeway/proto/route-rules';
import { canonicalPath } from '@causeway/router/canonical-path';
import { compileRule, RuleError } from '@causeway/router/compiled-rule';
import { takesPath } from '@causeway/router/judge-rule';
import { compileRoute } from '../compile/compile-route.ts';
import { type Entry, type ResourceView, targetKey } from '../store/resource-index.ts';

interface Login {
  spec: OidcSpec;
  /** Pointer from the entry of the list. */
  at: string;
}

/** Providers at which users are to log in are those that know the gateway, whichever of the two is written. */
export function checkLogins(planned: ResourceView, writtenKeys: readonly string[]): ApiProblem[] {
  const written = new Set(writtenKeys);
  return writtenKeys.flatMap((key): ApiProblem[] => {
    const entry = planned.get(key);
    if (!entry) return [];
    if (entry.resource.kind !== 'AuthProvider')
      return strangeProviders(entry, planned).map((problem) => ({ ...problem, resource: key }));
    return [...planned.referrersOf(key)]
      .filter((user) => !written.has(user) && strangeProviders(planned.get(user)!, planned).length > 0)
      .map((user) => ({
        resource: key,
        pointer: '/spec/clientId',
        code: 'missing',
        detail: `required: ${user} logs users in there`,
      }));
  });
}

function strangeProviders(entry: Entry, planned: ResourceView): Problem[] {
  const { filters = [] } = entry.effective as { filters?: readonly FilterItem[] };
  return filters.flatMap((item, index) =>
    loginsIn(item).flatMap(({ spec, at }): Problem[] => {
      const provider = planned.get(targetKey({ kind: 'AuthProvider', name: spec.provider }, entry.resource));
      // One that is not there is an unknown reference already.
      if (!provider || (provider.effective as AuthProviderSpec).clientId !== undefined) return [];
      return [
        {
          pointer: `/spec/filters/${index}${at}/provider`,
          code: 'not_allowed_here',
          detail: `${provider.key} has no clientId, so nobody can log in there`,
        },
      ];
    }),
  );
}

/**
 * A browser comes back from a login, and goes to the logout, by requests that the Route itself must take. Filters of Gateways are not
 * judged: there it may be another Route.
 */
export function unreachablePaths(route: Entry, own: readonly ExpandedFilter[]): Problem[] {
  return own.flatMap(({ kind, spec, index, from }) => {
    if (kind === undefined) return [];
    return loginsIn({ [kind.key]: spec }).flatMap(({ spec: login, at }) =>
      (['callbackPath', 'logoutPath'] as const).flatMap((field): Problem[] => {
        const detail = complaintAbout(login[field], route);
        if (detail === undefined) return [];
        const pointer = `/spec/filters/${index}${from === route.key ? `${at}/${field}` : ''}`;
        return [{ pointer, code: 'not_allowed_here', detail: `${field} ${login[field]}: ${detail}` }];
      }),
    );
  });
}

function complaintAbout(path: string, route: Entry): string | undefined {
  const canonical = canonicalPath(path);
  if (!canonical.ok) return canonical.detail;
  if (canonical.path !== path) return `requests for it come as ${canonical.path}`;
  return takes(route, path) ? undefined : 'no match of the Route takes it, whatever else the request has';
}

function takes(route: Entry, path: string): boolean {
  const { matches } = route.effective as RouteSpec;
  try {
    return routeRules(compileRoute(route, 'default').value as CompiledRoute).some((rule, index) => {
      const { pattern } = compileRule({ ...rule, allowEncoded: 0, value: undefined });
      const { methods, headers, query, cookies } = matches[index]!;
      const takesAll = [headers, query, cookies].every((predicates) => predicates.length === 0);
      return takesAll && (methods.length === 0 || methods.includes('GET')) && takesPath(pattern, path);
    });
  } catch (error) {
    // What cannot be built is told about by itself.
    if (error instanceof RuleError) return true;
    throw error;
  }
}

function loginsIn(item: Partial<FilterItem>): Login[] {
  const ways: Login[] = (item.anyOf ?? ([] satisfies AnyOfSpec)).flatMap(({ oidc }, index) =>
    oidc === undefined ? [] : [{ spec: oidc, at: `/anyOf/${index}/oidc` }],
  );
  return item.oidc === undefined ? ways : [...ways, { spec: item.oidc, at: '/oidc' }];
}
