import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { endpointsDigest, sameDigest } from '@causeway/proto/digest';
import { NodeMessageSchema } from '@causeway/proto/gen/causeway/config/v1/config_pb';
import { SnapshotItems } from '@causeway/proto/snapshot-items';
import type { Manifest } from '@causeway/model/resource';
import * as fc from 'fast-check';
import { manifest, route, service } from '../testing/manifests.ts';
import { StreamNode } from '../testing/stream-node.ts';
import { openWorld, type World } from '../testing/world.ts';
import { GatewayView } from './gateway-view.ts';
import { NodeRegistry } from './node-registry.ts';
import { Subscription } from './subscription.ts';
import { UpdateSlots } from './update-slots.ts';

interface Setting {
  world: World;
  nodes: NodeRegistry;
  view: GatewayView;
  node: StreamNode;
  /** The subscription of the newest stream. */
  subscription: Subscription;
  /** Writes and lets the subscription hear of it. */
  write: (...documents: Manifest[]) => Promise<void>;
  remove: (kind: string, name: string) => Promise<void>;
  /** A new stream of the node, or of another that holds nothing. */
  connect: (node?: StreamNode, more?: Parameters<StreamNode['hello']>[0]) => Promise<void>;
}

/** Everything that is due has happened. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function setting(t: TestContext): Promise<Setting> {
  const world = await openWorld(t);
  const nodes = new NodeRegistry(world.clock, 3_600_000);
  await world.write([service('a'), service('b'), route('r1', 'a'), route('r2', 'a')]);
  const view = new GatewayView('default', world.index, world.readSecret, world.hashes);
  const slots = new UpdateSlots();
  const parts: Setting = {
    world,
    nodes,
    view,
    node: new StreamNode(),
    subscription: undefined as unknown as Subscription,
    write: async (...documents) => {
      const outcome = await world.write(documents);
      assert.ok(!outcome.refused, JSON.stringify(outcome));
      await settled();
    },
    remove: async (kind, name) => {
      const outcome = await world.write([], [{ kind, namespace: 'default', name }]);
      assert.ok(!outcome.refused, JSON.stringify(outcome));
      await settled();
    },
    connect: async (node = parts.node, more = {}) => {
      parts.subscription?.end();
      parts.node = node;
      const { nodeId: id, gateway, instance, version, workers } = node.hello(more);
      const record = nodes.join({ id, gateway, instance, version, workers, labels: {} })!;
      const revision = world.index.revision;
      const { tickets, affinity, logins } = world;
      parts.subscription = new Subscription({
        node: record,
        view,
        nodes,
        sink: node,
        slots,
        tickets,
        affinity,
        logins,
        revision,
      });
      await parts.subscription.start(node.hello(more));
      await settled();
    },
  };
  world.index.onRevision((revision, _committedAt, changes) => {
    view.apply(changes);
    void parts.subscription?.publish(revision);
  });
  return parts;
}

async function reply(parts: Setting, kind: 'ack' | 'holdings'): Promise<void> {
  await parts.subscription.receive(parts.node[kind]());
  await settled();
}

const upserted = ({ node }: Setting): string[] | undefined =>
  node.received?.upserts.map(({ key }) => key).toSorted();
const begins = ({ node }: Setting): number => node.cases.filter((message) => message === 'begin').length;

describe('Subscription', () => {
  it('sends everything to a node that holds nothing, and knows it when it is acknowledged', async (t) => {
    const parts = await setting(t);
    await parts.connect();
    assert.deepEqual(parts.node.cases, ['begin', 'endpointSets', 'items', 'end']);
    assert.deepEqual(upserted(parts), [
      'gateway/default',
      'route/default/r1',
      'route/default/r2',
      'service/default/a',
    ]);
    assert.deepEqual([...parts.node.received!.endpoints.keys()], ['default/a']);
    const record = parts.nodes.get('n1')!;
    assert.equal(record.appliedRevision, 0);
    await reply(parts, 'ack');
    assert.equal(record.appliedRevision, 1);
    assert.match(record.appliedDigest, /^sha256:[0-9a-f]{64}$/);
    assert.equal(record.state(parts.nodes.nowMs), 'SYNCED');
  });

  it('then sends only what has changed', async (t) => {
    const parts = await setting(t);
    await parts.connect();
    await reply(parts, 'ack');
    await parts.write(route('r1', 'a', { priority: 5 }));
    assert.deepEqual(upserted(parts), ['route/default/r1']);
    assert.equal(parts.node.received?.sets.length, 0);
    await reply(parts, 'ack');
    await parts.remove('Route', 'r2');
    assert.deepEqual([upserted(parts), parts.node.received.removedKeys], [[], ['route/default/r2']]);
    await reply(parts, 'ack');
    await parts.write(service('a', [9001, 9002]));
    assert.deepEqual(upserted(parts), []);
    assert.deepEqual(
      parts.node.received.sets.map(({ entries }) => entries.length),
      [2],
    );
    await reply(parts, 'ack');
    await parts.write(service('unused'));
    assert.deepEqual(parts.node.cases.slice(-2), ['begin', 'end']);
    await reply(parts, 'ack');
    assert.equal(parts.nodes.get('n1')!.appliedRevision, parts.world.index.revision);
  });

  it('sends nothing to a node that comes back with the current digests', async (t) => {
    const parts = await setting(t);
    await parts.connect();
    await reply(parts, 'ack');
    const before = parts.node.messages.length;
    await parts.connect();
    assert.equal(parts.node.messages.length, before);
    assert.equal(parts.nodes.get('n1')!.state(parts.nodes.nowMs), 'SYNCED');
    await parts.write(route('r1', 'a', { priority: 1 }));
    assert.deepEqual(upserted(parts), ['route/default/r1']);
  });

  it('sends only a new number when nothing else of the view has changed meanwhile', async (t) => {
    const parts = await setting(t);
    await parts.connect();
    await reply(parts, 'ack');
    await parts.write(service('unused'));
    parts.node.received = undefined;
    await parts.connect();
    assert.deepEqual(parts.node.cases.slice(-2), ['begin', 'end']);
    await reply(parts, 'ack');
    assert.equal(parts.nodes.get('n1')!.appliedRevision, 2);
  });

  it('sends the endpoint sets again when only they differ', async (t) => {
    const parts = await setting(t);
    await parts.connect();
    await reply(parts, 'ack');
    parts.node.held.endpoints.clear();
    await parts.connect();
    assert.deepEqual(parts.node.cases.slice(-3), ['begin', 'endpointSets', 'end']);
  });

  it('asks a node with an unknown digest what it holds, and sends the buckets that differ', async (t) => {
    const parts = await setting(t);
    await parts.connect();
    await reply(parts, 'ack');
    // As after a restart of the control plane: what the node holds is older than anything that is known here.
    const old = parts.node.held;
    await parts.write(route('r2', 'a', { priority: 9 }), route('r3', 'b'));
    const back = new StreamNode();
    back.held = old;
    await parts.connect(back);
    assert.deepEqual(back.cases, ['holdingsRequest']);
    await reply(parts, 'holdings');
    const { upserts, begin } = { upserts: upserted(parts)!, begin: back.messages[1]!.message };
    assert.ok(begin.case === 'begin' && begin.value.replacedBuckets.length > 0);
    assert.equal(begin.value.baseRootDigest.byteLength, 0);
    for (const key of ['route/default/r2', 'route/default/r3', 'service/default/b'])
      assert.ok(upserts.includes(key), key);
    await reply(parts, 'ack');
    assert.ok(sameDigest(back.held.items.rootDigest, parts.view.items.rootDigest));
    assert.equal(
      endpointsDigest(back.held.endpoints.values()).toString(),
      endpointsDigest(parts.view.endpoints.values()).toString(),
    );
  });

  it('has one update in flight and makes one of all that came meanwhile', async (t) => {
    const parts = await setting(t);
    await parts.connect();
    for (let priority = 1; priority <= 20; priority++)
      await parts.write(route(`r${(priority % 2) + 1}`, 'a', { priority }));
    assert.equal(begins(parts), 1);
    await reply(parts, 'ack');
    assert.equal(begins(parts), 2);
    assert.deepEqual(upserted(parts), ['route/default/r1', 'route/default/r2']);
    assert.equal(parts.node.received!.revision, 21);
    await reply(parts, 'ack');
    assert.equal(begins(parts), 2);
    assert.equal(parts.nodes.get('n1')!.state(parts.nodes.nowMs), 'SYNCED');
  });

  it('sends nothing of what changed and changed back, but its number', async (t) => {
    const parts = await setting(t);
    await parts.connect();
    await parts.write(route('r1', 'a', { priority: 1 }));
    await parts.write(route('r1', 'a'));
    await reply(parts, 'ack');
    assert.deepEqual(parts.node.cases.slice(-2), ['begin', 'end']);
    assert.equal(parts.node.received!.revision, 3);
  });

  it('waits for a slow connection, without piling anything up', async (t) => {
    const parts = await setting(t);
    parts.node.pause();
    void parts.connect();
    await settled();
    assert.deepEqual(parts.node.cases, ['begin']);
    for (let priority = 1; priority <= 5; priority++) await parts.write(route('r1', 'a', { priority }));
    assert.deepEqual(parts.node.cases, ['begin']);
    parts.node.resume();
    await settled();
    assert.deepEqual(parts.node.cases, ['begin', 'endpointSets', 'items', 'end']);
    assert.equal(parts.node.received!.revision, 1);
  });
});

describe('a refused update', () => {
  it('leaves the base of the next delta where it was', async (t) => {
    const parts = await setting(t);
    await parts.connect();
    await reply(parts, 'ack');
    await parts.write(route('r1', 'a', { priority: 1 }));
    await parts.subscription.receive(parts.node.nack({ detail: 'taken' }, 1000));
    const record = parts.nodes.get('n1')!;
    assert.equal(record.state(parts.nodes.nowMs), 'REJECTED');
    assert.deepEqual(
      [record.rejectedRevision, record.appliedRevision, record.nextTryMs, record.problems[0]?.detail],
      [2, 1, 1000, 'taken'],
    );
    await settled();
    assert.equal(begins(parts), 2, 'the same is not sent again');
    parts.node.received = undefined;
    await parts.write(route('r2', 'a', { priority: 2 }));
    assert.deepEqual(upserted(parts), ['route/default/r1', 'route/default/r2']);
    await reply(parts, 'ack');
    assert.equal(record.state(parts.nodes.nowMs), 'SYNCED');
  });

  it('may be acknowledged after all, and is the base from then on', async (t) => {
    const parts = await setting(t);
    await parts.connect();
    await reply(parts, 'ack');
    await parts.write(route('r1', 'a', { priority: 1 }));
    await parts.subscription.receive(parts.node.nack({}, 1000));
    await parts.subscription.receive(parts.node.nack({}, 2000));
    assert.equal(parts.nodes.get('n1')!.nextTryMs, 2000);
    await reply(parts, 'ack');
    const record = parts.nodes.get('n1')!;
    assert.deepEqual([record.appliedRevision, record.problems], [2, []]);
    await parts.write(route('r2', 'a', { priority: 2 }));
    assert.deepEqual(upserted(parts), ['route/default/r2']);
  });

  it('that is acknowledged while a newer one is on its way is sorted out by starting over', async (t) => {
    const parts = await setting(t);
    await parts.connect();
    await reply(parts, 'ack');
    await parts.write(route('r1', 'a', { priority: 1 }));
    await parts.subscription.receive(parts.node.nack());
    const late = parts.node.received!;
    await parts.write(route('r2', 'a', { priority: 2 }));
    assert.equal(parts.node.received?.revision, 3);
    parts.node.received = late;
    await reply(parts, 'ack');
    assert.equal(parts.nodes.get('n1')!.appliedRevision, 2);
    // The update on its way was made for another base, so the node answers it with what it holds.
    await reply(parts, 'holdings');
    await reply(parts, 'ack');
    assert.equal(parts.nodes.get('n1')!.appliedRevision, 3);
    assert.ok(sameDigest(parts.node.held.items.rootDigest, parts.view.items.rootDigest));
  });

  it('keeps a bounded part of what the node says', async (t) => {
    const parts = await setting(t);
    await parts.connect();
    const nack = parts.node.nack({ reason: 'no such reason', detail: 'x'.repeat(10_000) });
    assert.ok(nack.message.case === 'nack');
    nack.message.value.problems = Array(5000).fill(nack.message.value.problems[0]);
    await parts.subscription.receive(nack);
    const { problems } = parts.nodes.get('n1')!;
    assert.equal(problems.length, 100);
    assert.equal(problems[0]!.reason, 'internal');
    assert.equal(problems[0]!.detail.length, 1024);
  });
});

describe('a node that does not do what it should', () => {
  it('is cut when updates never lead to their digest', async (t) => {
    const parts = await setting(t);
    await parts.connect();
    for (let count = 0; count < 3; count++) {
      await reply(parts, 'holdings');
      assert.equal(parts.node.failure, undefined);
    }
    await reply(parts, 'holdings');
    assert.equal(parts.node.failure?.code, 'invalid');
    assert.equal(begins(parts), 4);
  });

  it('may start over again after an update that went well', async (t) => {
    const parts = await setting(t);
    await parts.connect();
    for (let round = 0; round < 3; round++) {
      for (let count = 0; count < 3; count++) await reply(parts, 'holdings');
      await reply(parts, 'ack');
      await parts.write(route('r1', 'a', { priority: round + 1 }));
    }
    assert.equal(parts.node.failure, undefined);
  });

  it('is sent every endpoint set when it starts over, since what it has of them is not known', async (t) => {
    const parts = await setting(t);
    await parts.connect();
    await reply(parts, 'ack');
    await parts.write(route('r1', 'a', { priority: 1 }));
    assert.equal(parts.node.received?.sets.length, 0);
    await reply(parts, 'holdings');
    assert.equal(parts.node.received?.sets.length, 1);
  });

  it('is sent nothing more of an update that it has given up', async (t) => {
    const parts = await setting(t);
    parts.node.pause();
    void parts.connect();
    await settled();
    void parts.subscription.receive(parts.node.holdings());
    await settled();
    parts.node.resume();
    await settled();
    assert.deepEqual(parts.node.cases, ['begin', 'begin', 'endpointSets', 'items', 'end']);
    await reply(parts, 'ack');
    assert.equal(parts.nodes.get('n1')!.appliedRevision, 1);
  });

  it('is cut for an answer to what was never sent, or no answer at all', async (t) => {
    const ack = (revision: number) =>
      create(NodeMessageSchema, { message: { case: 'ack', value: { revision, tookUs: 0 } } });
    const nack = (revision: number) =>
      create(NodeMessageSchema, { message: { case: 'nack', value: { revision, problems: [] } } });
    const short = create(NodeMessageSchema, {
      message: { case: 'holdings', value: { bucketDigests: new Uint8Array(31) } },
    });
    for (const [message, words] of [
      [ack(99), /Ack of revision 99/],
      [nack(99), /Nack of revision 99/],
      [short, /256 digests/],
      [create(NodeMessageSchema, { message: { case: 'hello', value: {} } }), /second Hello/],
      [create(NodeMessageSchema, {}), /unknown message/],
    ] as const) {
      const parts = await setting(t);
      await parts.connect();
      await parts.subscription.receive(message);
      assert.equal(parts.node.failure?.code, 'invalid');
      assert.match(parts.node.failure?.detail ?? '', words);
      assert.deepEqual(
        [parts.nodes.get('n1')!.appliedRevision, parts.nodes.get('n1')!.rejectedRevision],
        [0, 0],
      );
    }
  });

  it('is not believed a revision whose content it does not hold', async (t) => {
    const parts = await setting(t);
    const other = new StreamNode();
    other.held.items = SnapshotItems.empty.with({
      upserts: [...parts.view.items.values()].slice(1),
      removedKeys: [],
    });
    for (const revision of [1, 4711]) {
      other.messages.length = 0;
      await parts.connect(other, { revision });
      assert.equal(parts.nodes.get('n1')!.appliedRevision, 0, `it claims ${revision}`);
      assert.equal(parts.nodes.get('n1')!.state(parts.nodes.nowMs), 'PENDING');
      assert.deepEqual(other.cases, ['holdingsRequest']);
    }
  });

  it('is brought to this number when it holds the same content under a later one', async (t) => {
    const parts = await setting(t);
    await parts.connect();
    await reply(parts, 'ack');
    await parts.connect(parts.node, { revision: 50 });
    assert.deepEqual(parts.node.cases.slice(-2), ['begin', 'end']);
    await reply(parts, 'ack');
    assert.equal(parts.nodes.get('n1')!.appliedRevision, 1);
  });
});

describe('any sequence of writes, answers and new streams', () => {
  it('leaves the node with what the view has (invariant 5)', async (t) => {
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('write' as const), priority: fc.nat(5) }) },
      { weight: 3, arbitrary: fc.constant({ kind: 'ack' as const, priority: 0 }) },
      { weight: 1, arbitrary: fc.constant({ kind: 'nack' as const, priority: 0 }) },
      { weight: 1, arbitrary: fc.constant({ kind: 'reconnect' as const, priority: 0 }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const parts = await setting(t);
        await parts.connect();
        for (const { kind, priority } of steps) {
          if (kind === 'write')
            await parts.write(
              manifest('Route', `w${priority % 3}`, { priority, backends: [{ service: 'b' }] }),
            );
          else if (kind === 'reconnect') {
            parts.node.received = undefined;
            await parts.connect();
            if (parts.node.cases.at(-1) === 'holdingsRequest') await reply(parts, 'holdings');
          } else if (parts.node.received && kind === 'ack') await reply(parts, 'ack');
          else if (parts.node.received) {
            const nack = parts.node.nack();
            // It does not try again by itself: only a newer update can follow.
            parts.node.received = undefined;
            await parts.subscription.receive(nack);
            await settled();
          }
          assert.equal(parts.node.failure, undefined);
        }
        await parts.write(manifest('Route', 'last', { priority: -1, backends: [{ service: 'a' }] }));
        while (parts.node.received) await reply(parts, 'ack');
        assert.ok(sameDigest(parts.node.held.items.rootDigest, parts.view.items.rootDigest));
        assert.equal(parts.nodes.get('n1')!.appliedRevision, parts.world.index.revision);
        assert.equal(parts.nodes.get('n1')!.state(parts.nodes.nowMs), 'SYNCED');
      }),
      { numRuns: 40 },
    );
  });
});
