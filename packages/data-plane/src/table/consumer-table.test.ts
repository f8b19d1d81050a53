import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { CompiledConsumerSchema } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Steps } from '@causeway/runtime/work-slices';
import { ConsumerEntry, ConsumerTable } from './consumer-table.ts';

const secret = Buffer.alloc(32, 1);
const hashOf = (key: string): Buffer => createHmac('sha256', secret).update(key).digest();

function done<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

const entry = (name: string, more: MessageInitShape<typeof CompiledConsumerSchema> = {}): ConsumerEntry =>
  new ConsumerEntry(create(CompiledConsumerSchema, { name, ...more }));
const keyed = (name: string, ...keys: string[]): [string, ConsumerEntry] => [
  name,
  entry(name, { keys: keys.map((key) => ({ hash: hashOf(key) })) }),
];
const tableOf = (...entries: [string, ConsumerEntry | undefined][]): ConsumerTable =>
  done(ConsumerTable.empty.with(new Map(entries), secret));
const nameByKey = (table: ConsumerTable, key: string, namespace = 'default'): string | undefined =>
  table.byKey(namespace, key)?.consumer.name;

describe('ConsumerTable', () => {
  it('finds a Consumer by each thing that stands for it, in its namespace alone', () => {
    const long = `spiffe://cluster.example/ns/default/sa/${'x'.repeat(100)}`;
    const table = tableOf([
      'default/acme',
      entry('default/acme', {
        groups: ['gold'],
        keys: [
          { hash: hashOf('k1'), expiresAtMs: 5n },
          { hash: hashOf('k2'), disabled: true },
        ],
        passwords: [{ username: 'josé', salt: Buffer.from('s'), costLog2: 4, hash: Buffer.from('h') }],
        tokens: [{ provider: 'corp', value: 'ümlaut' }],
        clientCertificates: [
          { identity: { case: 'sha256', value: 'ab' } },
          { identity: { case: 'alternativeName', value: `uri:${long}` } },
          { identity: { case: 'subject', value: 'CN=ci' } },
        ],
      }),
    ]);
    const bytes = (text: string): string => Buffer.from(text).toString('latin1');
    const first = table.byKey('default', 'k1');
    assert.deepEqual(
      [first?.consumer.name, first?.consumer.groups, first?.expiresAtMs],
      ['acme', ['gold'], 5],
    );
    const second = table.byKey('default', 'k2');
    assert.deepEqual([second?.isDisabled, second?.expiresAtMs], [true, Infinity]);
    assert.equal(table.byKey('shop', 'k1'), undefined);
    assert.equal(table.byKey('default', 'k3'), undefined);
    assert.equal(table.byUsername('default', bytes('josé'))?.stored.costLog2, 4);
    assert.equal(table.byUsername('shop', bytes('josé')), undefined);
    assert.equal(table.byToken('default', 'corp', 'ümlaut')?.name, 'acme');
    assert.equal(table.byToken('default', 'other', 'ümlaut'), undefined);
    const shown = (sha256: string, name: string, subject: string): string | undefined =>
      table.byCertificate('default', { sha256, alternativeNames: ['dns:x', name], subject })?.name;
    assert.equal(shown('ab', '', ''), 'acme');
    assert.equal(shown('', `uri:${long}`, ''), 'acme');
    assert.equal(shown('', '', 'CN=ci'), 'acme');
    assert.equal(shown('CN=ci', 'CN=ci', 'ab'), undefined);
  });

  it('leaves tables before a change as they are, and follows keys from one Consumer to another', () => {
    const before = tableOf(keyed('default/a', 'k1', 'k2'), keyed('default/b', 'k3'));
    const after = done(before.with(new Map([keyed('default/a', 'k3'), keyed('default/b', 'k1')]), undefined));
    assert.deepEqual(
      ['k1', 'k2', 'k3'].map((key) => nameByKey(before, key)),
      ['a', 'a', 'b'],
    );
    assert.deepEqual(
      ['k1', 'k2', 'k3'].map((key) => nameByKey(after, key)),
      ['b', undefined, 'a'],
    );
    const empty = done(
      after.with(
        new Map([
          ['default/a', undefined],
          ['default/b', undefined],
        ]),
        undefined,
      ),
    );
    assert.deepEqual(empty.maps, ConsumerTable.empty.maps);
    assert.equal(done(after.with(new Map(), undefined)), after);
  });

  it('knows no key without the secret that keys are hashed with', () => {
    const table = tableOf(keyed('default/a', 'k'));
    assert.equal(nameByKey(table, 'k'), 'a');
    assert.equal(nameByKey(done(table.with(new Map(), null)), 'k'), undefined);
    assert.equal(nameByKey(done(table.with(new Map(), Buffer.alloc(32, 2))), 'k'), undefined);
  });

  it('copies a small part of 10,000 Consumers for a change of one', () => {
    const many = tableOf(
      ...Array.from({ length: 10_000 }, (_, index) => keyed(`default/c${index}`, `k${index}`)),
    );
    const changed = done(many.with(new Map([keyed('default/c7', 'new')]), undefined));
    assert.equal(nameByKey(changed, 'new'), 'c7');
    assert.equal(nameByKey(changed, 'k7'), undefined);
    const shared = many.maps.keys?.children?.filter(
      (child, at) => child === changed.maps.keys?.children?.[at],
    );
    assert.ok((shared?.length ?? 0) >= 62, String(shared?.length));
  });
});
