import type { NodeDrainReport, NodeProblem, NodeState, NodeStreams } from '@causeway/model/api-types';
import type { DrainReport, Status } from '@causeway/proto/gen/causeway/config/v1/config_pb';
import type { Clock } from '@causeway/runtime/clock';
import { KeyUses } from './key-uses.ts';
import { NodeHealth } from './node-health.ts';

/** A node without any word for this long is stale; the same goes for one that has not answered an update for so long. */
export const silentMsMax = 15_000;
export const pendingMsMax = 30_000;
/** Nodes that are remembered; only offline ones are forgotten to make room. */
export const nodesMax = 10_000;
/** Answers kept per node, newest last, to tell how long each revision took. */
const answersMax = 128;

export interface NodeFacts {
  id: string;
  instance: string;
  gateway: string;
  labels: Readonly<Record<string, string>>;
  version: string;
  workers: number;
}

/** What is known of one node; lives as long as the node is remembered, over any number of streams. */
export class NodeRecord {
  readonly id: string;
  readonly firstSeenMs: number;
  facts: NodeFacts;
  connected = true;
  lastSeenMs: number;
  offlineSinceMs = 0;
  desiredRevision = 0;
  desiredSinceMs: number;
  appliedRevision = 0;
  appliedSinceMs: number;
  appliedDigest = '';
  rejectedRevision = 0;
  rejectedAtMs = 0;
  nextTryMs = 0;
  problems: NodeProblem[] = [];
  connections = 0;
  activeRequests = 0;
  streams: NodeStreams = { webSockets: 0, events: 0, records: 0 };
  /** It is told to drain, or does so: until its process is another one. */
  draining = false;
  drain: NodeDrainReport | undefined;
  workersToReplace = 0;
  /** What it finds about endpoints. */
  readonly health = new NodeHealth();
  readonly #answers: { revision: number; atMs: number }[] = [];

  constructor(facts: NodeFacts, nowMs: number) {
    this.id = facts.id;
    this.facts = facts;
    this.firstSeenMs = nowMs;
    this.lastSeenMs = nowMs;
    this.desiredSinceMs = nowMs;
    this.appliedSinceMs = nowMs;
  }

  /** Takes in what the node tells of itself; true when it drains since then, or its drain has gone on. */
  tell(status: Status): boolean {
    const { webSockets, eventStreams, recordStreams, draining } = status;
    this.connections = status.connections;
    this.activeRequests = status.activeRequests;
    this.streams = { webSockets, events: eventStreams, records: recordStreams };
    this.workersToReplace = status.workersToReplace;
    this.health.tell(status.endpointHealth, status.endpointHealthStarts);
    const isNews = draining && !this.draining;
    // It may have been told to, and not have heard it yet.
    this.draining ||= draining;
    if (status.drain !== undefined) this.drain = drainReport(status.drain);
    return isNews;
  }

  /** Another process has taken its place. */
  begin(facts: NodeFacts): void {
    if (facts.instance !== this.facts.instance) {
      this.draining = false;
      this.drain = undefined;
    }
    this.facts = facts;
  }

  applied(revision: number, digest: string, nowMs: number): void {
    if (revision !== this.appliedRevision) this.appliedSinceMs = nowMs;
    this.appliedRevision = revision;
    this.appliedDigest = digest;
    this.problems = [];
    this.#answers.push({ revision, atMs: nowMs });
    if (this.#answers.length > answersMax) this.#answers.shift();
  }

  rejected(revision: number, problems: NodeProblem[], nextTryMs: number, nowMs: number): void {
    this.rejectedRevision = revision;
    this.rejectedAtMs = nowMs;
    this.nextTryMs = nextTryMs;
    this.problems = problems;
  }

  /** When the node first held `revision` or a later one; undefined when that is too long ago to be remembered. */
  reachedAtMs(revision: number): number | undefined {
    return this.#answers.find((answer) => answer.revision >= revision)?.atMs;
  }

  /** True when the node applied exactly this revision, not a later one in its place. */
  holdsAnswerFor(revision: number): boolean {
    return this.#answers.some((answer) => answer.revision === revision);
  }

  /** A new stream: the node is asked anew, so what it refused before is history, and its time begins now. */
  startOver(appliedRevision: number, desiredRevision: number, nowMs: number): void {
    this.appliedRevision = appliedRevision;
    this.rejectedRevision = 0;
    this.problems = [];
    this.desiredRevision = desiredRevision;
    this.desiredSinceMs = nowMs;
  }

  /** The configuration has moved on. A node that was in step falls behind now; one that was behind keeps its time. */
  desire(revision: number, nowMs: number): void {
    if (this.appliedRevision >= this.desiredRevision) this.desiredSinceMs = nowMs;
    this.desiredRevision = revision;
  }

  state(nowMs: number): NodeState {
    if (!this.connected) return 'OFFLINE';
    if (nowMs - this.lastSeenMs > silentMsMax) return 'STALE';
    if (this.rejectedRevision > this.appliedRevision) return 'REJECTED';
    if (this.appliedRevision >= this.desiredRevision) return 'SYNCED';
    return nowMs - this.desiredSinceMs > pendingMsMax ? 'STALE' : 'PENDING';
  }
}

function drainReport(report: DrainReport): NodeDrainReport {
  const { delayMs, connections, webSockets, ended, closed, cut, done } = report;
  return { delayMs, connections, webSockets, ended, closed, cut, done };
}

/**
 * The nodes that are or were connected. Bounded: offline nodes are forgotten after the retention time, and the longest
 * offline goes first when there are too many.
 */
export class NodeRegistry {
  readonly #clock: Clock;
  readonly #retentionMs: number;
  /** What all of them tell of keys of Consumers. */
  readonly keyUses = new KeyUses();
  readonly #nodes = new Map<string, NodeRecord>();
  readonly #listeners = new Set<() => void>();

  constructor(clock: Clock, retentionMs: number) {
    this.#clock = clock;
    this.#retentionMs = retentionMs;
  }

  get nowMs(): number {
    return this.#clock.wallMs();
  }

  get(id: string): NodeRecord | undefined {
    return this.#nodes.get(id);
  }

  /** By name. */
  all(): NodeRecord[] {
    this.#forget();
    return [...this.#nodes.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
  }

  connectedTo(gateways: ReadonlySet<string>): NodeRecord[] {
    return this.all().filter((node) => node.connected && gateways.has(node.facts.gateway));
  }

  /** Takes a node in, or back. Undefined when there are too many and none of them is offline. */
  join(facts: NodeFacts): NodeRecord | undefined {
    this.#forget();
    const known = this.#nodes.get(facts.id);
    if (!known && this.#nodes.size >= nodesMax && !this.#forgetOne()) return undefined;
    const node = known ?? new NodeRecord(facts, this.nowMs);
    node.begin(facts);
    node.connected = true;
    node.lastSeenMs = this.nowMs;
    this.#nodes.set(facts.id, node);
    this.changed();
    return node;
  }

  leave(node: NodeRecord): void {
    node.connected = false;
    node.offlineSinceMs = this.nowMs;
    this.changed();
  }

  /** Calls back after every change of any node; returns how to stop that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  changed(): void {
    for (const listener of this.#listeners) listener();
  }

  #forget(): void {
    for (const [id, node] of this.#nodes) {
      if (!node.connected && this.nowMs - node.offlineSinceMs > this.#retentionMs) this.#nodes.delete(id);
    }
  }

  #forgetOne(): boolean {
    let longest: NodeRecord | undefined;
    for (const node of this.#nodes.values()) {
      if (!node.connected && (!longest || node.offlineSinceMs < longest.offlineSinceMs)) longest = node;
    }
    return longest !== undefined && this.#nodes.delete(longest.id);
  }
}
