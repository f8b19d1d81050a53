/** Where the keys of an issuer are, as an AuthProvider says. */

import type { CompiledAuthProvider } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';

import { keySourceId } from '../table/read-auth-provider.ts';

export interface KeySource {
  readonly id: string;
  /** "namespace/name" of the AuthProvider. */
  readonly provider: string;
  readonly issuer: string;
  readonly url: string;
  /** The URL is that of the issuer's metadata (OpenID Connect Discovery section 4). */
  readonly isDiscovery: boolean;
  readonly intervalMs: number;
  readonly cooldownMs: number;
  readonly timeoutMs: number;
  /** "namespace/name" of Certificates; empty = those of the system. */
  readonly trust: readonly string[];
}

/** Undefined: it has its keys itself. */
export function keySourceOf({ name, issuer, keys, refresh }: CompiledAuthProvider): KeySource | undefined {
  if (refresh === undefined || keys.case === undefined || keys.case === 'jwks') return undefined;
  const { intervalMs, cooldownMs, timeoutMs, trust } = refresh;
  const id = keySourceId(name, keys.value);
  const isDiscovery = keys.case === 'discoveryUrl';
  return {
    id,
    provider: name,
    issuer,
    url: keys.value,
    isDiscovery,
    intervalMs,
    cooldownMs,
    timeoutMs,
    trust,
  };
}
