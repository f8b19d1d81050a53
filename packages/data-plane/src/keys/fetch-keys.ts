/** The keys of an issuer, fetched. */

import { readKeySet } from '@causeway/filters/jwt/key-sets';
import { isLoopback } from '@causeway/runtime/listen-address';

import { type AskLimits, askUrl } from '../upstream/ask-url.ts';
import type { KeySource } from './key-source.ts';

const bytesMax = 256 * 1024;
const headers = { accept: 'application/json' };

type FetchLimits = Pick<AskLimits, 'resolver' | 'ownPorts' | 'signal'>;

/** A JWK Set as JSON; rejects where there is none. `ca`: PEM of those who may have signed the server's certificate, empty = those of the system. */
export async function fetchKeys(
  source: KeySource,
  ca: readonly string[],
  limits: FetchLimits,
): Promise<string> {
  const ask = async (url: string): Promise<string> => {
    const answer = await askUrl(
      safeUrl(url),
      { headers, ca },
      { ...limits, deadlineMs: source.timeoutMs, bytesMax },
    );
    return answer.toString();
  };
  const jwks = await ask(source.isDiscovery ? jwksUrlOf(await ask(source.url), source.issuer) : source.url);
  readKeySet(jwks);
  return jwks;
}

/** Who can change the keys can make tokens: over TLS, or from this machine, whatever the metadata of an issuer says. */
export function safeUrl(text: string): URL {
  const url = new URL(text);
  const { protocol, hostname } = url;
  const isLocal = isLoopback(hostname.replace(/^\[|\]$/g, ''));
  if (protocol === 'https:' || (protocol === 'http:' && isLocal)) return url;
  throw new Error('an issuer is asked over https, or over http on this machine');
}

/** The metadata must be that of the issuer itself (OpenID Connect Discovery section 4.3). */
function jwksUrlOf(metadata: string, issuer: string): string {
  const { issuer: said, jwks_uri: url } = JSON.parse(metadata) as { issuer?: unknown; jwks_uri?: unknown };
  if (said !== issuer) throw new Error('the metadata is that of another issuer');
  if (typeof url !== 'string') throw new Error('the metadata names no jwks_uri');
  return url;
}
