import type { VerifierSettings } from '../jwt/token-verifier.ts';
import type { TestIssuer } from './tokens.ts';

/** Of an AuthProvider `default/corp` that takes the issuer's tokens for `api`. */
export function verifierSettings(by: TestIssuer, settings: Partial<VerifierSettings> = {}): VerifierSettings {
  return {
    name: 'default/corp',
    issuer: by.issuer,
    audiences: ['api'],
    algorithms: ['ES256', 'RS256', 'EdDSA', 'PS256'],
    keys: { jwks: by.jwks },
    leewayMs: 30_000,
    requiresExpiry: true,
    tokenBytesMax: 8192,
    sources: [{ kind: 'header', name: 'authorization' }],
    consumerClaim: 'sub',
    groupsClaim: 'groups',
    scopesClaim: 'scope',
    requiredClaims: [],
    clientId: undefined,
    claimHeaders: [],
    ...settings,
  };
}
