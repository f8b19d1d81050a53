/** Asking for addresses, by the two ways that Node has. */

import { promises as dns } from 'node:dns';
import { systemCodeOf } from './errors.ts';

export interface AddressRecord {
  readonly address: string;
  readonly ttlSeconds: number;
}

/** Both reject with what went wrong; how long they may take is theirs to bound. */
export interface DnsFunctions {
  /** Asks the name servers alone. Empty when there is no such name, or no such record of it. */
  query(name: string, family: 4 | 6): Promise<readonly AddressRecord[]>;
  /** Asks the system: hosts file, search list, name servers. Empty when there is no such name. */
  lookup(name: string): Promise<readonly string[]>;
}

/** Time of the first try of a query; c-ares waits longer at each further one. */
const queryTimeoutMs = 2000;
const queryTries = 2;

/** Answers that say that there is nothing, as opposed to those that say nothing. */
const nothingThere: ReadonlySet<string> = new Set(['ENOTFOUND', 'ENODATA']);

/**
 * Queries go through c-ares, which waits on sockets; only `lookup` (getaddrinfo) takes one of the four threads of libuv's
 * pool, on which files and compression wait too, for as long as the system's resolver pleases.
 *
 * @param servers `address:port` of the name servers that are queried; those of the system when absent.
 */
export function systemDns(servers?: readonly string[]): DnsFunctions {
  const resolver = new dns.Resolver({ timeout: queryTimeoutMs, tries: queryTries });
  if (servers) resolver.setServers(servers);
  return {
    async query(name, family) {
      const records =
        family === 4 ? resolver.resolve4(name, { ttl: true }) : resolver.resolve6(name, { ttl: true });
      return (await orNothing(records)).map(({ address, ttl }) => ({ address, ttlSeconds: ttl }));
    },
    async lookup(name) {
      return (await orNothing(dns.lookup(name, { all: true }))).map(({ address }) => address);
    },
  };
}

async function orNothing<T>(answer: Promise<T[]>): Promise<T[]> {
  try {
    return await answer;
  } catch (error) {
    if (nothingThere.has(systemCodeOf(error) ?? '')) return [];
    throw error;
  }
}
