import { type Hello, type NodeMessage } from '@causeway/proto/gen/causeway/config/v1/config_pb';
import type { Logger } from '@causeway/runtime/logger';
import type { EntryChange, ResourceIndex } from '../store/resource-index.ts';
import { GatewayView } from './gateway-view.ts';
import type { NodeRegistry } from './node-registry.ts';
import { type ControlSink, Subscription } from './subscription.ts';
import { UpdateSlots } from './update-slots.ts';

/** Label of a node's Hello are shown and selected by, so they are bounded as those of resources are. */
const labelsMax = 64;
const nodeIdPattern = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,126}[A-Za-z0-9])?$/;

/** Follows the configuration by revisions and keeps every subscribed node in step with its Gateway's view. */
export class Publisher {
  readonly #index: ResourceIndex;
  readonly #nodes: NodeRegistry;
  readonly #logger: Logger;
  readonly #slots = new UpdateSlots();
  readonly #views = new Map<string, GatewayView>();
  readonly #subscriptions = new Map<string, Subscription>();

  constructor(index: ResourceIndex, nodes: NodeRegistry, logger: Logger) {
    this.#index = index;
    this.#nodes = nodes;
    this.#logger = logger;
    index.onRevision((revision, _committedAt, changes) => this.#publish(revision, changes));
  }

  /** The view of a Gateway, made when the first node or question asks for it. */
  view(gateway: string): GatewayView {
    let view = this.#views.get(gateway);
    if (!view) this.#views.set(gateway, (view = new GatewayView(gateway, this.#index)));
    return view;
  }

  /**
   * Takes a node in. A second live node with the same id is refused; the same process coming back replaces its old
   * stream. The caller passes the node's further messages to `receive` and calls `leave` when the stream is over.
   */
  join(hello: Hello, sink: ControlSink): JoinedNode | undefined {
    if (
      !nodeIdPattern.test(hello.nodeId) ||
      hello.gateway === '' ||
      Object.keys(hello.labels).length > labelsMax
    ) {
      sink.fail(
        'invalid',
        'Hello needs a node id (letters, digits, "-", "_", "."), a gateway and at most 64 labels',
      );
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
    this.#subscriptions.get(hello.nodeId)?.end();
    const { nodeId: id, instance, gateway, labels, version, workers } = hello;
    const node = this.#nodes.join({ id, instance, gateway, labels, version, workers });
    const subscription = new Subscription({
      node,
      view: this.view(gateway),
      nodes: this.#nodes,
      sink,
      slots: this.#slots,
      revision: this.#index.revision,
    });
    this.#subscriptions.set(id, subscription);
    this.#logger.info({ node: id, gateway, version, holds: hello.revision }, 'node connected');
    this.#run(subscription.start(hello));
    return {
      receive: (message) => this.#run(subscription.receive(message)),
      leave: () => this.#leave(subscription),
    };
  }

  #leave(subscription: Subscription): void {
    subscription.end();
    const { node } = subscription;
    // A newer stream of the same process may have taken over already.
    if (this.#subscriptions.get(node.id) !== subscription) return;
    this.#subscriptions.delete(node.id);
    this.#nodes.leave(node);
    this.#logger.info({ node: node.id }, 'node disconnected');
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
