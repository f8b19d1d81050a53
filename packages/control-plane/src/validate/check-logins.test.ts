import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Manifest, Spec } from '@causeway/model/resource';
import { manifest, service } from '../testing/manifests.ts';
import { openWorld } from '../testing/world.ts';

const provider = (name: string, more: Spec = {}): Manifest =>
  manifest('AuthProvider', name, { issuer: 'https://id.test', audiences: ['a'], ...more });
const client = { clientId: 'gateway', clientSecret: 'a secret of the client' };
const route = (name: string, spec: Spec): Manifest =>
  manifest('Route', name, { hosts: [`${name}.test`], backends: [{ service: 'a' }], ...spec });
const login = (more: object = {}): object => ({ oidc: { provider: 'corp', ...more } });

async function worldOf(t: TestContext) {
  const world = await openWorld(t);
  const write = async (...documents: readonly Manifest[]): Promise<string[]> => {
    const outcome = await world.write(documents);
    if (!outcome.refused) return [];
    return outcome.problems.map(
      ({ resource, pointer, code, detail }) => `${resource} ${pointer} ${code}: ${detail}`,
    );
  };
  assert.deepEqual(await write(service('a'), provider('corp', client), provider('strange')), []);
  return write;
}

describe('logins', () => {
  it('need a provider that knows the gateway, whichever of the two is written', async (t) => {
    const write = await worldOf(t);
    const strange = { oidc: { provider: 'strange' } };
    const detail = 'authprovider/default/strange has no clientId, so nobody can log in there';
    assert.deepEqual(
      await write(
        route('r', { filters: [strange] }),
        manifest('Middleware', 'm', { filters: [{ anyOf: [{ apiKey: {} }, strange] }] }),
      ),
      [
        `route/default/r /spec/filters/0/oidc/provider not_allowed_here: ${detail}`,
        `middleware/default/m /spec/filters/0/anyOf/1/oidc/provider not_allowed_here: ${detail}`,
      ],
    );
    assert.deepEqual(await write(route('r', { filters: [login()] })), []);
    assert.deepEqual(await write(provider('corp')), [
      'authprovider/default/corp /spec/clientId missing: required: route/default/r logs users in there',
    ]);
  });

  it('end at paths that the Route takes', async (t) => {
    const write = await worldOf(t);
    const matches = (...all: object[]): Spec => ({ matches: all, filters: [login()] });
    const good = [
      matches({ path: { prefix: '/' } }),
      matches({ path: { prefix: '/app' } }, { path: { prefix: '/.causeway' }, methods: ['GET', 'POST'] }),
      matches({ path: { regex: '/[.]causeway/.*' } }),
      matches({ path: { template: '/.causeway/{what}' } }),
      {
        matches: [{ path: { prefix: '/app' } }],
        filters: [login({ callbackPath: '/app/in', logoutPath: '/app/out' })],
      },
    ];
    for (const spec of good) assert.deepEqual(await write(route('good', spec)), []);
    const bad = [
      matches({ path: { prefix: '/app' } }),
      matches({ path: { prefix: '/' }, methods: ['POST'] }),
      matches({ path: { prefix: '/' }, headers: [{ name: 'x', present: true }] }),
    ];
    for (const spec of bad) {
      const problems = await write(route('bad', spec));
      assert.equal(problems.length, 2);
      assert.match(
        problems[0]!,
        /^route\/default\/bad \/spec\/filters\/0\/oidc\/callbackPath not_allowed_here/,
      );
    }
    assert.match(
      (await write(route('bad', { filters: [login({ callbackPath: '/a//b' })] })))[0]!,
      /requests for it come as \/a\/b$/,
    );
  });

  it('are judged where a Middleware brings them, and not where a Gateway does', async (t) => {
    const write = await worldOf(t);
    const shared = manifest('Middleware', 'm', { filters: [login()] });
    const app = { matches: [{ path: { prefix: '/app' } }] };
    const problems = await write(shared, route('r', { ...app, filters: [{ middleware: 'm' }] }));
    assert.match(problems[0]!, /^route\/default\/r \/spec\/filters\/0 not_allowed_here: callbackPath/);
    const gateway = manifest('Gateway', 'default', {
      listeners: [{ name: 'http', port: 8080 }],
      filters: [login()],
    });
    assert.deepEqual(await write(gateway, route('r', app)), []);
  });
});
