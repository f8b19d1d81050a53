import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RevisionNode } from '@causeway/model/api-types';
import { ManualClock } from '@causeway/runtime/manual-clock';
import { type NodeRecord, NodeRegistry } from '../publish/node-registry.ts';
import { nodeResource, revisionStatus } from './revision-status.ts';

const problem = {
  reason: 'listener_failed',
  resource: 'gateway/default',
  pointer: '/spec',
  detail: 'taken',
} as const;

function fleet(...names: string[]) {
  const clock = new ManualClock();
  const nodes = new NodeRegistry(clock, 3_600_000);
  const records = names.map((id) => {
    const node = nodes.join({
      id,
      instance: id,
      gateway: 'default',
      labels: { zone: 'a' },
      version: '1',
      workers: 2,
    })!;
    node.startOver(0, 5, clock.wallMs());
    return node;
  });
  const committedAt = new Date(clock.wallMs()).toISOString();
  const status = (revision: number) => revisionStatus(revision, committedAt, nodes);
  const applied = (node: NodeRecord, revision: number): void => node.applied(revision, 'd', clock.wallMs());
  return { clock, nodes, records, status, applied };
}

const states = (nodes: readonly RevisionNode[]): unknown =>
  Object.fromEntries(nodes.map(({ node, state }) => [node, state]));

describe('revisionStatus', () => {
  it('is pending until every connected node has answered, then applied', () => {
    const { status, records, applied, clock } = fleet('a', 'b');
    assert.equal(status(5).state, 'pending');
    clock.advance(14);
    applied(records[0]!, 5);
    assert.deepEqual(states(status(5).nodes), { a: 'applied', b: 'pending' });
    applied(records[1]!, 5);
    const { state, counts, nodes } = status(5);
    assert.equal(state, 'applied');
    assert.deepEqual(counts, { total: 2, applied: 2, pending: 0, rejected: 0, offline: 0 });
    assert.equal(nodes[0]!.tookMs, 14);
    assert.equal(nodes[0]!.applied, 5);
  });

  it('is rejected when one node rejects, and tells why and when it tries again', () => {
    const { status, records, applied, clock } = fleet('a', 'b');
    applied(records[0]!, 5);
    applied(records[1]!, 4);
    clock.advance(9);
    records[1]!.rejected(5, [problem], 1000, clock.wallMs());
    const { state, counts, nodes } = status(5);
    assert.equal(state, 'rejected');
    assert.deepEqual(counts, { total: 2, applied: 1, pending: 0, rejected: 1, offline: 0 });
    assert.deepEqual(nodes[1], {
      node: 'b',
      state: 'rejected',
      applied: 4,
      tookMs: 9,
      nextTryInMs: 1000,
      problems: [problem],
    });
    applied(records[1]!, 5);
    assert.equal(status(5).state, 'applied');
  });

  it('tells a node that got a later revision instead from one that had this one', () => {
    const { status, records, applied } = fleet('a', 'b');
    applied(records[0]!, 5);
    applied(records[0]!, 7);
    applied(records[1]!, 7);
    assert.deepEqual(states(status(5).nodes), { a: 'applied', b: 'superseded' });
    assert.equal(status(5).counts.applied, 2);
    assert.equal(status(5).state, 'applied');
    assert.equal(status(6).state, 'superseded');
    assert.equal(status(7).state, 'applied');
  });

  it('lists nodes that are away and waits for none of them', () => {
    const { status, records, applied, nodes, clock } = fleet('a', 'b');
    applied(records[0]!, 5);
    nodes.leave(records[1]!);
    clock.advance(100);
    const { state, counts, nodes: listed } = status(5);
    assert.equal(state, 'applied');
    assert.deepEqual(counts, { total: 1, applied: 1, pending: 0, rejected: 0, offline: 1 });
    assert.deepEqual(listed[1], { node: 'b', state: 'offline', applied: 0, lastSeenMs: 100 });
  });

  it('lists nodes that drain and waits for none of them', () => {
    const { status, records, applied } = fleet('a', 'b');
    applied(records[0]!, 5);
    applied(records[1]!, 4);
    records[1]!.draining = true;
    const { state, counts, nodes } = status(5);
    assert.equal(state, 'applied');
    assert.deepEqual(counts, { total: 1, applied: 1, pending: 0, rejected: 0, offline: 0 });
    assert.deepEqual(nodes[1], { node: 'b', state: 'draining', applied: 4 });
    assert.equal(status(4).counts.total, 2, 'what it has it has');
  });

  it('is applied when there is no node at all', () => {
    assert.equal(fleet().status(5).state, 'applied');
  });
});

describe('nodeResource', () => {
  it('shows what a node is, has and lacks', () => {
    const { records, clock, applied } = fleet('a');
    applied(records[0]!, 4);
    clock.advance(31);
    const { kind, metadata, spec, status } = nodeResource(records[0]!, clock.wallMs());
    assert.deepEqual(
      [kind, metadata.name, metadata.labels, spec.gateway],
      ['Node', 'a', { zone: 'a' }, 'default'],
    );
    assert.deepEqual(
      [status.state, status.desiredRevision, status.appliedRevision, status.behindMs, status.workers],
      ['PENDING', 5, 4, 31, 2],
    );
    applied(records[0]!, 5);
    const [node] = records as [NodeRecord];
    const drain = { delayMs: 5000, connections: 9, webSockets: 2, ended: 3, closed: 2, cut: 1, done: true };
    Object.assign(node, { draining: true, drain, streams: { webSockets: 2, events: 1, records: 0 } });
    const later = nodeResource(node, clock.wallMs()).status;
    assert.deepEqual([later.behindMs, later.draining, later.drain], [0, true, drain]);
    assert.deepEqual(later.streams, { webSockets: 2, events: 1, records: 0 });
  });
});
