import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  AffinitySchema,
  BalancingPolicy,
  CompiledServiceSchema,
  RequestSourceKind,
  SameSite,
} from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { UnknownChoice } from '@causeway/proto/route-rules';

import { readAffinity, readBalancing } from './read-balancing.ts';

type ServiceInit = MessageInitShape<typeof CompiledServiceSchema>;
type AffinityKind = Exclude<MessageInitShape<typeof AffinitySchema>['kind'], undefined>;

const read = (init: ServiceInit) =>
  readBalancing(create(CompiledServiceSchema, { balancing: {}, ...init } as ServiceInit));
const affinity = (kind: AffinityKind) => readAffinity(create(AffinitySchema, { kind }));
const source = { kind: RequestSourceKind.HEADER, name: 'x-user' };

describe('readBalancing', () => {
  it('reads what the Service says', () => {
    const settings = read({
      policy: BalancingPolicy.CONSISTENT_HASH,
      panicPercent: 12.5,
      balancing: {
        hash: source,
        boundedLoadPercent: 125,
        slowStartMs: 7,
        preferZone: true,
        spillPercent: 50,
      },
    });
    assert.deepEqual(settings, {
      policy: 'consistentHash',
      hash: { kind: 'header', name: 'x-user' },
      boundedLoadPercent: 125,
      slowStartMs: 7,
      prefersZone: true,
      spillPercent: 50,
      panicPercent: 12.5,
      affinity: undefined,
    });
  });

  it('knows every policy but those that do not exist yet', () => {
    const policies = Object.values(BalancingPolicy).filter((value) => typeof value === 'number');
    const names = policies
      .filter(
        (policy) => policy !== BalancingPolicy.UNSPECIFIED && policy !== BalancingPolicy.CONSISTENT_HASH,
      )
      .map((policy) => read({ policy }).policy);
    assert.deepEqual(names, ['roundRobin', 'random', 'leastRequest', 'peakEwma', 'first']);
    assert.throws(() => read({ policy: 99 as BalancingPolicy }), UnknownChoice);
  });

  it('refuses a Service that is not whole', () => {
    assert.throws(() => readBalancing(create(CompiledServiceSchema, {})), /balancing is missing/);
    assert.throws(() => read({ policy: BalancingPolicy.CONSISTENT_HASH }), /without a hash/);
    const hash = { hash: source };
    assert.throws(() => read({ policy: BalancingPolicy.RANDOM, balancing: hash }), /with a hash/);
  });
});

describe('readAffinity', () => {
  it('reads a cookie or a source', () => {
    const value = { name: 'sid', ttlSeconds: 9, path: '/a', sameSite: SameSite.STRICT, domain: 'a.test' };
    assert.deepEqual(affinity({ case: 'cookie', value }), { cookie: { ...value, sameSite: 'Strict' } });
    const query = { kind: RequestSourceKind.QUERY, name: 'room' };
    assert.deepEqual(affinity({ case: 'by', value: query }), { by: { kind: 'query', name: 'room' } });
    for (const [kind, name] of [
      [RequestSourceKind.ADDRESS, 'address'],
      [RequestSourceKind.PATH, 'path'],
      [RequestSourceKind.ROUTE, 'route'],
    ] as const)
      assert.deepEqual(affinity({ case: 'by', value: { kind } }), { by: { kind: name } });
    assert.equal(readAffinity(undefined), undefined);
  });

  it('refuses what a later version may know', () => {
    assert.throws(() => affinity({ case: undefined }), UnknownChoice);
    assert.throws(() => affinity({ case: 'by', value: { kind: 99 as RequestSourceKind } }), UnknownChoice);
    const value = { name: 'sid', path: '/', sameSite: 99 as SameSite };
    assert.throws(() => affinity({ case: 'cookie', value }), UnknownChoice);
  });
});
