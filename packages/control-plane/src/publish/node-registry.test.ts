import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { StatusSchema } from '@causeway/proto/gen/causeway/config/v1/config_pb';
import { ManualClock } from '@causeway/runtime/manual-clock';
import {
  type NodeFacts,
  NodeRecord,
  NodeRegistry,
  nodesMax,
  pendingMsMax,
  silentMsMax,
} from './node-registry.ts';

const facts = (id: string, gateway = 'default'): NodeFacts => ({
  id,
  instance: `instance of ${id}`,
  gateway,
  labels: {},
  version: '1.0.0',
  workers: 1,
});

const problem = {
  reason: 'listener_failed',
  resource: 'gateway/default',
  pointer: '',
  detail: 'taken',
} as const;

describe('what a node tells of itself', () => {
  const told = (more: MessageInitShape<typeof StatusSchema> = {}) => create(StatusSchema, more);
  const report = { delayMs: 5000, connections: 9, webSockets: 2, ended: 3, closed: 2, cut: 1, done: false };

  it('is its last status', () => {
    const node = new NodeRecord(facts('n'), 0);
    node.tell(told({ connections: 9, activeRequests: 4, webSockets: 2, eventStreams: 3, recordStreams: 1 }));
    assert.deepEqual([node.connections, node.activeRequests], [9, 4]);
    assert.deepEqual(node.streams, { webSockets: 2, events: 3, records: 1 });
    assert.deepEqual([node.draining, node.drain], [false, undefined]);
  });

  it('is news when it begins to drain, and holds for as long as its process lives', () => {
    const node = new NodeRecord(facts('n'), 0);
    assert.equal(node.tell(told({ draining: true, drain: report })), true);
    assert.equal(node.tell(told({ draining: true, drain: { ...report, done: true } })), false);
    assert.deepEqual(node.drain, { ...report, done: true });
    // Sent before it was told to drain, and heard after.
    node.tell(told());
    node.begin(facts('n'));
    assert.equal(node.draining, true);
    node.begin({ ...facts('n'), instance: 'another process' });
    assert.deepEqual([node.draining, node.drain], [false, undefined]);
  });
});

describe('the state of a node', () => {
  const fresh = (): NodeRecord => {
    const node = new NodeRecord(facts('n'), 0);
    node.startOver(0, 5, 0);
    return node;
  };

  it('is PENDING until the desired revision is applied, then SYNCED', () => {
    const node = fresh();
    assert.equal(node.state(1), 'PENDING');
    node.applied(4, 'd4', 2);
    assert.equal(node.state(2), 'PENDING');
    node.applied(5, 'd5', 3);
    assert.equal(node.state(3), 'SYNCED');
    node.desire(6, 10);
    assert.equal(node.state(10), 'PENDING');
  });

  it('is STALE when it stays pending too long, or silent', () => {
    const node = fresh();
    node.lastSeenMs = pendingMsMax;
    assert.equal(node.state(pendingMsMax), 'PENDING');
    node.lastSeenMs = pendingMsMax + 1;
    assert.equal(node.state(pendingMsMax + 1), 'STALE');
    node.applied(5, 'd', pendingMsMax + 2);
    assert.equal(node.state(pendingMsMax + 2), 'SYNCED');
    node.lastSeenMs = 100_000;
    assert.equal(node.state(100_000 + silentMsMax), 'SYNCED');
    assert.equal(node.state(100_000 + silentMsMax + 1), 'STALE');
  });

  it('is REJECTED from a refusal until something newer, or the same after all, is applied', () => {
    const node = fresh();
    node.applied(4, 'd', 1);
    node.rejected(5, [problem], 1000, 2);
    assert.equal(node.state(2), 'REJECTED');
    assert.deepEqual(node.problems, [problem]);
    node.applied(5, 'd5', 3);
    assert.equal(node.state(3), 'SYNCED');
    assert.deepEqual(node.problems, []);
  });

  it('is OFFLINE without a stream, whatever it was before', () => {
    const node = fresh();
    node.rejected(5, [problem], 0, 1);
    node.connected = false;
    assert.equal(node.state(1), 'OFFLINE');
  });

  it('begins anew with a new stream', () => {
    const node = fresh();
    node.rejected(5, [problem], 0, 1);
    node.startOver(4, 5, 100_000);
    node.lastSeenMs = 100_000;
    assert.equal(node.state(100_001), 'PENDING');
    assert.deepEqual(node.problems, []);
  });

  it('counts the time of falling behind from the first revision that it lacks', () => {
    const node = fresh();
    node.applied(5, 'd', 10);
    node.desire(6, 100);
    node.desire(7, 200);
    assert.equal(node.desiredSinceMs, 100);
    node.applied(7, 'd', 300);
    node.desire(8, 400);
    assert.equal(node.desiredSinceMs, 400);
  });

  it('tells when a revision was reached, and whether it was that one or a later one', () => {
    const node = fresh();
    node.applied(5, 'd', 10);
    node.applied(8, 'd', 20);
    assert.deepEqual([node.reachedAtMs(5), node.reachedAtMs(6), node.reachedAtMs(9)], [10, 20, undefined]);
    assert.deepEqual(
      [node.holdsAnswerFor(5), node.holdsAnswerFor(6), node.holdsAnswerFor(8)],
      [true, false, true],
    );
    for (let revision = 9; revision < 200; revision++) node.applied(revision, 'd', revision);
    assert.equal(node.holdsAnswerFor(8), false, 'long ago is forgotten');
  });
});

describe('NodeRegistry', () => {
  it('keeps a node over its streams, and lists nodes by name', () => {
    const clock = new ManualClock();
    const registry = new NodeRegistry(clock, 60_000);
    const b = registry.join(facts('b'))!;
    registry.join(facts('a', 'edge'));
    assert.deepEqual(
      registry.all().map(({ id }) => id),
      ['a', 'b'],
    );
    registry.leave(b);
    assert.deepEqual(
      registry.connectedTo(new Set(['default', 'edge'])).map(({ id }) => id),
      ['a'],
    );
    clock.advance(1000);
    assert.equal(registry.join(facts('b')), b);
    assert.equal(b.connected, true);
    assert.deepEqual(
      registry.connectedTo(new Set(['default'])).map(({ id }) => id),
      ['b'],
    );
  });

  it('forgets a node that has been away for longer than the retention, not one that is there', () => {
    const clock = new ManualClock();
    const registry = new NodeRegistry(clock, 60_000);
    registry.leave(registry.join(facts('gone'))!);
    registry.join(facts('there'));
    clock.advance(60_000);
    assert.equal(registry.all().length, 2);
    clock.advance(1);
    assert.deepEqual(
      registry.all().map(({ id }) => id),
      ['there'],
    );
    assert.equal(registry.get('gone'), undefined);
  });

  it('makes room by forgetting who has been away longest, and takes no more when nobody is', () => {
    const clock = new ManualClock();
    const registry = new NodeRegistry(clock, 3_600_000);
    const records = Array.from({ length: nodesMax }, (_, index) => registry.join(facts(`n${index}`))!);
    assert.equal(registry.join(facts('late')), undefined);
    assert.ok(registry.join(facts('n1')), 'one that is known may come back');
    registry.leave(records[7]!);
    clock.advance(1);
    registry.leave(records[3]!);
    assert.ok(registry.join(facts('late')));
    assert.equal(registry.get('n7'), undefined);
    assert.ok(registry.get('n3'));
    assert.equal(registry.all().length, nodesMax);
  });

  it('calls listeners back after changes until they stop listening', () => {
    const registry = new NodeRegistry(new ManualClock(), 1);
    let calls = 0;
    const stop = registry.onChange(() => (calls += 1));
    const node = registry.join(facts('a'))!;
    registry.changed();
    registry.leave(node);
    assert.equal(calls, 3);
    stop();
    registry.changed();
    assert.equal(calls, 3);
  });
});
