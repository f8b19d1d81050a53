import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { parseAllDocuments } from 'yaml';

import { applyDemoConfiguration, withEndpoints, type DemoStore } from './demo-configuration.ts';

const upstreams = [
  { host: '127.0.0.1', port: 40_001 },
  { host: '127.0.0.1', port: 40_002 },
];

/** A store that holds these many Routes and Services, and notes what is applied to it. */
function store(held: Readonly<Record<string, number>>): DemoStore & { readonly applied: [string, string][] } {
  const applied: [string, string][] = [];
  return {
    applied,
    list: async (plural) => ({ items: Array.from({ length: held[plural] ?? 0 }, () => ({})) }),
    apply: async (yaml, { message }) => applied.push([yaml, message]),
  };
}

describe('demo configuration', () => {
  it('is applied to a store without Routes and Services, with the real ports', async () => {
    const empty = store({});
    assert.equal(await applyDemoConfiguration(empty, upstreams), true);
    const [yaml = '', message] = empty.applied[0] ?? [];
    assert.equal(message, 'example of causeway up --demo');
    const [service, route] = parseAllDocuments(yaml).map((document): unknown => document.toJS());
    assert.deepEqual(service, {
      apiVersion: 'causeway/v1',
      kind: 'Service',
      metadata: { name: 'hello' },
      spec: {
        protocol: 'http',
        endpoints: [
          { address: '127.0.0.1', port: 40_001 },
          { address: '127.0.0.1', port: 40_002 },
        ],
      },
    });
    assert.deepEqual(route, {
      apiVersion: 'causeway/v1',
      kind: 'Route',
      metadata: { name: 'hello' },
      spec: { matches: [{ path: { prefix: '/hello' } }], backends: [{ service: 'hello' }] },
    });
  });

  it('leaves a store alone that holds a Route or a Service', async () => {
    for (const held of [{ routes: 1 }, { services: 1 }]) {
      const used = store(held);
      assert.equal(await applyDemoConfiguration(used, upstreams), false);
      assert.deepEqual(used.applied, []);
    }
  });

  it('changes Services only', () => {
    const yaml = 'kind: Route\nspec: {endpoints: 1}\n---\nkind: Service\nspec: {endpoints: []}\n';
    const [route, service] = parseAllDocuments(withEndpoints(yaml, upstreams)).map((document): unknown =>
      document.toJS(),
    );
    assert.deepEqual(route, { kind: 'Route', spec: { endpoints: 1 } });
    assert.deepEqual(service, {
      kind: 'Service',
      spec: { endpoints: upstreams.map(({ host, port }) => ({ address: host, port })) },
    });
  });
});
