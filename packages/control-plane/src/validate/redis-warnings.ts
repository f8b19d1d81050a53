import type { GatewaySpec } from '@causeway/model/kinds/gateway';
import { overlay } from '@causeway/runtime/overlay';
import { countsInRedis } from '../publish/counts-in-redis.ts';
import { implicitGateway } from '../store/implicit-gateway.ts';
import type { Entry, ResourceView } from '../store/resource-index.ts';
import { writtenFilters } from './effective-filters.ts';
import { shortKey } from './short-key.ts';

/** Warnings are cut after this many, so that one apply of many objects stays readable. */
const warningsMax = 20;

/** What is to be counted in Redis where there is none, of the objects that were written or reached by them. */
export function redisWarnings(
  current: ResourceView,
  planned: ResourceView,
  changedKeys: readonly string[],
): string[] {
  const warnings = new Set<string>();
  for (const key of affected(current, planned, changedKeys)) {
    const entry = planned.get(key);
    const warning = entry && warningOf(entry, planned);
    if (warning !== undefined) warnings.add(warning);
    if (warnings.size === warningsMax) break;
  }
  return [...warnings];
}

/** Routes of a Gateway that has lost its Redis, users of a Middleware that counts there now, and who else was written. */
function* affected(
  current: ResourceView,
  planned: ResourceView,
  changedKeys: readonly string[],
): Generator<string> {
  for (const key of changedKeys) {
    yield key;
    const isMiddleware = key.startsWith('middleware/');
    const hasLostRedis =
      key.startsWith('gateway/') && hasRedis(current.get(key)) && !hasRedis(planned.get(key));
    if (isMiddleware || hasLostRedis) yield* planned.referrersOf(key);
    if (hasLostRedis) for (const { key: consumer } of planned.entriesOf('Consumer')) yield consumer;
  }
}

function warningOf(entry: Entry, view: ResourceView): string | undefined {
  switch (entry.resource.kind) {
    case 'Gateway':
      return missing(entry, needsRedis(writtenFilters(entry, view)) && !hasRedis(entry) ? [entry] : []);
    case 'Route':
      return missing(entry, gatewaysWithout(entry, view));
    case 'Consumer': {
      const isServed = [...view.entriesOf('Gateway')].some(hasRedis);
      return countsInRedis(entry) && !isServed
        ? `${shortKey(entry)} has limits or quotas that all nodes count together, and no Gateway has a redis: quotas are not counted, and each node holds its share of the limits`
        : undefined;
    }
    default:
      return undefined;
  }
}

/** Gateways without a Redis on which a filter of the Route has to count there. */
function gatewaysWithout(route: Entry, view: ResourceView): Entry[] {
  const own = writtenFilters(route, view);
  const keys = route.references.filter(({ kind }) => kind === 'Gateway').map(({ target }) => target);
  return [...new Set(keys)].flatMap((key) => {
    const gateway = view.get(key) ?? (key === implicitGateway.key ? implicitGateway : undefined);
    if (gateway === undefined || hasRedis(gateway)) return [];
    return needsRedis(overlay(writtenFilters(gateway, view), own)) ? [gateway] : [];
  });
}

function missing(entry: Entry, gateways: readonly Entry[]): string | undefined {
  const [gateway] = gateways;
  if (gateway === undefined) return undefined;
  const where = gateway === entry ? 'no redis' : `${shortKey(gateway)} has no redis`;
  return `${shortKey(entry)} has a rateLimit with scope cluster, and ${where}: it does as its onFailure says`;
}

function needsRedis(
  filters: readonly { readonly kind: { key: string } | undefined; readonly spec: unknown }[],
) {
  return filters.some(
    ({ kind, spec }) => kind?.key === 'rateLimit' && (spec as { scope: string }).scope === 'cluster',
  );
}

function hasRedis(gateway: Entry | undefined): boolean {
  return gateway !== undefined && (gateway.effective as GatewaySpec).redis !== undefined;
}
