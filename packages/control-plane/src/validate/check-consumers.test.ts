import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Manifest, Spec } from '@causeway/model/resource';
import { manifest, secret } from '../testing/manifests.ts';
import { openWorld, type World } from '../testing/world.ts';

const consumer = (name: string, spec: Spec): Manifest => manifest('Consumer', name, spec);
const keyed = (name: string, value: unknown, keyName = 'k'): Manifest =>
  consumer(name, { keys: [{ name: keyName, value }] });
const one = 'key-number-one-of-them';

async function refusal({ write }: World, ...documents: Manifest[]): Promise<unknown[]> {
  const outcome = await write(documents);
  assert.equal(outcome.refused, 'invalid');
  return outcome.problems.map(({ resource, pointer, code, detail }) => [resource, pointer, code, detail]);
}

async function accepted({ write }: World, ...documents: Manifest[]): Promise<void> {
  assert.equal((await write(documents)).refused, undefined);
}

const same = (noun: string, owner: string): string =>
  `the same as ${noun} of consumer/default/${owner}, and one must stand for one Consumer alone`;

describe('Consumers', () => {
  it('share nothing that stands for one of them', async (t) => {
    const world = await openWorld(t);
    const all = {
      keys: [{ name: 'k', value: one }],
      passwords: [{ username: 'u', password: 'password-one' }],
      jwt: [{ provider: 'corp', value: 'v' }],
      clientCertificates: [{ san: 'dns:a' }, { subject: 'CN=a' }],
    };
    const provider = manifest('AuthProvider', 'corp', { issuer: 'https://id.test/', audiences: ['a'] });
    const shops = { ...provider, metadata: { name: 'corp', namespace: 'shop' } };
    await accepted(world, provider, shops, consumer('a', all));
    await accepted(world, consumer('a', { ...all, groups: ['g'] }));
    assert.deepEqual(await refusal(world, consumer('b', all)), [
      ['consumer/default/b', '/spec/clientCertificates/0', 'duplicate', same('certificate of san', 'a')],
      ['consumer/default/b', '/spec/clientCertificates/1', 'duplicate', same('certificate of subject', 'a')],
      ['consumer/default/b', '/spec/jwt/0', 'duplicate', same('token of corp', 'a')],
      ['consumer/default/b', '/spec/keys/0/value', 'duplicate', same('key "k"', 'a')],
      ['consumer/default/b', '/spec/passwords/0/username', 'duplicate', same('user name "u"', 'a')],
    ]);
    const elsewhere = { ...consumer('b', all), metadata: { name: 'b', namespace: 'shop' } };
    await accepted(world, elsewhere);
    // What moves within one request is nobody's twice.
    await accepted(world, consumer('a', {}), consumer('b', all));
    assert.deepEqual(
      await refusal(world, keyed('c', 'key-number-two-of-them'), keyed('d', 'key-number-two-of-them')),
      [['consumer/default/d', '/spec/keys/0/value', 'duplicate', same('key "k"', 'c')]],
    );
  });

  it('refer to keys that are there, fit to be keys, and nobody else has', async (t) => {
    const world = await openWorld(t);
    const at = (key: string): object => ({ secret: 's', key });
    assert.deepEqual(await refusal(world, keyed('a', at('k'))), [
      ['consumer/default/a', '/spec/keys/0/value/secret', 'unknown_reference', 'no Secret named "s"'],
    ]);
    await accepted(world, secret('s', { short: 'x', k: one }), keyed('z', 'key-number-two-of-them'));
    assert.deepEqual(await refusal(world, keyed('a', at('other'))), [
      ['consumer/default/a', '/spec/keys/0/value/key', 'bad_format', 'secret/default/s has no key "other"'],
    ]);
    const unfit = 'not an API key: 16 to 512 visible ASCII characters';
    assert.deepEqual(await refusal(world, keyed('a', at('short'))), [
      ['consumer/default/a', '/spec/keys/0/value', 'bad_format', unfit],
    ]);
    await accepted(world, keyed('a', at('k')));
    assert.deepEqual(await refusal(world, keyed('b', one)), [
      ['consumer/default/b', '/spec/keys/0/value', 'duplicate', same('key "k"', 'a')],
    ]);
    // A Secret that is written alone must not break the Consumers that refer to it.
    const byConsumer = (pointer: string, text: string): string =>
      `consumer/default/a /spec/keys/0/value${pointer}: ${text}`;
    assert.deepEqual(await refusal(world, secret('s', { k: 'short' })), [
      ['secret/default/s', '/spec/data', 'bad_format', byConsumer('', unfit)],
    ]);
    assert.deepEqual(await refusal(world, secret('s', { other: one })), [
      ['secret/default/s', '/spec/data', 'bad_format', byConsumer('/key', 'secret/default/s has no key "k"')],
    ]);
    assert.deepEqual(await refusal(world, secret('s', { k: 'key-number-two-of-them' })), [
      ['secret/default/s', '/spec/data', 'duplicate', byConsumer('', same('key "k"', 'z'))],
    ]);
  });

  it('keep a key that reads (hidden) by its name, wherever it stands in the list', async (t) => {
    const world = await openWorld(t);
    const two = 'key-number-two-of-them';
    await accepted(
      world,
      consumer('a', {
        keys: [
          { name: 'x', value: one },
          { name: 'y', value: two },
        ],
      }),
    );
    await accepted(world, consumer('a', { keys: [{ name: 'y', value: '(hidden)' }] }));
    await accepted(world, keyed('b', one));
    assert.deepEqual(await refusal(world, keyed('c', two)), [
      ['consumer/default/c', '/spec/keys/0/value', 'duplicate', same('key "y"', 'a')],
    ]);
    assert.deepEqual(
      await refusal(world, consumer('a', { keys: [{ name: 'renamed', value: '(hidden)' }] })),
      [
        [
          'consumer/default/a',
          '/spec/keys/0/value',
          'missing',
          '(hidden) stands for a stored value, and there is none',
        ],
      ],
    );
  });
});
