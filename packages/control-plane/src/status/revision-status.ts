import type { NodeResource, RevisionNode, RevisionStatus } from '@causeway/model/api-types';
import { apiVersion } from '@causeway/model/resource';
import type { NodeRecord, NodeRegistry } from '../publish/node-registry.ts';

/** What every node did with a revision. Nodes that are away, or on their way there, are listed and not waited for. */
export function revisionStatus(revision: number, committedAt: string, nodes: NodeRegistry): RevisionStatus {
  const committedMs = Date.parse(committedAt);
  const listed = nodes.all().map((node) => revisionNode(node, revision, committedMs, nodes.nowMs));
  const count = (state: RevisionNode['state']): number =>
    listed.filter((node) => node.state === state).length;
  const counts = {
    total: listed.length - count('offline') - count('draining'),
    applied: count('applied') + count('superseded'),
    pending: count('pending'),
    rejected: count('rejected'),
    offline: count('offline'),
  };
  const state =
    counts.rejected > 0
      ? 'rejected'
      : counts.pending > 0
        ? 'pending'
        : count('superseded') > 0 && count('applied') === 0
          ? 'superseded'
          : 'applied';
  return { apiVersion, kind: 'RevisionStatus', revision, committedAt, state, counts, nodes: listed };
}

function revisionNode(node: NodeRecord, revision: number, committedMs: number, nowMs: number): RevisionNode {
  const base = { node: node.id, applied: node.appliedRevision };
  if (node.appliedRevision >= revision) {
    const reachedAtMs = node.reachedAtMs(revision);
    const isExact = node.holdsAnswerFor(revision);
    const took =
      reachedAtMs !== undefined && reachedAtMs >= committedMs ? { tookMs: reachedAtMs - committedMs } : {};
    return {
      ...base,
      state:
        isExact || reachedAtMs === undefined || node.appliedRevision === revision ? 'applied' : 'superseded',
      ...took,
    };
  }
  if (!node.connected) return { ...base, state: 'offline', lastSeenMs: nowMs - node.lastSeenMs };
  if (node.draining) return { ...base, state: 'draining' };
  if (node.rejectedRevision >= revision) {
    return {
      ...base,
      state: 'rejected',
      tookMs: Math.max(0, node.rejectedAtMs - committedMs),
      problems: node.problems,
      ...(node.nextTryMs > 0 ? { nextTryInMs: node.nextTryMs } : {}),
    };
  }
  return { ...base, state: 'pending', lastSeenMs: nowMs - node.lastSeenMs };
}

export function nodeResource(node: NodeRecord, nowMs: number): NodeResource {
  const iso = (ms: number): string => new Date(ms).toISOString();
  const behind = node.connected && node.appliedRevision < node.desiredRevision;
  return {
    apiVersion,
    kind: 'Node',
    metadata: {
      name: node.id,
      ...(Object.keys(node.facts.labels).length > 0 ? { labels: { ...node.facts.labels } } : {}),
      creationTimestamp: iso(node.firstSeenMs),
    },
    spec: { gateway: node.facts.gateway },
    status: {
      state: node.state(nowMs),
      draining: node.connected && node.draining,
      version: node.facts.version,
      desiredRevision: node.desiredRevision,
      appliedRevision: node.appliedRevision,
      digest: node.appliedDigest,
      behindMs: behind ? nowMs - node.desiredSinceMs : 0,
      desiredSince: iso(node.desiredSinceMs),
      appliedSince: iso(node.appliedSinceMs),
      connections: node.connections,
      streams: node.streams,
      ...(node.drain && { drain: node.drain }),
      workers: node.facts.workers,
      ...(node.workersToReplace > 0 ? { workersToReplace: node.workersToReplace } : {}),
      lastSeen: iso(node.lastSeenMs),
      problems: node.problems,
    },
  };
}
