/** An AuthProvider as its verifier takes it. */

import { hash } from 'node:crypto';
import type { VerifierSettings } from '@causeway/filters/jwt/token-verifier';
import type { CompiledAuthProvider } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { UnknownChoice } from '@causeway/proto/route-rules';

import { readClaim } from './filters/jwt.ts';
import { readRequestSource } from './read-balancing.ts';

export function readAuthProvider(provider: CompiledAuthProvider): VerifierSettings {
  const { name, issuer, audiences, algorithms, leewayMs, expiryOptional, tokenBytesMax } = provider;
  return {
    name,
    issuer,
    audiences: audiences.includes('*') ? [] : audiences,
    algorithms,
    keys: readKeys(provider),
    leewayMs,
    requiresExpiry: !expiryOptional,
    tokenBytesMax,
    sources: provider.sources.map(readRequestSource),
    consumerClaim: provider.consumerClaim,
    groupsClaim: provider.groupsClaim,
    scopesClaim: provider.scopesClaim,
    requiredClaims: provider.requiredClaims.map(readClaim),
    claimHeaders: provider.claimHeaders.map(({ header, claim }) => ({ header, claim })),
    clientId: provider.clientId === '' ? undefined : provider.clientId,
  };
}

function readKeys({ keys, name }: CompiledAuthProvider): VerifierSettings['keys'] {
  switch (keys.case) {
    case 'jwks':
      return { jwks: keys.value };
    case 'discoveryUrl':
    case 'jwksUrl':
      return { source: keySourceId(name, keys.value) };
    case undefined:
      throw new UnknownChoice('where the keys are from');
  }
}

/** Keys of one AuthProvider and one place: those of another place are not its own. */
export function keySourceId(provider: string, url: string): string {
  return hash('sha256', `${provider} ${url}`, 'base64url');
}
