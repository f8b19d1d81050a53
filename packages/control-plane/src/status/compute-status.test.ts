import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Condition } from '@causeway/model/resource';
import { type NodeRecord, NodeRegistry } from '../publish/node-registry.ts';
import { TestAuthority } from '@causeway/runtime/testing/test-authority';
import { certificate, manifest, route, secret, service } from '../testing/manifests.ts';
import { openWorld } from '../testing/world.ts';
import { shownResource } from './compute-status.ts';

async function setting(t: TestContext) {
  const world = await openWorld(t);
  const nodes = new NodeRegistry(world.clock, 3_600_000);
  await world.write([
    service('a'),
    service('unused'),
    manifest('AuthProvider', 'corp', { issuer: 'https://id.test/', audiences: ['api'] }),
    manifest('ApiSpec', 'orders', { document: { openapi: '3.1.0', paths: {} } }),
    manifest('Consumer', 'c', { jwt: [{ provider: 'corp', value: 'c' }] }),
    manifest('Middleware', 'm', {
      filters: [{ jwt: { providers: ['corp'] } }, { validate: { openapi: 'orders' } }],
    }),
    manifest('Gateway', 'edge', {
      listeners: [{ name: 'http', port: 8080 }],
      filters: [{ middleware: 'm' }],
    }),
    route('r', 'a', { gateways: ['default', 'edge/http'] }),
    secret('s', { password: 'hunter2' }),
  ]);
  const join = (id: string, gatewayName: string): NodeRecord => {
    const node = nodes.join({
      id,
      instance: id,
      gateway: gatewayName,
      labels: {},
      version: '1',
      workers: 1,
    })!;
    node.startOver(0, world.index.revision, world.clock.wallMs());
    return node;
  };
  const shown = (key: string) => shownResource(world.index.get(key)!, world.index, nodes);
  return { ...world, nodes, join, shown };
}

const programmed = (conditions: readonly Condition[]): Condition | undefined =>
  conditions.find(({ type }) => type === 'Programmed');

describe('the status of a resource', () => {
  it('counts the connected nodes of the Gateways concerned', async (t) => {
    const { join, shown, nodes } = await setting(t);
    join('d1', 'default');
    join('e1', 'edge');
    join('other', 'elsewhere');
    nodes.leave(join('away', 'default'));
    for (const [key, total] of [
      ['route/default/r', 2],
      ['service/default/a', 2],
      ['gateway/edge', 1],
      ['middleware/default/m', 1],
      ['authprovider/default/corp', 1],
      ['apispec/default/orders', 1],
      ['service/default/unused', 0],
      ['secret/default/s', 0],
    ] as const)
      assert.equal(shown(key).status?.nodes.total, total, key);
  });

  it('does not count a node that drains and so is sent no revision', async (t) => {
    const { join, shown, clock } = await setting(t);
    const [one, two] = [join('n1', 'default'), join('n2', 'edge')];
    one.applied(1, 'd', clock.wallMs());
    two.draining = true;
    assert.deepEqual(shown('route/default/r').status?.nodes, {
      total: 1,
      applied: 1,
      pending: 0,
      rejected: 0,
    });
    two.applied(1, 'd', clock.wallMs());
    assert.equal(shown('route/default/r').status?.nodes.total, 2);
  });

  it('is programmed when all of them have applied the revision of the last change', async (t) => {
    const { join, shown, clock } = await setting(t);
    const [one, two] = [join('n1', 'default'), join('n2', 'edge')];
    const before = shown('route/default/r').status!;
    assert.deepEqual(before.nodes, { total: 2, applied: 0, pending: 2, rejected: 0 });
    assert.equal(before.observedGeneration, 0);
    assert.deepEqual(
      [programmed(before.conditions)?.status, programmed(before.conditions)?.reason],
      ['False', 'Pending'],
    );
    clock.advance(5);
    one.applied(1, 'd', clock.wallMs());
    clock.advance(5);
    two.applied(2, 'd', clock.wallMs());
    const after = shown('route/default/r').status!;
    assert.deepEqual(after.nodes, { total: 2, applied: 2, pending: 0, rejected: 0 });
    assert.equal(after.observedGeneration, 1);
    const condition = programmed(after.conditions)!;
    assert.deepEqual([condition.status, condition.reason], ['True', 'AllNodes']);
    assert.equal(condition.lastTransitionTime, new Date(clock.wallMs()).toISOString());
  });

  it('names the nodes that reject, a few of them', async (t) => {
    const { join, shown } = await setting(t);
    const problem = {
      reason: 'listener_failed',
      resource: 'gateway/default',
      pointer: '/spec/listeners/0/port',
      detail: 'taken',
    } as const;
    for (let index = 0; index < 7; index++) join(`n${index}`, 'default').rejected(1, [problem], 0, 0);
    const { conditions, nodes } = shown('route/default/r').status!;
    assert.deepEqual(nodes, { total: 7, applied: 0, pending: 0, rejected: 7 });
    const { status, reason, message } = programmed(conditions)!;
    assert.deepEqual([status, reason], ['False', 'Rejected']);
    assert.match(
      message,
      /^n0: listener_failed gateway\/default \/spec\/listeners\/0\/port: taken; .*; 2 more$/,
    );
  });

  it('is unknown without nodes, and nothing to program for a Secret', async (t) => {
    const { shown } = await setting(t);
    const { conditions } = shown('route/default/r').status!;
    assert.deepEqual(
      conditions.map(({ type, status, reason }) => [type, status, reason]),
      [
        ['Accepted', 'True', 'Valid'],
        ['ResolvedRefs', 'True', 'AllFound'],
        ['Programmed', 'Unknown', 'NoNodes'],
      ],
    );
    assert.equal(programmed(shown('secret/default/s').status!.conditions), undefined);
  });

  it('shows no secret beside it', async (t) => {
    const { shown } = await setting(t);
    assert.deepEqual(shown('secret/default/s').spec, { data: { password: '(hidden)' } });
  });

  it('tells of a Certificate what stands in it, who uses it and which nodes have it', async (t) => {
    const { join, shown, write } = await setting(t);
    const authority = await TestAuthority.create('Shop CA');
    const notBefore = new Date('2026-01-01T00:00:00Z');
    const notAfter = new Date('2036-01-01T00:00:00Z');
    const issued = await authority.issue({ names: ['a.test', '::1'], notBefore, notAfter });
    await write([
      certificate('c', issued),
      manifest('Service', 'a', { protocol: 'https', tls: { trust: ['c'] } }),
      manifest('Service', 'b', { protocol: 'https', tls: { clientCertificate: 'c' } }),
    ]);
    join('d1', 'default');
    const { status, spec } = shown('certificate/default/c');
    assert.equal(spec['key'], '(hidden)');
    const { conditions, nodes, observedGeneration, revision, sha256, ...facts } = status!;
    assert.deepEqual(facts, {
      subject: 'CN=a.test',
      names: ['a.test', '0:0:0:0:0:0:0:1'],
      issuer: 'CN=Shop CA',
      notBefore: '2026-01-01T00:00:00.000Z',
      notAfter: '2036-01-01T00:00:00.000Z',
      usedBy: ['service/default/a', 'service/default/b'],
    });
    assert.match(sha256!, /^[0-9a-f]{64}$/);
    assert.deepEqual([nodes.total, observedGeneration, revision], [1, 0, 2]);
    assert.equal(programmed(conditions)?.reason, 'Pending');
  });
});
