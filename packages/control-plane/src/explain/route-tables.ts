import type { GatewaySpec } from '@causeway/model/kinds/gateway';
import type { RouteSpec } from '@causeway/model/kinds/route';
import type { CompiledRoute } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { allowedEncodedCharacters, routeRules } from '@causeway/proto/route-rules';
import { encodedMask } from '@causeway/router/canonical-path';
import { emptyRouter, type Router, updateRouter } from '@causeway/router/router';
import { compileRoute } from '../compile/compile-route.ts';
import type { Entry, ResourceIndex } from '../store/resource-index.ts';

/** Routers that are kept; a question about another listener builds its own. */
const routersMax = 8;

/** The routers of listeners as nodes have them, built from the current configuration when a question needs one. */
export class RouteTables {
  readonly #index: ResourceIndex;
  readonly #routers = new Map<string, { revision: number; router: Router<Entry> }>();

  constructor(index: ResourceIndex) {
    this.#index = index;
  }

  get(gateway: string, listener: string): Router<Entry> {
    const key = `${gateway}/${listener}`;
    const known = this.#routers.get(key);
    if (known?.revision === this.#index.revision) return known.router;
    const routes = [...this.#index.entriesOf('Route')].filter((entry) => joins(entry, gateway, listener));
    const add = routes.flatMap((entry) => {
      const compiled = compileRoute(entry, gateway).value as CompiledRoute;
      const allowEncoded = encodedMask(allowedEncodedCharacters(compiled));
      return routeRules(compiled).map((rule) => ({ ...rule, allowEncoded, value: entry }));
    });
    const router = updateRouter(emptyRouter<Entry>(), { remove: [], add });
    this.#routers.delete(key);
    this.#routers.set(key, { revision: this.#index.revision, router });
    if (this.#routers.size > routersMax) this.#routers.delete(this.#routers.keys().next().value!);
    return router;
  }
}

function joins(route: Entry, gateway: string, listener: string): boolean {
  return (route.effective as RouteSpec).gateways.some(
    (reference) => reference === gateway || reference === `${gateway}/${listener}`,
  );
}

/**
 * The listener that takes a request for a host: among those on its port (all, when none is on it) the one whose host
 * fits best. Undefined when every listener is for other hosts.
 */
export function listenerFor(spec: GatewaySpec, host: string, port: number): string | undefined {
  const onPort = spec.listeners.filter((listener) => listener.port === port);
  const ranked = (onPort.length > 0 ? onPort : spec.listeners)
    .map(({ name, hosts }) => ({
      name,
      rank: hosts.length === 0 ? 0 : Math.max(-1, ...hosts.map((pattern) => hostRank(pattern, host))),
    }))
    .filter(({ rank }) => rank >= 0)
    .toSorted((a, b) => b.rank - a.rank);
  return ranked[0]?.name;
}

/** Exact beats the longest wildcard beats none; -1 does not fit. */
function hostRank(pattern: string, host: string): number {
  if (pattern === host) return Number.MAX_SAFE_INTEGER;
  return pattern.startsWith('*.') && host.endsWith(pattern.slice(1)) ? pattern.length : -1;
}
