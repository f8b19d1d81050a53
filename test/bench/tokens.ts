// What does the first look at a token cost, beside jose alone? CPU of this process a token, threads of its cryptography included.

import { KeySets } from '@causeway/filters/jwt/key-sets';
import { TokenVerifier } from '@causeway/filters/jwt/token-verifier';
import { testIssuer } from '@causeway/filters/testing/tokens';
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import { formatTable } from './table.ts';

const algorithms = ['ES256', 'RS256', 'EdDSA'];
const tokensPerRound = 2000;
const rounds = 5;

/** Prints the median of the rounds; in each all ways see tokens that they have not seen, in turn. */
export async function benchTokens(print: (line: string) => void): Promise<void> {
  const rows: string[][] = [];
  for (const algorithm of algorithms) {
    const costs = await costsOf(algorithm);
    const jose = median(costs.get('jose')!);
    for (const [way, all] of costs) {
      const cost = median(all);
      rows.push([algorithm, way, cost.toFixed(1), `${((cost / jose - 1) * 100).toFixed(1)} %`]);
    }
  }
  print(formatTable(['algorithm', 'way', 'CPU us', 'over jose'], rows));
}

async function costsOf(algorithm: string): Promise<Map<string, number[]>> {
  const issuer = await testIssuer('https://id.test/', algorithm);
  const keys = createLocalJWKSet(JSON.parse(issuer.jwks) as JSONWebKeySet);
  const verifier = new TokenVerifier(
    {
      name: 'default/corp',
      clientId: undefined,
      issuer: issuer.issuer,
      audiences: ['api'],
      algorithms: [algorithm],
      keys: { jwks: issuer.jwks },
      leewayMs: 30_000,
      requiresExpiry: true,
      tokenBytesMax: 8192,
      sources: [],
      consumerClaim: 'sub',
      groupsClaim: 'groups',
      scopesClaim: 'scope',
      requiredClaims: [],
      claimHeaders: [],
    },
    new KeySets(() => Promise.resolve()),
    Date.now,
  );
  const options = { issuer: issuer.issuer, audience: 'api', algorithms: [algorithm], clockTolerance: 30 };
  const ways: Record<string, (token: string) => unknown> = {
    jose: (token) => jwtVerify(token, keys, options),
    'ours, first look': (token) => verify(verifier, token),
  };
  const costs = new Map<string, number[]>();
  let made = 0;
  const fresh = (): Promise<string[]> =>
    Promise.all(Array.from({ length: tokensPerRound }, () => issuer.sign({ jti: String((made += 1)) })));
  // The first round only warms up.
  for (let round = 0; round <= rounds; round += 1) {
    for (const [way, check] of Object.entries(ways)) {
      const tokens = await fresh();
      const cost = await cpuEach(tokens, check);
      if (round > 0) costs.set(way, [...(costs.get(way) ?? []), cost]);
      if (way === 'jose') continue;
      const again = await cpuEach(tokens, check);
      if (round > 0) costs.set('ours, seen before', [...(costs.get('ours, seen before') ?? []), again]);
    }
  }
  return costs;
}

async function verify(verifier: TokenVerifier, token: string): Promise<void> {
  const outcome = await verifier.verify(token);
  if ('fault' in outcome) throw new Error(`a good token is refused: ${outcome.fault}`);
}

/** Microseconds. */
async function cpuEach(tokens: readonly string[], check: (token: string) => unknown): Promise<number> {
  const before = process.cpuUsage();
  for (const token of tokens) await check(token);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / tokens.length;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
