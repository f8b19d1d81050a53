import { createAnyOfFilter } from '@causeway/filters/any-of';
import { type ApiKeySettings, createApiKeyFilter, type KeyServices } from '@causeway/filters/api-key';
import type { AuthenticationFilter } from '@causeway/filters/authentication';
import { type BasicAuthSettings, createBasicAuthFilter } from '@causeway/filters/basic-auth/basic-auth';
import type { PasswordCheck } from '@causeway/filters/basic-auth/password-check';
import {
  type ClientCertificateSettings,
  createClientCertificateFilter,
} from '@causeway/filters/client-certificate';
import type { Filter } from '@causeway/filters/filter';
import { JwtFilter } from '@causeway/filters/jwt/jwt';
import type { LoginServices } from '@causeway/filters/oidc/login-services';
import { OidcFilter } from '@causeway/filters/oidc/oidc';
import type {
  AnyOf,
  ApiKey,
  BasicAuth,
  ClientCertificateAuth,
  FilterItem,
} from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { UnknownChoice } from '@causeway/proto/route-rules';

import { readRequestSource } from '../read-balancing.ts';
import { readJwt } from './jwt.ts';
import { readOidc } from './oidc.ts';

/** What these filters need of their node. */
export interface AuthServices extends KeyServices {
  readonly passwords: PasswordCheck;
  readonly logins: LoginServices;
}

/** Undefined for an item that is none of these filters. */
export function buildAuthFilter(
  { name, item }: FilterItem,
  services: AuthServices,
): AuthenticationFilter | undefined {
  switch (item.case) {
    case 'jwt':
      return new JwtFilter(name, readJwt(item.value));
    case 'oidc':
      return new OidcFilter(name, readOidc(item.value), services.logins);
    case 'apiKey':
      return createApiKeyFilter(name, readApiKey(item.value), services);
    case 'basicAuth':
      return createBasicAuthFilter(name, readBasicAuth(item.value), services.passwords);
    case 'clientCertificate':
      return createClientCertificateFilter(name, readClientCertificate(item.value));
    default:
      return undefined;
  }
}

/** Throws UnknownChoice for a way that this version does not have. */
export function buildAnyOf(name: string, { ways }: AnyOf, services: AuthServices): Filter {
  const filters = ways.map((way) => {
    const filter = buildAuthFilter(way, services);
    if (filter === undefined) throw new UnknownChoice(`filter ${JSON.stringify(name)}`);
    return filter;
  });
  return createAnyOfFilter(name, filters);
}

function readApiKey({ namespace, sources, optional, forwardCredentials }: ApiKey): ApiKeySettings {
  return {
    namespace,
    sources: sources.map((compiled) => {
      const source = readRequestSource(compiled);
      if (!('name' in source)) throw new UnknownChoice(`source ${source.kind} of an API key`);
      return source;
    }),
    isOptional: optional,
    forwardsCredentials: forwardCredentials,
  };
}

function readBasicAuth({ namespace, realm, optional, forwardCredentials }: BasicAuth): BasicAuthSettings {
  return { namespace, realm, isOptional: optional, forwardsCredentials: forwardCredentials };
}

function readClientCertificate(compiled: ClientCertificateAuth): ClientCertificateSettings {
  const { namespace, optional, consumerRequired } = compiled;
  return { namespace, isOptional: optional, needsConsumer: consumerRequired };
}
