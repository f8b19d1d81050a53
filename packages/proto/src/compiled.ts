import { create, type DescMessage, fromBinary, type Message, toBinary } from '@bufbuild/protobuf';
import { itemDigest } from './digest.ts';
import { type Item, ItemSchema } from './gen/causeway/config/v1/config_pb.ts';
import {
  type CompiledDescriptors,
  CompiledDescriptorsSchema,
} from './gen/causeway/snapshot/v1/descriptors_pb.ts';
import {
  type CompiledApiSpec,
  CompiledApiSpecSchema,
  type CompiledAuthProvider,
  CompiledAuthProviderSchema,
  type CompiledCertificate,
  CompiledCertificateSchema,
  type CompiledConsumer,
  CompiledConsumerSchema,
  type CompiledGateway,
  CompiledGatewaySchema,
  type CompiledKeySecret,
  CompiledKeySecretSchema,
  type CompiledMiddleware,
  CompiledMiddlewareSchema,
  type CompiledRoute,
  CompiledRouteSchema,
  type CompiledService,
  CompiledServiceSchema,
} from './gen/causeway/snapshot/v1/snapshot_pb.ts';

/** The compiled kinds of this version: their protobuf message and its schema version. */
export const compiledKinds = {
  gateway: { schema: CompiledGatewaySchema, schemaVersion: 1 },
  middleware: { schema: CompiledMiddlewareSchema, schemaVersion: 1 },
  route: { schema: CompiledRouteSchema, schemaVersion: 1 },
  service: { schema: CompiledServiceSchema, schemaVersion: 1 },
  certificate: { schema: CompiledCertificateSchema, schemaVersion: 1 },
  consumer: { schema: CompiledConsumerSchema, schemaVersion: 1 },
  keysecret: { schema: CompiledKeySecretSchema, schemaVersion: 1 },
  apispec: { schema: CompiledApiSpecSchema, schemaVersion: 1 },
  descriptors: { schema: CompiledDescriptorsSchema, schemaVersion: 1 },
  authprovider: { schema: CompiledAuthProviderSchema, schemaVersion: 1 },
} as const;

export type CompiledKind = keyof typeof compiledKinds;

export type Compiled =
  | { kind: 'gateway'; key: string; value: CompiledGateway }
  | { kind: 'middleware'; key: string; value: CompiledMiddleware }
  | { kind: 'route'; key: string; value: CompiledRoute }
  | { kind: 'service'; key: string; value: CompiledService }
  | { kind: 'certificate'; key: string; value: CompiledCertificate }
  | { kind: 'consumer'; key: string; value: CompiledConsumer }
  | { kind: 'keysecret'; key: string; value: CompiledKeySecret }
  | { kind: 'apispec'; key: string; value: CompiledApiSpec }
  | { kind: 'descriptors'; key: string; value: CompiledDescriptors }
  | { kind: 'authprovider'; key: string; value: CompiledAuthProvider };

/** Why an item cannot be used: this node is older than what it was sent, or the bytes are damaged. */
export interface DecodeFailure {
  reason: 'too_old' | 'invalid_resource';
  detail: string;
}

/** Encodes a compiled resource. Equal values give equal bytes: the messages have no maps. */
export function encodeItem(compiled: Compiled): Item {
  const { schema, schemaVersion } = compiledKinds[compiled.kind];
  const bytes = toBinary(schema as DescMessage, compiled.value);
  return create(ItemSchema, {
    key: compiled.key,
    schemaVersion,
    digest: itemDigest(schemaVersion, bytes),
    bytes,
  });
}

/**
 * Decodes an item strictly: an unknown kind, schema version or field is a failure, because ignoring one could run a
 * Route without the new thing that protects it.
 */
export function decodeItem(item: Item): Compiled | DecodeFailure {
  const kind = item.key.slice(0, item.key.indexOf('/'));
  if (!Object.hasOwn(compiledKinds, kind))
    return { reason: 'too_old', detail: `this node does not know the kind ${JSON.stringify(kind)}` };
  const known = compiledKinds[kind as CompiledKind];
  if (item.schemaVersion !== known.schemaVersion) {
    return {
      reason: 'too_old',
      detail: `this node knows version ${known.schemaVersion} of ${kind}, not ${item.schemaVersion}`,
    };
  }
  let value: Message;
  try {
    value = fromBinary(known.schema as DescMessage, item.bytes);
  } catch (error) {
    return { reason: 'invalid_resource', detail: `not a compiled ${kind}: ${(error as Error).message}` };
  }
  const unknown = unknownField(value, '');
  if (unknown !== undefined)
    return { reason: 'too_old', detail: `this node does not know field ${unknown} of ${kind}` };
  return { kind, key: item.key, value } as Compiled;
}

export function isDecodeFailure(decoded: Compiled | DecodeFailure): decoded is DecodeFailure {
  return 'reason' in decoded;
}

/** Path and number of the first unknown protobuf field anywhere in a message. */
function unknownField(value: unknown, path: string): string | undefined {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return undefined;
  const unknown = (value as Partial<Message>).$unknown?.[0];
  if (unknown !== undefined) return `${path === '' ? '' : `${path}.`}${unknown.no}`;
  for (const [key, entry] of Object.entries(value)) {
    if (key.startsWith('$')) continue;
    const found = unknownField(entry, path === '' ? key : `${path}.${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}
