import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Manifest, Spec } from '@causeway/model/resource';
import { decodeItem } from '@causeway/proto/compiled';
import { manifest, secret } from '../testing/manifests.ts';
import { openWorld, tempDirectory } from '../testing/world.ts';
import { GatewayView } from './gateway-view.ts';

const consumer = (name: string, spec: Spec = {}): Manifest => manifest('Consumer', name, spec);
const keys = (...values: unknown[]): Spec => ({
  keys: values.map((value, index) => ({ name: `k${index}`, value })),
});
const asking = (name: string, filters: object[] = [{ apiKey: {} }]): Manifest =>
  manifest('Middleware', name, { filters });
const routeWith = (name: string, middleware: string): Manifest =>
  manifest('Route', name, { filters: [{ middleware }], backends: [{ service: 'a' }] });
const service = manifest('Service', 'a', {});

const held = (view: GatewayView): string[] =>
  [...view.items.values()]
    .map(({ key }) => key)
    .filter((key) => /^(consumer|keysecret)\//.test(key))
    .toSorted();

describe('ViewConsumers', () => {
  it('sends Consumers where filters look for them, and nothing where none do', async (t) => {
    const { write, index, readSecret, hashes } = await openWorld(t);
    const view = new GatewayView('default', index, readSecret, hashes);
    index.onRevision((_revision, _committedAt, changes) => view.apply(changes));
    await write(
      [service, consumer('a', keys('key-number-one-of-a')), asking('m'), routeWith('open', 'none-yet')].slice(
        0,
        3,
      ),
    );
    assert.deepEqual(held(view), []);
    await write([routeWith('closed', 'm')]);
    assert.deepEqual(held(view), ['consumer/default/a', 'keysecret/default']);
    await write([consumer('b')]);
    assert.deepEqual(held(view), ['consumer/default/a', 'consumer/default/b', 'keysecret/default']);
    await write([], [{ kind: 'Consumer', namespace: 'default', name: 'b' }]);
    assert.deepEqual(held(view), ['consumer/default/a', 'keysecret/default']);
    await write([
      asking('m', [{ respond: {} }]),
      manifest('Route', 'closed', { filters: [{ middleware: 'm' }] }),
    ]);
    assert.deepEqual(held(view), []);
    await write([manifest('Gateway', 'default', { filters: [{ anyOf: [{ basicAuth: {} }] }] })]);
    assert.deepEqual(held(view), ['consumer/default/a', 'keysecret/default']);
    const anew = new GatewayView('default', index, readSecret, hashes);
    assert.deepEqual(anew.items.rootDigest, view.items.rootDigest);
  });

  it('hashes what is secret, the same way after a restart, and follows Secrets', async (t) => {
    const directory = tempDirectory(t);
    const { write, index, readSecret, hashes } = await openWorld(t, directory);
    const inSecret = { secret: 's', key: 'k' };
    await write([
      manifest('Gateway', 'default', { filters: [{ apiKey: {} }] }),
      secret('s', { k: 'key-number-two-of-a', other: 'x' }),
      consumer('a', {
        ...keys('key-number-one-of-a', inSecret),
        passwords: [{ username: 'a', password: 'password-of-a' }],
      }),
    ]);
    const view = new GatewayView('default', index, readSecret, hashes);
    index.onRevision((_revision, _committedAt, changes) => view.apply(changes));
    const item = view.items.get('consumer/default/a')!;
    const decoded = decodeItem(item);
    assert.ok('value' in decoded && decoded.kind === 'consumer');
    const { keys: sent, passwords } = decoded.value;
    assert.deepEqual(
      sent.map(({ hash }) => Buffer.from(hash)),
      ['key-number-one-of-a', 'key-number-two-of-a'].map((text) => Buffer.from(hashes.keyHash(text))),
    );
    assert.deepEqual(
      passwords.map(({ username, costLog2 }) => [username, costLog2]),
      [['a', 14]],
    );
    const bytes = Buffer.from(item.bytes).toString('latin1');
    assert.ok(!bytes.includes('of-a'), 'no text of a key or password');
    const restarted = await openWorld(t, directory);
    const after = new GatewayView('default', restarted.index, restarted.readSecret, restarted.hashes);
    assert.deepEqual(after.items.rootDigest, view.items.rootDigest);
    await write([secret('s', { k: 'key-number-two-of-a', other: 'y' })]);
    assert.equal(view.items.get('consumer/default/a'), item, 'another value is no change of it');
    await write([secret('s', { k: 'key-number-three-of-a', other: 'y' })]);
    assert.notEqual(view.items.get('consumer/default/a'), item);
  });
});
