import { create } from '@bufbuild/protobuf';
import { chunkBytesMax } from '@causeway/proto/config-stream';
import { digestBytes, digestText, endpointsDigest, sameDigest } from '@causeway/proto/digest';
import {
  type Ack,
  BeginSchema,
  type ControlMessage,
  ControlMessageSchema,
  DrainSchema,
  EndSchema,
  type EndpointSet,
  EndpointSetsSchema,
  FellowsSchema,
  type Hello,
  HoldingsRequestSchema,
  type Item,
  ItemsSchema,
  type Nack,
  type NodeMessage,
} from '@causeway/proto/gen/causeway/config/v1/config_pb';
import { bucketCount, type ItemsChange, SnapshotItems } from '@causeway/proto/snapshot-items';
import { type NackReason, type NodeProblem, nackReasons } from '@causeway/model/api-types';
import type { AffinityKeyring, LoginKeyring } from './cookie-keys.ts';
import type { GatewayView } from './gateway-view.ts';
import type { NodeRecord, NodeRegistry } from './node-registry.ts';
import type { SessionTickets } from './session-tickets.ts';
import type { UpdateSlots } from './update-slots.ts';

export interface SubscriptionOptions {
  node: NodeRecord;
  view: GatewayView;
  nodes: NodeRegistry;
  sink: ControlSink;
  slots: UpdateSlots;
  tickets: SessionTickets;
  affinity: AffinityKeyring;
  logins: LoginKeyring;
  /** Revision that the view stands for. */
  revision: number;
}

/** Why a stream is ended from this side. */
export type StreamFailure = 'invalid' | 'already_exists' | 'too_many';

/** What a subscription needs of its connection. */
export interface ControlSink {
  /** Resolves when the connection can take more, so that a slow node holds back only its own update. */
  send(message: ControlMessage): Promise<void>;
  /** Ends the stream with an error that the node logs. */
  fail(code: StreamFailure, detail: string): void;
}

/** An update that has been sent, or is being sent, and has no answer yet; or one that the node refused and may yet apply. */
interface Update {
  revision: number;
  items: SnapshotItems;
  endpoints: ReadonlyMap<string, EndpointSet>;
}

/** Problems of one Nack that are kept and shown. */
const problemsMax = 100;
/** Updates in a row that a node may answer with Holdings before its stream is cut: something is wrong with one side. */
const mismatchesMax = 3;

/**
 * One node's stream: sends what turns what the node holds into what its Gateway's view is, at most one update in flight.
 * Whatever is published meanwhile is sent as one update when the answer has come, so bursts coalesce and nothing queues.
 */
export class Subscription {
  readonly node: NodeRecord;
  readonly #view: GatewayView;
  readonly #nodes: NodeRegistry;
  readonly #sink: ControlSink;
  readonly #slots: UpdateSlots;
  readonly #tickets: SessionTickets;
  readonly #affinity: AffinityKeyring;
  readonly #logins: LoginKeyring;
  /** What the node serves; undefined until it has told, when this process has never seen it. */
  #held: SnapshotItems | Uint8Array | undefined;
  /** Endpoint sets that the node serves; undefined = not known, so all are sent. */
  #heldEndpoints: ReadonlyMap<string, EndpointSet> | undefined;
  #inFlight: Update | undefined;
  #refusedUpdate: Update | undefined;
  #published: number;
  #mismatches = 0;
  #ended = false;

  constructor(options: SubscriptionOptions) {
    this.node = options.node;
    this.#view = options.view;
    this.#nodes = options.nodes;
    this.#sink = options.sink;
    this.#slots = options.slots;
    this.#tickets = options.tickets;
    this.#affinity = options.affinity;
    this.#logins = options.logins;
    this.#published = options.revision;
  }

  /** Starts with what the node says it holds; a node that holds the current snapshot is sent nothing. */
  async start(hello: Hello): Promise<void> {
    // It may not have heard it on the stream before.
    if (this.node.draining) await this.drain();
    const { items, endpoints } = this.#view;
    if (sameDigest(hello.endpointsDigest, endpointsDigest(endpoints.values())))
      this.#heldEndpoints = new Map(endpoints);
    if (hello.rootDigest.byteLength === 0) this.#held = SnapshotItems.empty;
    else if (sameDigest(hello.rootDigest, items.rootDigest)) this.#held = items;
    const isCurrent =
      this.#held === items && this.#heldEndpoints !== undefined && hello.revision === this.#published;
    // The number alone proves nothing: after a restored backup a node may hold a revision that is yet to come.
    const applied = isCurrent ? hello.revision : Math.min(hello.revision, Math.max(0, this.#published - 1));
    this.node.startOver(applied, this.node.draining ? applied : this.#published, this.#nodes.nowMs);
    if (this.#held === undefined)
      return this.#sink.send(
        controlMessage({ case: 'holdingsRequest', value: create(HoldingsRequestSchema) }),
      );
    if (isCurrent) {
      this.node.applied(this.#published, digestText(hello.rootDigest), this.#nodes.nowMs);
      return this.#nodes.changed();
    }
    return this.#update();
  }

  /** The view has changed, or only the number of the revision that it stands for. */
  publish(revision: number): Promise<void> {
    this.#published = revision;
    if (this.node.draining) return Promise.resolve();
    this.node.desire(revision, this.#nodes.nowMs);
    return this.#update();
  }

  async receive({ message }: NodeMessage): Promise<void> {
    this.node.lastSeenMs = this.#nodes.nowMs;
    switch (message.case) {
      case 'holdings':
        return this.#startOver(message.value.bucketDigests);
      case 'ack':
        return this.#acknowledged(message.value);
      case 'nack':
        return this.#refused(message.value);
      case 'status':
        this.#nodes.keyUses.note(message.value.keyUses, this.#nodes.nowMs);
        if (this.node.tell(message.value)) this.#nodes.changed();
        return;
      case 'hello':
      case undefined:
        return this.#sink.fail('invalid', 'expected an answer, not a second Hello or an unknown message');
    }
  }

  /** They are new, or the node is. Beside the updates, which they are no part of. */
  async sendTicketKeys(): Promise<void> {
    if (this.#ended) return;
    const value = this.#tickets.keysOf(this.node.facts.gateway);
    await this.#sink.send(controlMessage({ case: 'sessionTicketKeys', value }));
  }

  async sendAffinityKeys(): Promise<void> {
    if (this.#ended) return;
    const value = this.#affinity.keysOf(this.node.facts.gateway);
    await this.#sink.send(controlMessage({ case: 'affinityKeys', value }));
  }

  /** So many nodes does its Gateway have now. */
  async sendFellows(nodes: number): Promise<void> {
    if (this.#ended) return;
    await this.#sink.send(controlMessage({ case: 'fellows', value: create(FellowsSchema, { nodes }) }));
  }

  async sendLoginKeys(): Promise<void> {
    if (this.#ended) return;
    const value = this.#logins.keysOf(this.node.facts.gateway);
    await this.#sink.send(controlMessage({ case: 'loginKeys', value }));
  }

  /** The node keeps the revision that it has until it is gone. */
  async drain(): Promise<void> {
    this.node.draining = true;
    this.#nodes.changed();
    await this.#sink.send(controlMessage({ case: 'drain', value: create(DrainSchema) }));
  }

  end(): void {
    this.#ended = true;
    this.#slots.release(this);
  }

  async #startOver(bucketDigests: Uint8Array): Promise<void> {
    if (bucketDigests.byteLength !== bucketCount * digestBytes)
      return this.#sink.fail('invalid', 'Holdings must be 256 digests');
    if (this.#inFlight && ++this.#mismatches > mismatchesMax)
      return this.#sink.fail('invalid', 'updates do not lead to the digest that they should');
    this.#slots.release(this);
    this.#held = bucketDigests;
    this.#heldEndpoints = undefined;
    this.#inFlight = undefined;
    this.#refusedUpdate = undefined;
    return this.#update();
  }

  async #acknowledged(ack: Ack): Promise<void> {
    const update = [this.#inFlight, this.#refusedUpdate].find(
      (candidate) => candidate?.revision === ack.revision,
    );
    if (!update) return this.#sink.fail('invalid', `Ack of revision ${ack.revision}, which was not sent`);
    this.#held = update.items;
    this.#heldEndpoints = update.endpoints;
    if (update === this.#inFlight) this.#finish();
    this.#refusedUpdate = undefined;
    this.node.applied(ack.revision, digestText(update.items.rootDigest), this.#nodes.nowMs);
    this.#nodes.changed();
    return this.#update();
  }

  /**
   * The node goes on with what it had, and so does the next delta. Where trying again can help (a port that is taken)
   * the node does so by itself and acknowledges the update after all, so it is remembered.
   */
  async #refused(nack: Nack): Promise<void> {
    if (![this.#inFlight, this.#refusedUpdate].some((update) => update?.revision === nack.revision))
      return this.#sink.fail('invalid', `Nack of revision ${nack.revision}, which was not sent`);
    this.node.rejected(
      nack.revision,
      nack.problems.slice(0, problemsMax).map(nodeProblem),
      nack.nextTryMs,
      this.#nodes.nowMs,
    );
    if (this.#inFlight?.revision === nack.revision) {
      this.#refusedUpdate = this.#inFlight;
      this.#finish();
    }
    this.#nodes.changed();
    return this.#update();
  }

  #finish(): void {
    this.#inFlight = undefined;
    this.#mismatches = 0;
    this.#slots.release(this);
  }

  /** Sends one update if the node needs one and none is in flight. */
  async #update(): Promise<void> {
    const held = this.#held;
    if (this.#ended || this.#inFlight || held === undefined || !this.#needsUpdate()) return;
    const update: Update = {
      revision: this.#published,
      items: this.#view.items,
      endpoints: new Map(this.#view.endpoints),
    };
    this.#inFlight = update;
    const change =
      held instanceof SnapshotItems ? update.items.changeFrom(held) : update.items.changeFromDigests(held);
    await this.#slots.acquire(this, change);
    const sets = [...update.endpoints.values()].filter(
      (set) => this.#heldEndpoints?.get(set.service) !== set,
    );
    const baseRoot = held instanceof SnapshotItems ? held.rootDigest : new Uint8Array();
    for (const message of updateMessages(update, baseRoot, change, sets)) {
      // Given up: the stream is over, or the node has asked to start over before it had everything.
      if (this.#ended || this.#inFlight !== update) return;
      await this.#sink.send(message);
    }
  }

  #needsUpdate(): boolean {
    if (this.node.draining || this.#published === this.#refusedUpdate?.revision) return false;
    return (
      this.node.appliedRevision !== this.#published ||
      this.#held !== this.#view.items ||
      this.#heldEndpoints === undefined
    );
  }
}

/** About 60 bytes each: well below a chunk. */
const endpointEntriesPerMessage = 10_000;

function* updateMessages(
  update: Update,
  baseRootDigest: Uint8Array,
  change: ItemsChange,
  sets: readonly EndpointSet[],
): Generator<ControlMessage> {
  const { revision, items } = update;
  yield controlMessage({
    case: 'begin',
    value: create(BeginSchema, {
      revision,
      baseRootDigest,
      replacedBuckets: [...(change.replacedBuckets ?? [])],
    }),
  });
  for (const chunk of endpointChunks(sets))
    yield controlMessage({ case: 'endpointSets', value: create(EndpointSetsSchema, { sets: chunk }) });
  for (const chunk of itemChunks(change))
    yield controlMessage({ case: 'items', value: create(ItemsSchema, chunk) });
  yield controlMessage({ case: 'end', value: create(EndSchema, { revision, rootDigest: items.rootDigest }) });
}

function controlMessage(message: ControlMessage['message']): ControlMessage {
  return create(ControlMessageSchema, { message });
}

function* endpointChunks(sets: readonly EndpointSet[]): Generator<EndpointSet[]> {
  let chunk: EndpointSet[] = [];
  let entries = 0;
  for (const set of sets) {
    if (chunk.length > 0 && entries + set.entries.length > endpointEntriesPerMessage) {
      yield chunk;
      [chunk, entries] = [[], 0];
    }
    chunk.push(set);
    entries += set.entries.length + 1;
  }
  if (chunk.length > 0) yield chunk;
}

/** Splits a change into messages of about a mebibyte; an item that is larger alone has a message of its own. */
function* itemChunks(change: ItemsChange): Generator<{ upserts: Item[]; removedKeys: string[] }> {
  let chunk: { upserts: Item[]; removedKeys: string[] } = { upserts: [], removedKeys: [] };
  let bytes = 0;
  const flush = function* (nextBytes: number) {
    if (bytes > 0 && bytes + nextBytes > chunkBytesMax) {
      yield chunk;
      chunk = { upserts: [], removedKeys: [] };
      bytes = 0;
    }
    bytes += nextBytes;
  };
  for (const key of change.removedKeys) {
    yield* flush(key.length + 8);
    chunk.removedKeys.push(key);
  }
  for (const item of change.upserts) {
    yield* flush(item.bytes.byteLength + item.key.length + 64);
    chunk.upserts.push(item);
  }
  if (bytes > 0) yield chunk;
}

function nodeProblem(problem: Nack['problems'][number]): NodeProblem {
  const known = (nackReasons as readonly string[]).includes(problem.reason);
  return {
    reason: known ? (problem.reason as NackReason) : 'internal',
    resource: problem.resource,
    pointer: problem.pointer,
    detail: problem.detail.slice(0, 1024),
  };
}
