import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { createLogger } from '@causeway/runtime/logger';
import { route, service } from '../testing/manifests.ts';
import { StreamNode } from '../testing/stream-node.ts';
import { openWorld, ticketRotationMs } from '../testing/world.ts';
import { NodeRegistry, nodesMax } from './node-registry.ts';
import { Publisher } from './publisher.ts';

/** Everything that is due has happened. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function setting(t: TestContext) {
  const world = await openWorld(t);
  await world.write([service('a'), route('r', 'a')]);
  const nodes = new NodeRegistry(world.clock, 3_600_000);
  const logs: string[] = [];
  const publisher = new Publisher({
    ...world,
    nodes,
    logger: createLogger({ level: 'info', write: (line) => logs.push(line) }),
  });
  const join = async (more: Parameters<StreamNode['hello']>[0] = {}) => {
    const node = new StreamNode();
    const joined = publisher.join(node.hello(more), node);
    await settled();
    return { node, joined };
  };
  return { ...world, nodes, publisher, logs, join };
}

describe('Publisher', () => {
  it('takes a node in, keeps it in step, and lets it go', async (t) => {
    const { join, write, nodes } = await setting(t);
    const { node, joined } = await join();
    assert.equal(node.received?.revision, 1);
    joined!.receive(node.ack());
    await settled();
    await write([route('r', 'a', { priority: 1 })]);
    await settled();
    assert.equal(node.received?.revision, 2);
    joined!.leave();
    assert.equal(nodes.get('n1')?.connected, false);
    node.received = undefined;
    await write([route('r', 'a', { priority: 2 })]);
    await settled();
    assert.equal(node.received, undefined);
  });

  it('tells a node to drain, which gets no revision any more, until another process takes its place', async (t) => {
    const { join, write, nodes, publisher } = await setting(t);
    assert.equal(publisher.drain('n1'), false, 'nobody is there');
    const first = await join();
    first.joined!.receive(first.node.ack());
    await settled();
    assert.equal(publisher.drain('n1'), true);
    await settled();
    assert.equal(first.node.cases.at(-1), 'drain');
    await write([route('r', 'a', { priority: 1 })]);
    await settled();
    assert.equal(first.node.received, undefined);
    const record = nodes.get('n1')!;
    assert.deepEqual([record.draining, record.state(nodes.nowMs)], [true, 'SYNCED']);
    // Its stream breaks: it may not have heard it.
    first.joined!.leave();
    assert.equal(publisher.drain('n1'), false);
    const again = await join();
    await settled();
    assert.equal(again.node.cases.includes('drain'), true);
    assert.deepEqual([again.node.received, record.state(nodes.nowMs)], [undefined, 'SYNCED']);
    again.joined!.leave();
    const other = await join({ instance: 'i2' });
    assert.deepEqual([record.draining, other.node.received?.revision], [false, 2]);
    assert.equal(other.node.cases.includes('drain'), false);
  });

  it('refuses a second live node of the same id, and takes the same process back', async (t) => {
    const { join, nodes } = await setting(t);
    const first = await join();
    const twin = await join({ instance: 'another process' });
    assert.equal(twin.joined, undefined);
    assert.equal(twin.node.failure?.code, 'already_exists');
    assert.match(twin.node.failure?.detail ?? '', /--node-id/);
    const again = await join();
    assert.ok(again.joined);
    // The old stream ends after the new one has begun: the node stays connected.
    first.joined!.leave();
    assert.equal(nodes.get('n1')?.connected, true);
    again.joined.leave();
    assert.ok((await join({ instance: 'another process' })).joined, 'the place is free');
  });

  it('refuses a Hello that says nothing, or too much', async (t) => {
    const { join, nodes } = await setting(t);
    const many = Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`k${index}`, 'v']));
    for (const bad of [
      { nodeId: '' },
      { nodeId: 'a b' },
      { nodeId: '-a' },
      { nodeId: 'x'.repeat(129) },
      { gateway: '' },
      { gateway: 'No Name' },
      { labels: many },
      { labels: { k: 'x'.repeat(254) } },
      { version: 'x'.repeat(129) },
      { instance: 'x'.repeat(129) },
    ]) {
      const { node, joined } = await join(bad);
      assert.equal(joined, undefined, JSON.stringify(bad));
      assert.equal(node.failure?.code, 'invalid');
      assert.equal(node.messages.length, 0);
    }
    assert.equal(nodes.all().length, 0);
    assert.ok((await join({ nodeId: 'x'.repeat(128), labels: { k: 'x'.repeat(253) } })).joined);
  });

  it('takes no more nodes than it can remember', async (t) => {
    const { join, nodes } = await setting(t);
    for (let index = 0; index < nodesMax; index++)
      nodes.join({ id: `n-${index}`, instance: '', gateway: 'x', labels: {}, version: '', workers: 1 });
    assert.equal((await join()).node.failure?.code, 'too_many');
  });

  it('serves a Gateway that nobody wrote nothing, and forgets its name with the last node', async (t) => {
    const { join, write } = await setting(t);
    const { node, joined } = await join({ gateway: 'nowhere' });
    assert.equal(node.received?.items.size, 0);
    joined!.leave();
    await write([route('r', 'a', { priority: 1 })]);
    const again = await join({ gateway: 'nowhere' });
    assert.equal(again.node.received?.revision, 2);
  });

  it('gives all nodes of a Gateway the same keys for session tickets, and new ones at each rotation', async (t) => {
    const { join, tickets, clock } = await setting(t);
    await tickets.start();
    t.after(() => tickets.stop());
    const [one, other] = [await join({ nodeId: 'n-1' }), await join({ nodeId: 'n-2' })];
    const elsewhere = await join({ nodeId: 'n-3', gateway: 'elsewhere' });
    const left = await join({ nodeId: 'n-4' });
    left.joined!.leave();
    const keysOf = ({ node }: typeof one): string[] =>
      node.messages.flatMap(({ message }) =>
        message.case === 'sessionTicketKeys' ? [Buffer.from(message.value.keys).toString('hex')] : [],
      );
    assert.equal(one.node.cases[0], 'sessionTicketKeys', 'before the first update');
    assert.equal(keysOf(one)[0]?.length, 2 * 48);
    assert.deepEqual(keysOf(one), keysOf(other));
    assert.notDeepEqual(keysOf(elsewhere), keysOf(one));
    clock.advance(ticketRotationMs);
    await settled();
    assert.equal(new Set(keysOf(one)).size, 2);
    assert.deepEqual(keysOf(one), keysOf(other));
    assert.equal(keysOf(left).length, 1);
  });

  it('gives all nodes of a Gateway the same keys for affinity, with those before after a rotation', async (t) => {
    const { join, affinity } = await setting(t);
    const [one, other] = [await join({ nodeId: 'n-1' }), await join({ nodeId: 'n-2' })];
    const elsewhere = await join({ nodeId: 'n-3', gateway: 'elsewhere' });
    const keysOf = ({ node }: typeof one): string[][] =>
      node.messages.flatMap(({ message }) =>
        message.case === 'affinityKeys'
          ? [[message.value.current, message.value.previous].map((key) => Buffer.from(key).toString('hex'))]
          : [],
      );
    const [[current, previous] = []] = keysOf(one);
    assert.deepEqual([current?.length, previous], [2 * 32, '']);
    assert.deepEqual(keysOf(one), keysOf(other));
    assert.notDeepEqual(keysOf(elsewhere), keysOf(one));
    await affinity.rotate();
    const [, [next, before] = []] = keysOf(one);
    assert.equal(before, current);
    assert.notEqual(next, current);
    assert.deepEqual(keysOf(one), keysOf(other));
  });

  it('logs who comes and goes', async (t) => {
    const { join, logs } = await setting(t);
    (await join()).joined!.leave();
    assert.deepEqual(
      logs.map((line) => (JSON.parse(line) as { msg: string }).msg),
      ['node connected', 'node disconnected'],
    );
  });
});
