import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { endpointsDigest, sameDigest } from '@causeway/proto/digest';
import {
  type Begin,
  type ControlMessage,
  type EndpointSet,
  HelloSchema,
  type Hello,
  type Item,
  type NodeMessage,
  NodeMessageSchema,
  type NodeProblem,
} from '@causeway/proto/gen/causeway/config/v1/config_pb';
import { SnapshotItems } from '@causeway/proto/snapshot-items';
import type { ControlSink, StreamFailure } from '../publish/subscription.ts';

interface Staged {
  begin: Begin;
  upserts: Item[];
  removedKeys: string[];
  sets: EndpointSet[];
}

interface Snapshot {
  revision: number;
  items: SnapshotItems;
  endpoints: Map<string, EndpointSet>;
}

/**
 * The other end of a subscription, in memory: takes an update apart as a node does, and answers only when it is told to,
 * so that a test can stop between any two messages.
 */
export class StreamNode implements ControlSink {
  /** Every message that was sent, oldest first. */
  readonly messages: ControlMessage[] = [];
  failure: { code: StreamFailure; detail: string } | undefined;
  /** What it serves. */
  held: Snapshot = { revision: 0, items: SnapshotItems.empty, endpoints: new Map() };
  /** The update that has come whole and has no answer yet. */
  received: (Snapshot & { upserts: Item[]; removedKeys: string[]; sets: EndpointSet[] }) | undefined;
  #staged: Staged | undefined;
  #paused = false;
  readonly #waiting: (() => void)[] = [];

  async send(message: ControlMessage): Promise<void> {
    this.messages.push(message);
    this.#take(message);
    if (this.#paused) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  fail(code: StreamFailure, detail: string): void {
    this.failure = { code, detail };
  }

  /** From now on the connection is full after each message, until `resume`. */
  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    for (const resume of this.#waiting.splice(0)) resume();
  }

  get cases(): (string | undefined)[] {
    return this.messages.map(({ message }) => message.case);
  }

  hello(more: MessageInitShape<typeof HelloSchema> = {}): Hello {
    const { revision, items, endpoints } = this.held;
    const isEmpty = items.size === 0;
    return create(HelloSchema, {
      nodeId: 'n1',
      gateway: 'default',
      instance: 'i1',
      version: '1.0.0',
      workers: 1,
      revision,
      rootDigest: isEmpty ? new Uint8Array() : items.rootDigest,
      endpointsDigest: isEmpty ? new Uint8Array() : endpointsDigest(endpoints.values()),
      ...more,
    });
  }

  /** Serves what it has received, and says so. */
  ack(): NodeMessage {
    if (!this.received) throw new Error('there is nothing to acknowledge');
    const { revision, items, endpoints } = this.received;
    this.held = { revision, items, endpoints };
    this.received = undefined;
    return answer({ case: 'ack', value: { $typeName: 'causeway.config.v1.Ack', revision, tookUs: 1 } });
  }

  /** Goes on with what it has. The update stays `received`, so that a late `ack` is possible. */
  nack(problem: Partial<NodeProblem> = {}, nextTryMs = 0): NodeMessage {
    if (!this.received) throw new Error('there is nothing to refuse');
    const { revision } = this.received;
    const full = {
      reason: 'listener_failed',
      resource: 'gateway/default',
      pointer: '',
      detail: 'no',
      ...problem,
    };
    const problems = [{ $typeName: 'causeway.config.v1.NodeProblem' as const, ...full }];
    return answer({
      case: 'nack',
      value: { $typeName: 'causeway.config.v1.Nack', revision, problems, nextTryMs },
    });
  }

  holdings(): NodeMessage {
    const bucketDigests = this.held.items.bucketDigests();
    return answer({ case: 'holdings', value: { $typeName: 'causeway.config.v1.Holdings', bucketDigests } });
  }

  #take({ message }: ControlMessage): void {
    if (message.case === 'begin')
      this.#staged = { begin: message.value, upserts: [], removedKeys: [], sets: [] };
    const staged = this.#staged;
    if (!staged) return;
    if (message.case === 'items') {
      staged.upserts.push(...message.value.upserts);
      staged.removedKeys.push(...message.value.removedKeys);
    } else if (message.case === 'endpointSets') staged.sets.push(...message.value.sets);
    else if (message.case === 'end') this.#finish(staged, message.value.rootDigest);
  }

  #finish({ begin, upserts, removedKeys, sets }: Staged, rootDigest: Uint8Array): void {
    this.#staged = undefined;
    const { baseRootDigest, replacedBuckets, revision } = begin;
    if (baseRootDigest.byteLength > 0 && !sameDigest(baseRootDigest, this.held.items.rootDigest))
      throw new Error('the base is not what the node holds');
    const items = this.held.items.with({ upserts, removedKeys, replacedBuckets });
    if (!sameDigest(items.rootDigest, rootDigest)) throw new Error('the update does not lead to its digest');
    const endpoints = new Map(this.held.endpoints);
    for (const set of sets) endpoints.set(set.service, set);
    for (const name of endpoints.keys()) if (!items.get(`service/${name}`)) endpoints.delete(name);
    this.received = { revision, items, endpoints, upserts, removedKeys, sets };
  }
}

function answer(message: NodeMessage['message']): NodeMessage {
  return create(NodeMessageSchema, { message });
}
