import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { Manifest, Spec } from '@causeway/model/resource';
import { type IssuedCertificate, TestAuthority } from '@causeway/runtime/testing/test-authority';
import { certificate, manifest } from '../testing/manifests.ts';
import { openWorld } from '../testing/world.ts';

const route = (filters: object[], more: Spec = {}): Manifest =>
  manifest('Route', 'r', { hosts: ['a.test'], backends: [{ service: 'a' }], filters, ...more });

describe('unaskedCertificates', () => {
  let issued: IssuedCertificate;
  before(async () => {
    issued = await (await TestAuthority.create()).issue({ names: ['a.test'] });
  });

  it('tells of filters that read certificates where no listener asks for any', async (t) => {
    const { write } = await openWorld(t);
    const gateway = (mode: string): Manifest =>
      manifest('Gateway', 'default', {
        listeners: [
          { name: 'plain', port: 8080 },
          {
            name: 'tls',
            port: 8443,
            protocol: 'https',
            tls: { certificates: ['c'], clientAuth: mode === 'none' ? { mode } : { mode, trust: ['c'] } },
          },
        ],
      });
    const warned = async (...documents: Manifest[]): Promise<string[]> => {
      const made = await write([manifest('Service', 'a', {}), certificate('c', issued), ...documents]);
      assert.ok(!made.refused, JSON.stringify(made));
      return made.warnings.filter((warning) => warning.includes('client certificate'));
    };
    const filters = [{ anyOf: [{ apiKey: {} }, { clientCertificate: {} }] }];
    const warning =
      'route/r never sees a client certificate, which filter "anyOf" reads: no listener has tls.clientAuth';
    assert.deepEqual(await warned(gateway('none'), route(filters)), [warning]);
    assert.deepEqual(await warned(gateway('optional'), route(filters)), []);
    assert.deepEqual(await warned(route(filters, { gateways: ['default/tls'] })), []);
    assert.deepEqual(await warned(route(filters, { gateways: ['default/plain'] })), [warning]);
    assert.deepEqual(await warned(route([{ anyOf: [{ apiKey: {} }] }], { gateways: ['default/plain'] })), []);
  });
});
