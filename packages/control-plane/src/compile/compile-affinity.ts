import { create } from '@bufbuild/protobuf';
import type { Affinity as AffinitySpec } from '@causeway/model/kinds/affinity';
import { durationMs } from '@causeway/model/quantity';
import { parseSource } from '@causeway/model/source';
import {
  type Affinity,
  AffinitySchema,
  type RequestSource,
  RequestSourceKind,
  RequestSourceSchema,
  SameSite,
} from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { assert } from '@causeway/runtime/assert';

export function compileAffinity({ cookie, by }: AffinitySpec): Affinity {
  if (cookie === undefined) {
    assert(by !== undefined, 'validation has seen one of the two');
    return create(AffinitySchema, { kind: { case: 'by', value: compileSource(by) } });
  }
  const { name, ttl, path, sameSite, domain } = cookie;
  const value = {
    name,
    // Cookies know whole seconds (RFC 6265 section 4.1.2.2).
    ttlSeconds: Math.ceil(durationMs(ttl) / 1000),
    path,
    sameSite: sameSites[sameSite],
    domain: domain ?? '',
  };
  return create(AffinitySchema, { kind: { case: 'cookie', value } });
}

export function compileSource(text: string): RequestSource {
  const source = parseSource(text);
  assert(source, 'validation has parsed the source');
  return create(RequestSourceSchema, { kind: sourceKinds[source.kind], name: source.name });
}

const sameSites = { Lax: SameSite.LAX, Strict: SameSite.STRICT, None: SameSite.NONE } as const;

const sourceKinds = {
  address: RequestSourceKind.ADDRESS,
  route: RequestSourceKind.ROUTE,
  path: RequestSourceKind.PATH,
  header: RequestSourceKind.HEADER,
  query: RequestSourceKind.QUERY,
  cookie: RequestSourceKind.COOKIE,
  consumer: RequestSourceKind.CONSUMER,
  claim: RequestSourceKind.CLAIM,
} as const;
