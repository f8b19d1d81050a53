import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Manifest } from '@causeway/model/resource';
import { manifest } from '../testing/manifests.ts';
import { openWorld } from '../testing/world.ts';

const service = manifest('Service', 'a', {});
const limited = (consumers: string[], ...more: object[]): Manifest =>
  manifest('Route', 'r', {
    backends: [{ service: 'a' }],
    filters: [{ rateLimit: { requests: 1, per: '1s', tiers: [{ consumers, requests: 2 }] } }, ...more],
  });

describe('tiers of rateLimit', () => {
  it('need somebody who finds out who calls', async (t) => {
    const { write } = await openWorld(t);
    const refused = await write([service, limited(['acme'])]);
    assert.ok(refused.refused);
    assert.deepEqual(
      refused.problems.map(({ code, pointer }) => [code, pointer]),
      [['not_allowed_here', '/spec/filters/0']],
    );
    const gateway = manifest('Gateway', 'default', { filters: [{ apiKey: {} }] });
    assert.ok(!(await write([service, gateway, limited(['acme'])])).refused);
  });

  it('warn of Consumers that are not there', async (t) => {
    const { write } = await openWorld(t);
    const known = manifest('Consumer', 'acme', {});
    const made = await write([service, known, limited(['acme', 'corp/alice', 'acne'], { apiKey: {} })]);
    assert.ok(!made.refused);
    assert.deepEqual(made.warnings, [
      'route/r: a tier of filter "rateLimit" names consumer/acne, which does not exist',
    ]);
  });
});
