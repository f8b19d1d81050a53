/** The listeners of a table, arranged by the sockets that they share. */

import type { ListenerFront } from '../listen/arrival.ts';
import type { ListenerSpec } from './gateway-settings.ts';
import type { TableListener, TableSocket } from './table.ts';

/** The key of the socket that a listener is on. */
export function socketKey({ address, port, name }: ListenerSpec): string {
  return port === 0 ? `${address}:0/${name}` : `${address}:${port}`;
}

/** Of two listeners that claim the same host on one socket the first wins; validation refuses such a Gateway. */
export function buildSockets(
  listeners: readonly TableListener[],
  fronts: ReadonlyMap<string, ListenerFront>,
): ReadonlyMap<string, TableSocket> {
  const byKey = Map.groupBy(listeners, ({ spec }) => socketKey(spec));
  return new Map(Array.from(byKey, ([key, members]) => [key, buildSocket(key, members, fronts.get(key)!)]));
}

function buildSocket(key: string, listeners: readonly TableListener[], front: ListenerFront): TableSocket {
  const exactHosts = new Map<string, TableListener>();
  const wildcardHosts = new Map<string, TableListener>();
  let everyHost: TableListener | undefined;
  for (const listener of listeners) {
    if (listener.spec.hosts.length === 0) everyHost ??= listener;
    for (const host of listener.spec.hosts) {
      const [hosts, name] = host.startsWith('*.') ? [wildcardHosts, host.slice(2)] : [exactHosts, host];
      if (!hosts.has(name)) hosts.set(name, listener);
    }
  }
  const { address, port } = listeners[0]!.spec;
  return { key, address, port, listeners, exactHosts, wildcardHosts, everyHost, front };
}
