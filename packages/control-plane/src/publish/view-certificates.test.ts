import assert from 'node:assert/strict';
import { before, describe, it, type TestContext } from 'node:test';
import { decodeItem, isDecodeFailure } from '@causeway/proto/compiled';
import type { Manifest } from '@causeway/model/resource';
import { type IssuedCertificate, TestAuthority } from '@causeway/runtime/testing/test-authority';
import { certificate, gateway, manifest, route, secret } from '../testing/manifests.ts';
import { openWorld } from '../testing/world.ts';
import { GatewayView } from './gateway-view.ts';

/** Names of a view's Certificates; those that travel with their key are marked by it. */
function certificatesOf(view: GatewayView): Record<string, string | undefined> {
  const found: Record<string, string | undefined> = {};
  for (const item of view.items.values()) {
    const decoded = decodeItem(item);
    assert.ok(!isDecodeFailure(decoded));
    if (decoded.kind === 'certificate') found[decoded.value.name] = decoded.value.key;
  }
  return found;
}

const https = (name: string, tls: object): Manifest => manifest('Service', name, { protocol: 'https', tls });

describe('the Certificates of a view', () => {
  let ca: Manifest;
  let one: IssuedCertificate;
  let two: IssuedCertificate;
  before(async () => {
    const authority = await TestAuthority.create();
    ca = certificate('ca', { certificate: authority.certificate });
    one = await authority.issue({ names: ['one'] });
    two = await authority.issue({ names: ['two'] });
  });

  async function follow(t: TestContext, documents: readonly Manifest[]) {
    const world = await openWorld(t);
    const { write, index, readSecret, hashes } = world;
    const views = ['default', 'edge'].map((name) => new GatewayView(name, index, readSecret, hashes));
    index.onRevision((_revision, _committedAt, changes) => {
      for (const view of views) view.apply(changes);
    });
    const change = async (...args: Parameters<typeof write>): Promise<void> => {
      const outcome = await write(...args);
      assert.equal(outcome.refused, undefined, JSON.stringify(outcome));
      for (const view of views) {
        const anew = new GatewayView(view.gateway, index, readSecret, hashes);
        assert.deepEqual(view.items.rootDigest, anew.items.rootDigest);
      }
    };
    await change(documents);
    return { ...world, change, main: views[0]!, edge: views[1]! };
  }

  it('are those that its Services refer to, with the key only where one shows it', async (t) => {
    const { main, edge, change } = await follow(t, [
      ca,
      certificate('c', one),
      certificate('unused', two),
      gateway('edge'),
      https('shows', { trust: ['ca'], clientCertificate: 'c' }),
      https('trusts', { trust: ['c'] }),
      route('r', 'shows'),
      route('e', 'trusts', { gateways: ['edge'] }),
    ]);
    assert.deepEqual(certificatesOf(main), { 'default/ca': undefined, 'default/c': one.key });
    assert.deepEqual(certificatesOf(edge), { 'default/c': undefined });
    await change([https('trusts', { trust: ['ca'], clientCertificate: 'c' })]);
    assert.deepEqual(certificatesOf(edge), { 'default/ca': undefined, 'default/c': one.key });
    await change([https('shows', { trust: ['c'] })]);
    assert.deepEqual(certificatesOf(main), { 'default/c': undefined });
    await change([], [{ kind: 'Route', namespace: 'default', name: 'r' }]);
    assert.deepEqual(certificatesOf(main), {});
  });

  it('are those of its Gateway too, with the key where a listener shows one', async (t) => {
    const front = (certificates: string[], trust: string[]): Manifest =>
      manifest('Gateway', 'edge', {
        listeners: [
          {
            name: 'https',
            port: 443,
            protocol: 'https',
            tls: { certificates, clientAuth: { mode: 'require', trust } },
          },
        ],
      });
    const documents = [ca, certificate('c', one), certificate('d', two), front(['c'], ['ca'])];
    const { main, edge, change } = await follow(t, documents);
    assert.deepEqual(certificatesOf(edge), { 'default/ca': undefined, 'default/c': one.key });
    assert.deepEqual(certificatesOf(main), {});
    await change([front(['d'], ['c'])]);
    assert.deepEqual(certificatesOf(edge), { 'default/c': undefined, 'default/d': two.key });
    await change([gateway('edge')]);
    assert.deepEqual(certificatesOf(edge), {});
  });

  it('follow their key, also where it stands in a Secret', async (t) => {
    const inSecret = ({ certificate: chain }: IssuedCertificate): Manifest =>
      certificate('c', { certificate: chain, key: { secret: 's', key: 'k' } });
    const { main, change } = await follow(t, [
      secret('s', { k: one.key }),
      inSecret(one),
      https('a', { clientCertificate: 'c' }),
      route('a', 'a'),
    ]);
    assert.deepEqual(certificatesOf(main), { 'default/c': one.key });
    await change([inSecret(two), secret('s', { k: two.key })]);
    assert.deepEqual(certificatesOf(main), { 'default/c': two.key });
    // The same key in another spelling: only the Secret changes.
    await change([secret('s', { k: `${two.key}\n` })]);
    assert.deepEqual(certificatesOf(main), { 'default/c': `${two.key}\n` });
    await change([certificate('c', two)]);
    assert.deepEqual(certificatesOf(main), { 'default/c': two.key });
  });

  it('stay the same items when something else changes', async (t) => {
    const { main, change } = await follow(t, [
      ca,
      certificate('c', one),
      https('a', { trust: ['ca'], clientCertificate: 'c' }),
      route('a', 'a'),
    ]);
    const held = () => ['ca', 'c'].map((name) => main.items.get(`certificate/default/${name}`));
    const items = held();
    await change([https('a', { trust: ['ca'], clientCertificate: 'c', minVersion: 'TLSv1.3' })]);
    await change([certificate('c', { ...one, key: '(hidden)' }), secret('s', { k: 'x' })]);
    assert.deepEqual(
      held().map((item, index) => item === items[index]),
      [true, true],
    );
  });
});
