import { enforcedPercent } from '@causeway/model/filters/enforcement';
import { filterKinds } from '@causeway/model/filters/filter-kinds';
import { filterName, type FilterItem } from '@causeway/model/filters/filter-item';
import { type AuthProviderSpec, takesAnyAudience } from '@causeway/model/kinds/auth-provider';
import { fieldOf } from '@causeway/model/kinds/kind';
import type { MiddlewareSpec } from '@causeway/model/kinds/middleware';
import type { Entry } from '../store/resource-index.ts';
import { shortKey } from './short-key.ts';

/** Warnings are cut after this many, so that one apply of many objects stays readable. */
const warningsMax = 20;

/** What is allowed and lets in more than it seems: authentication that holds for nobody or for some, and tokens for anybody. */
export function authWarnings(entries: readonly Entry[]): string[] {
  return entries.flatMap(warningsOf).slice(0, warningsMax);
}

function warningsOf(entry: Entry): string[] {
  switch (entry.resource.kind) {
    case 'AuthProvider':
      return takesAnyAudience(entry.effective as AuthProviderSpec)
        ? [`${shortKey(entry)} takes tokens that were made for any application (audiences is ["*"])`]
        : [];
    case 'Gateway':
    case 'Middleware':
    case 'Route':
      return (entry.effective as MiddlewareSpec).filters.flatMap((item) => shadowWarning(entry, item));
    default:
      return [];
  }
}

function shadowWarning(entry: Entry, item: FilterItem): string[] {
  const percent = enforcedPercent(item.enforcement);
  const kind = filterKinds.find(({ key }) => fieldOf(item, key) !== undefined);
  if (percent === 100 || kind?.phase !== 'authentication') return [];
  const whom = percent === 0 ? 'everybody' : `${100 - percent}% of the clients`;
  return [
    `${shortKey(entry)}: filter ${JSON.stringify(filterName(item))} has enforcement ${item.enforcement}, so ${whom} can pass without good credentials`,
  ];
}
