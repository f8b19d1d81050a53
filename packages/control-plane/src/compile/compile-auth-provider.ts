import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { AuthProviderSpec } from '@causeway/model/kinds/auth-provider';
import { durationMs, sizeBytes } from '@causeway/model/quantity';
import { qualifiedName } from '@causeway/model/resource';
import type { Compiled } from '@causeway/proto/compiled';
import {
  CompiledAuthProviderSchema,
  type KeyRefreshSchema,
  type RequiredClaimSchema,
} from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import type { Entry } from '../store/resource-index.ts';
import { compileSource } from './compile-affinity.ts';

/** Texts of secrets; undefined where there is none. */
export interface ProviderSecrets {
  /** Of an inline key, by its place in `jwks.keys`. */
  keyAt(index: number): string | undefined;
  readonly clientSecret: string | undefined;
}

export function compileAuthProvider(entry: Entry, secrets: ProviderSecrets): Compiled {
  const { namespace, name } = entry.resource.metadata;
  const spec = entry.effective as AuthProviderSpec;
  return {
    kind: 'authprovider',
    key: entry.key,
    value: create(CompiledAuthProviderSchema, {
      name: qualifiedName(namespace, name),
      issuer: spec.issuer,
      audiences: spec.audiences,
      algorithms: spec.algorithms,
      ...compileKeys(spec, secrets),
      ...(spec.jwks.keys === undefined || spec.clientId !== undefined
        ? { refresh: compileRefresh(spec.refresh, namespace) }
        : {}),
      leewayMs: durationMs(spec.leeway),
      expiryOptional: !spec.requireExpiry,
      tokenBytesMax: sizeBytes(spec.maxTokenSize),
      sources: spec.from.map(compileSource),
      consumerClaim: spec.claims.consumer,
      groupsClaim: spec.claims.groups,
      scopesClaim: spec.claims.scopes,
      requiredClaims: compileClaims(spec.requiredClaims),
      claimHeaders: Object.entries(spec.claimHeaders)
        .map(([header, claim]) => ({ header: header.toLowerCase(), claim }))
        .toSorted((a, b) => (a.header < b.header ? -1 : 1)),
      ...(spec.clientId !== undefined && { clientId: spec.clientId }),
      // One that stands nowhere any more is none that is right.
      ...(spec.clientSecret !== undefined && { clientSecret: secrets.clientSecret ?? '' }),
    }),
  };
}

/** Sorted, so that equal claims give equal bytes in whatever order they were written. */
export function compileClaims(
  claims: Readonly<Record<string, unknown>>,
): MessageInitShape<typeof RequiredClaimSchema>[] {
  return Object.keys(claims)
    .toSorted()
    .map((claim) => ({ claim, values: [claims[claim]].flat().map((value) => JSON.stringify(value)) }));
}

type CompiledKeys = Pick<MessageInitShape<typeof CompiledAuthProviderSchema>, 'keys'>;

function compileKeys({ issuer, jwks }: AuthProviderSpec, secrets: ProviderSecrets): CompiledKeys {
  if (jwks.keys !== undefined) {
    const keys = jwks.keys.map((key, index) =>
      key['kty'] === 'oct' ? secretKey(key, secrets.keyAt(index)) : key,
    );
    return { keys: { case: 'jwks', value: JSON.stringify({ keys }) } };
  }
  const place: CompiledKeys['keys'] =
    jwks.uri === undefined
      ? { case: 'discoveryUrl', value: `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration` }
      : { case: 'jwksUrl', value: jwks.uri };
  return { keys: place };
}

/** The text itself is the secret; a JWK holds it in base64url (RFC 7518 section 6.4.1). */
function secretKey(key: Readonly<Record<string, unknown>>, secret: string | undefined): object {
  return { ...key, k: Buffer.from(secret ?? '').toString('base64url') };
}

function compileRefresh(
  { interval, cooldown, timeout, trust }: AuthProviderSpec['refresh'],
  namespace: string | undefined,
): MessageInitShape<typeof KeyRefreshSchema> {
  return {
    intervalMs: durationMs(interval),
    cooldownMs: durationMs(cooldown),
    timeoutMs: durationMs(timeout),
    trust: trust.map((certificate) => qualifiedName(namespace, certificate)),
  };
}
