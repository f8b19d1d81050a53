import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { Manifest } from '@causeway/model/resource';
import { TestAuthority } from '@causeway/runtime/testing/test-authority';
import { certificate, manifest } from '../testing/manifests.ts';
import { openWorld, type World } from '../testing/world.ts';

const front = (certificates: string[], more: object = {}): Manifest =>
  manifest('Gateway', 'edge', {
    listeners: [{ name: 'https', port: 443, protocol: 'https', tls: { certificates }, ...more }],
  });

describe('the names of a listener', () => {
  let authority: TestAuthority;
  before(async () => {
    authority = await TestAuthority.create();
  });

  const issued = async (name: string, ...names: string[]): Promise<Manifest> =>
    certificate(name, await authority.issue({ names, notBefore: new Date(0) }));

  async function written({ write }: World, ...documents: Manifest[]): Promise<unknown> {
    const outcome = await write(documents);
    if (!outcome.refused) return outcome.warnings;
    return outcome.problems.map(({ resource, pointer, code, detail }) => [resource, pointer, code, detail]);
  }

  it('have a key, and better one Certificate each, whichever of them is written', async (t) => {
    const world = await openWorld(t);
    const [a, b] = [await issued('a', 'a.test', 'Both.test'), await issued('b', 'b.test', 'both.test')];
    const ca = certificate('ca', { certificate: authority.certificate });
    assert.deepEqual(await written(world, ca, front(['ca'])), [
      [
        'gateway/edge',
        '/spec/listeners/0/tls/certificates/0',
        'bad_format',
        'certificate/default/ca has no key',
      ],
    ]);
    const shared =
      'gateway/edge: certificate/b of listener https is for both.test, and so is certificate/a, which clients get';
    assert.deepEqual(await written(world, a, b, front(['a', 'b'])), [shared], 'told once');
    assert.deepEqual(await written(world, await issued('b', 'b.test')), []);
    assert.deepEqual(await written(world, b), [shared]);
    assert.deepEqual(await written(world, certificate('a', { certificate: authority.certificate })), [
      ['certificate/default/a', '/spec/key', 'missing', 'required: gateway/edge uses it as tls.certificates'],
    ]);
  });

  it('warn of hosts that no certificate is for', async (t) => {
    const world = await openWorld(t);
    const hosts = ['a.test', 'b.test', 'x.w.test', 'y.x.w.test', '*.w.test', '*.v.test'];
    const documents = [await issued('a', 'a.test'), await issued('w', '*.w.test')];
    const missing = ['b.test', 'y.x.w.test', '*.v.test'];
    assert.deepEqual(
      await written(world, ...documents, front(['a', 'w'], { hosts })),
      missing.map((host) => `gateway/edge: no certificate of listener https is for ${host}`),
    );
  });
});
