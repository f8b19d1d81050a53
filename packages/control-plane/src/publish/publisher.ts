import { type Hello, type NodeMessage } from '@causeway/proto/gen/causeway/config/v1/config_pb';
import type { Logger } from '@causeway/runtime/logger';
import type { EntryChange, ResourceIndex } from '../store/resource-index.ts';
import type { CredentialHashes } from '../store/credential-hashes.ts';
import type { ReadSecret } from '../store/secret-values.ts';
import type { AffinityKeyring, LoginKeyring } from './cookie-keys.ts';
import { GatewayView } from './gateway-view.ts';
import { helloComplaint } from './hello-complaint.ts';
import { type NodeRegistry, nodesMax } from './node-registry.ts';
import type { SessionTickets } from './session-tickets.ts';
import { type ControlSink, Subscription } from './subscription.ts';
import { UpdateSlots } from './update-slots.ts';

export interface PublisherOptions {
  readonly index: ResourceIndex;
  readonly readSecret: ReadSecret;
  readonly hashes: CredentialHashes;
  readonly nodes: NodeRegistry;
  readonly logger: Logger;
  readonly tickets: SessionTickets;
  readonly affinity: AffinityKeyring;
  readonly logins: LoginKeyring;
}

/** Follows the configuration by revisions and keeps every subscribed node in step with its Gateway's view. */
export class Publisher {
  readonly #index: ResourceIndex;
  readonly #readSecret: ReadSecret;
  readonly #hashes: CredentialHashes;
  readonly #nodes: NodeRegistry;
  readonly #logger: Logger;
  readonly #tickets: SessionTickets;
  readonly #affinity: AffinityKeyring;
  readonly #logins: LoginKeyring;
  readonly #slots = new UpdateSlots();
  readonly #views = new Map<string, GatewayView>();
  readonly #subscriptions = new Map<string, Subscription>();

  constructor({ index, readSecret, hashes, nodes, logger, tickets, affinity, logins }: PublisherOptions) {
    this.#index = index;
    this.#readSecret = readSecret;
    this.#hashes = hashes;
    this.#nodes = nodes;
    this.#logger = logger;
    this.#tickets = tickets;
    this.#affinity = affinity;
    this.#logins = logins;
    index.onRevision((revision, _committedAt, changes) => this.#publish(revision, changes));
    tickets.onRotated(() => {
      for (const subscription of this.#subscriptions.values()) this.#run(subscription.sendTicketKeys());
    });
    logins.onRotated(() => {
      for (const subscription of this.#subscriptions.values()) this.#run(subscription.sendLoginKeys());
    });
    affinity.onRotated(() => {
      for (const subscription of this.#subscriptions.values()) this.#run(subscription.sendAffinityKeys());
    });
  }

  /**
   * Takes a node in. A second live node with the same id is refused; the same process coming back replaces its old
   * stream. The caller passes the node's further messages to `receive` and calls `leave` when the stream is over.
   */
  join(hello: Hello, sink: ControlSink): JoinedNode | undefined {
    const complaint = helloComplaint(hello);
    if (complaint !== undefined) {
      sink.fail('invalid', complaint);
      return undefined;
    }
    const known = this.#nodes.get(hello.nodeId);
    if (known?.connected && known.facts.instance !== hello.instance) {
      sink.fail(
        'already_exists',
        `another node with the id ${hello.nodeId} is connected: give this one its own --node-id and --data-dir`,
      );
      return undefined;
    }
    const { nodeId: id, instance, gateway, labels, version, workers } = hello;
    const node = this.#nodes.join({ id, instance, gateway, labels, version, workers });
    if (!node) {
      sink.fail('too_many', `there are ${nodesMax} nodes already`);
      return undefined;
    }
    this.#subscriptions.get(id)?.end();
    const subscription = new Subscription({
      node,
      view: this.#view(gateway),
      nodes: this.#nodes,
      sink,
      slots: this.#slots,
      tickets: this.#tickets,
      affinity: this.#affinity,
      logins: this.#logins,
      revision: this.#index.revision,
    });
    this.#subscriptions.set(id, subscription);
    this.#logger.info({ node: id, gateway, version, holds: hello.revision }, 'node connected');
    // Before its first port opens.
    this.#run(subscription.sendTicketKeys());
    this.#run(subscription.sendAffinityKeys());
    this.#tellFellows(gateway);
    this.#run(subscription.sendLoginKeys());
    this.#run(subscription.start(hello));
    return {
      receive: (message) => this.#run(subscription.receive(message)),
      leave: () => this.#leave(subscription),
    };
  }

  /** Tells a node to drain; false when it is not connected. From now on it is sent no update. */
  drain(id: string): boolean {
    const subscription = this.#subscriptions.get(id);
    if (subscription === undefined) return false;
    this.#logger.info({ node: id }, 'the node is told to drain');
    this.#run(subscription.drain());
    return true;
  }

  #view(gateway: string): GatewayView {
    let view = this.#views.get(gateway);
    if (!view) {
      view = new GatewayView(gateway, this.#index, this.#readSecret, this.#hashes);
      this.#views.set(gateway, view);
    }
    return view;
  }

  #leave(subscription: Subscription): void {
    subscription.end();
    const { node } = subscription;
    // A newer stream of the same process may have taken over already.
    if (this.#subscriptions.get(node.id) !== subscription) return;
    this.#subscriptions.delete(node.id);
    this.#nodes.leave(node);
    this.#tellFellows(node.facts.gateway);
    this.#dropView(node.facts.gateway);
    this.#logger.info({ node: node.id }, 'node disconnected');
  }

  /** Views of Gateways that exist are kept, since their nodes come back; the name of another is just a word in a Hello. */
  #dropView(gateway: string): void {
    const isUsed = [...this.#subscriptions.values()].some(({ node }) => node.facts.gateway === gateway);
    if (!isUsed && this.#views.get(gateway)?.exists === false) this.#views.delete(gateway);
  }

  /** How many nodes a Gateway has has changed. */
  #tellFellows(gateway: string): void {
    const fellows = this.#subscriptions
      .values()
      .filter(({ node }) => node.facts.gateway === gateway)
      .toArray();
    for (const subscription of fellows) this.#run(subscription.sendFellows(fellows.length));
  }

  #publish(revision: number, changes: readonly EntryChange[]): void {
    for (const view of this.#views.values()) view.apply(changes);
    for (const subscription of this.#subscriptions.values()) this.#run(subscription.publish(revision));
  }

  #run(work: Promise<void>): void {
    work.catch((error: unknown) => this.#logger.error({ err: error }, 'publishing failed'));
  }
}

export interface JoinedNode {
  receive(message: NodeMessage): void;
  leave(): void;
}
