import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { Identity, Manifest } from '@causeway/model/resource';
import { type IssuedCertificate, TestAuthority } from '@causeway/runtime/testing/test-authority';
import { certificate, manifest, secret } from '../testing/manifests.ts';
import { openWorld, type World } from '../testing/world.ts';

type Found = [resource: string | undefined, pointer: string, code: string, detail: string];

async function refusal(
  { write }: World,
  documents: readonly Manifest[],
  removals: readonly Identity[] = [],
): Promise<[string, ...Found[]]> {
  const outcome = await write(documents, removals);
  assert.ok(outcome.refused);
  return [
    outcome.refused,
    ...outcome.problems.map(
      ({ resource, pointer, code, detail }): Found => [resource, pointer, code, detail],
    ),
  ];
}

const https = (name: string, tls: object): Manifest => manifest('Service', name, { protocol: 'https', tls });
const removal = (kind: string, name: string): Identity => ({ kind, namespace: 'default', name });

describe('Certificates, their keys and their users', () => {
  let authority: TestAuthority;
  let one: IssuedCertificate;
  let two: IssuedCertificate;
  before(async () => {
    authority = await TestAuthority.create();
    [one, two] = (await Promise.all(['one', 'two'].map((name) => authority.issue({ names: [name] })))) as [
      IssuedCertificate,
      IssuedCertificate,
    ];
  });
  const mismatch = 'does not belong to the first certificate of the chain';

  it('keep a key that reads (hidden) only beside the chain that it belongs to', async (t) => {
    const world = await openWorld(t);
    assert.equal((await world.write([certificate('c', one)])).refused, undefined);
    const kept = await world.write([certificate('c', { ...one, key: '(hidden)' })]);
    assert.ok(!kept.refused && kept.committed === undefined, 'no change');
    assert.deepEqual(await refusal(world, [certificate('c', { ...two, key: '(hidden)' })]), [
      'invalid',
      ['certificate/default/c', '/spec/key', 'bad_format', mismatch],
    ]);
    assert.equal((await world.write([certificate('c', two)])).refused, undefined);
  });

  it('find the key in a Secret, of the same request too', async (t) => {
    const world = await openWorld(t);
    const inSecret = certificate('c', { ...one, key: { secret: 's', key: 'tls.key' } });
    assert.deepEqual(await refusal(world, [inSecret]), [
      'invalid',
      ['certificate/default/c', '/spec/key/secret', 'unknown_reference', 'no Secret named "s"'],
    ]);
    assert.deepEqual(await refusal(world, [inSecret, secret('s', { other: 'x' })]), [
      'invalid',
      ['certificate/default/c', '/spec/key/key', 'bad_format', 'secret/default/s has no key "tls.key"'],
    ]);
    assert.deepEqual(await refusal(world, [inSecret, secret('s', { 'tls.key': two.key })]), [
      'invalid',
      ['certificate/default/c', '/spec/key', 'bad_format', mismatch],
    ]);
    assert.equal((await world.write([inSecret, secret('s', { 'tls.key': one.key })])).refused, undefined);
  });

  it('keep a Secret from losing or changing a key that they need', async (t) => {
    const world = await openWorld(t);
    const inSecret = ({ certificate: chain }: IssuedCertificate): Manifest =>
      certificate('c', { certificate: chain, key: { secret: 's', key: 'tls.key' } });
    await world.write([inSecret(one), secret('s', { 'tls.key': one.key })]);
    assert.deepEqual(await refusal(world, [secret('s', { 'tls.key': two.key })]), [
      'invalid',
      [
        'secret/default/s',
        '/spec/data/tls.key',
        'bad_format',
        `is the key of certificate/default/c and ${mismatch}`,
      ],
    ]);
    assert.deepEqual(await refusal(world, [secret('s', {})]), [
      'invalid',
      [
        'secret/default/s',
        '/spec/data/tls.key',
        'bad_format',
        'lacks the key "tls.key" that certificate/default/c refers to',
      ],
    ]);
    assert.equal((await refusal(world, [], [removal('Secret', 's')]))[0], 'referenced');
    const together = await world.write([inSecret(two), secret('s', { 'tls.key': two.key })]);
    assert.equal(together.refused, undefined);
  });

  it('must be there and have a key where a Service shows them', async (t) => {
    const world = await openWorld(t);
    assert.deepEqual(await refusal(world, [https('a', { trust: ['ca'], clientCertificate: 'c' })]), [
      'invalid',
      ['service/default/a', '/spec/tls/clientCertificate', 'unknown_reference', 'no Certificate named "c"'],
      ['service/default/a', '/spec/tls/trust/0', 'unknown_reference', 'no Certificate named "ca"'],
    ]);
    const ca = certificate('ca', { certificate: authority.certificate });
    assert.deepEqual(await refusal(world, [ca, https('a', { clientCertificate: 'ca' })]), [
      'invalid',
      ['service/default/a', '/spec/tls/clientCertificate', 'bad_format', 'certificate/default/ca has no key'],
    ]);
    const users = [https('a', { trust: ['ca'] }), https('b', { clientCertificate: 'c' })];
    await world.write([ca, certificate('c', one), ...users]);
    assert.deepEqual(await refusal(world, [certificate('c', { certificate: one.certificate })]), [
      'invalid',
      [
        'certificate/default/c',
        '/spec/key',
        'missing',
        'required: service/default/b uses it as tls.clientCertificate',
      ],
    ]);
    assert.deepEqual(await refusal(world, [], [removal('Certificate', 'ca'), removal('Certificate', 'c')]), [
      'referenced',
      ['service/default/a', '/spec/tls/trust/0', 'referenced', 'refers to certificate/default/ca'],
      ['service/default/b', '/spec/tls/clientCertificate', 'referenced', 'refers to certificate/default/c'],
    ]);
  });

  it('warn at every apply of what is hardly ever meant', async (t) => {
    const world = await openWorld(t);
    const [nowMs, dayMs] = [world.clock.wallMs(), 86_400_000];
    const valid = (fromMs: number, toMs: number): Promise<IssuedCertificate> =>
      authority.issue({
        names: ['x'],
        notBefore: new Date(nowMs + fromMs),
        notAfter: new Date(nowMs + toMs),
      });
    const documents = [
      certificate('old', await valid(-2 * dayMs, -dayMs)),
      certificate('new', await valid(dayMs, 2 * dayMs)),
      certificate('good', await valid(-dayMs, dayMs)),
      https('blind', { verify: false }),
      https('seeing', {}),
    ];
    for (const time of ['first', 'second']) {
      const outcome = await world.write(documents);
      assert.ok(!outcome.refused);
      assert.deepEqual(
        outcome.warnings,
        [
          'certificate/old has expired: it was valid until 2025-12-31T00:00:00.000Z',
          'certificate/new is not valid yet: it will be from 2026-01-02T00:00:00.000Z',
          'service/blind takes any certificate of its endpoints (tls.verify is false)',
        ],
        time,
      );
    }
  });
});
