import type { AnyOfSpec } from '@causeway/model/filters/any-of';
import type { ApiKeySpec } from '@causeway/model/filters/api-key';
import type { BasicAuthSpec } from '@causeway/model/filters/basic-auth';
import type { ClientCertificateSpec } from '@causeway/model/filters/client-certificate';
import type { JwtSpec } from '@causeway/model/filters/jwt';
import type { OidcSpec } from '@causeway/model/filters/oidc';
import { defaultNamespace } from '@causeway/model/resource';
import {
  AnyOfSchema,
  ApiKeySchema,
  BasicAuthSchema,
  ClientCertificateAuthSchema,
  type FilterItem,
  FilterItemSchema,
} from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { create } from '@bufbuild/protobuf';
import { compileSource } from '../compile-affinity.ts';
import { compileJwt } from './jwt.ts';
import { compileOidc } from './oidc.ts';

/** Authentication filters as they are written, in an item of a list or of anyOf. */
interface Authored {
  jwt?: JwtSpec | undefined;
  apiKey?: ApiKeySpec | undefined;
  basicAuth?: BasicAuthSpec | undefined;
  clientCertificate?: ClientCertificateSpec | undefined;
  oidc?: OidcSpec | undefined;
  anyOf?: AnyOfSpec | undefined;
}

/** `namespace`: of the Consumers and AuthProviders. Undefined for an entry that is none of these filters. */
export function compileAuthentication(
  { jwt, apiKey, basicAuth, clientCertificate, oidc, anyOf }: Authored,
  namespace: string = defaultNamespace,
): FilterItem['item'] | undefined {
  if (jwt) return { case: 'jwt', value: compileJwt(jwt, namespace) };
  if (oidc) return { case: 'oidc', value: compileOidc(oidc, namespace) };
  if (apiKey) {
    const { optional, forwardCredentials, from } = apiKey;
    const sources = from.map(compileSource);
    return {
      case: 'apiKey',
      value: create(ApiKeySchema, { namespace, sources, optional, forwardCredentials }),
    };
  }
  if (basicAuth) return { case: 'basicAuth', value: create(BasicAuthSchema, { namespace, ...basicAuth }) };
  if (clientCertificate) {
    const { optional, consumer } = clientCertificate;
    const consumerRequired = consumer === 'required';
    const value = create(ClientCertificateAuthSchema, { namespace, optional, consumerRequired });
    return { case: 'clientCertificate', value };
  }
  if (anyOf) {
    const ways = anyOf.map((way) => {
      const item = compileAuthentication(way, namespace);
      return create(FilterItemSchema, item === undefined ? {} : { item });
    });
    return { case: 'anyOf', value: create(AnyOfSchema, { ways }) };
  }
  return undefined;
}
