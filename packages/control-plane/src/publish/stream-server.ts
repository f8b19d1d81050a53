import { configStreamDefinition, credentialKey, ownPortsKey } from '@causeway/proto/config-stream';
import type {
  Command,
  ControlMessage,
  NodeCommandMessage,
  NodeMessage,
} from '@causeway/proto/gen/causeway/config/v1/config_pb';
import { formatListenAddress, type ListenAddress } from '@causeway/runtime/listen-address';
import { Metadata, Server, ServerCredentials, type ServerDuplexStream, status } from '@grpc/grpc-js';
import type { CommandChannel, CommandChannels } from './command-channel.ts';
import type { JoinedNode, Publisher } from './publisher.ts';
import type { StreamFailure } from './subscription.ts';

export interface StreamServerOptions {
  publisher: Publisher;
  commands: CommandChannels;
  /** Name of the token that a credential belongs to; undefined refuses. */
  authenticate: (credential: string | undefined) => string | undefined;
  /** Ports of this process, which nodes must not proxy to. */
  ownPorts: () => readonly number[];
}

type Subscribe = ServerDuplexStream<NodeMessage, ControlMessage>;
type Commands = ServerDuplexStream<NodeCommandMessage, Command>;

/** Larger messages than a node has reason to send are refused before they are decoded. */
const receiveBytesMax = 1024 * 1024;

/** The gRPC server of the config stream. Every method is closed to callers without a node's credential. */
export class StreamServer {
  readonly #options: StreamServerOptions;
  readonly #server: Server;

  constructor(options: StreamServerOptions) {
    this.#options = options;
    this.#server = new Server({
      'grpc.max_receive_message_length': receiveBytesMax,
      'grpc.keepalive_time_ms': 10_000,
      'grpc.keepalive_timeout_ms': 10_000,
    });
    this.#server.addService(configStreamDefinition, {
      subscribe: (call: Subscribe) => this.#admit(call) && this.#subscribe(call),
      commands: (call: Commands) => this.#admit(call) && this.#commands(call),
    });
  }

  /** Starts listening; resolves with the real port. Rejects with the system's error. */
  async listen(address: ListenAddress): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.bindAsync(
        formatListenAddress(address),
        ServerCredentials.createInsecure(),
        (error, port) => (error ? reject(error) : resolve(port)),
      );
    });
  }

  close(): void {
    this.#server.forceShutdown();
  }

  #admit(call: Subscribe | Commands): boolean {
    call.on('error', () => {
      // The stream is over; 'end' or 'cancelled' has told the session.
    });
    const [credential] = call.metadata.get(credentialKey);
    const name = this.#options.authenticate(typeof credential === 'string' ? credential : undefined);
    if (name !== undefined) {
      // Headers at once: a node that is in step is sent nothing else, and must see that it is connected.
      const metadata = new Metadata();
      metadata.set(ownPortsKey, this.#options.ownPorts().join(','));
      call.sendMetadata(metadata);
      return true;
    }
    call.emit('error', {
      code: status.UNAUTHENTICATED,
      details: 'a node needs the token that the control plane wrote to node.token (--node-token-file)',
    });
    return false;
  }

  #subscribe(call: Subscribe): void {
    let joined: JoinedNode | undefined;
    const sink = {
      send: (message: ControlMessage) => writeTo(call, message),
      fail: (code: StreamFailure, details: string) => {
        call.emit('error', { code: failureStatuses[code], details });
      },
    };
    call.on('data', (message: NodeMessage) => {
      if (joined) joined.receive(message);
      else if (message.message.case === 'hello')
        joined = this.#options.publisher.join(message.message.value, sink);
      else sink.fail('invalid', 'the first message must be Hello');
    });
    onceOver(call, () => joined?.leave());
  }

  #commands(call: Commands): void {
    let opened: { nodeId: string; channel: CommandChannel } | undefined;
    call.on('data', ({ message }: NodeCommandMessage) => {
      if (message.case === 'hello' && !opened) {
        const { nodeId } = message.value;
        opened = { nodeId, channel: this.#options.commands.open(nodeId, (command) => call.write(command)) };
      } else if (message.case === 'result') opened?.channel.receive(message.value);
    });
    onceOver(call, () => opened && this.#options.commands.close(opened.nodeId, opened.channel));
  }
}

const failureStatuses = {
  invalid: status.INVALID_ARGUMENT,
  already_exists: status.ALREADY_EXISTS,
  too_many: status.RESOURCE_EXHAUSTED,
} as const;

/** Writes and waits until the connection takes more, or is gone. */
function writeTo(call: Subscribe, message: ControlMessage): Promise<void> {
  if (call.destroyed || call.cancelled || call.write(message)) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      for (const event of ['drain', 'close', 'cancelled', 'end']) call.off(event, done);
      resolve();
    };
    for (const event of ['drain', 'close', 'cancelled', 'end']) call.on(event, done);
  });
}

/** Runs `action` once when the stream is over, however it ended. */
function onceOver(call: Subscribe | Commands, action: () => void): void {
  let over = false;
  const end = (): void => {
    if (over) return;
    over = true;
    action();
    call.end();
  };
  call.on('end', end);
  call.on('cancelled', end);
  call.on('close', end);
}
