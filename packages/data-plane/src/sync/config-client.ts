import { configStreamDefinition, credentialKey } from '@causeway/proto/config-stream';
import type {
  Command,
  ControlMessage,
  NodeCommandMessage,
  NodeMessage,
} from '@causeway/proto/gen/causeway/config/v1/config_pb';
import {
  type Client,
  type ClientDuplexStream,
  credentials,
  makeClientConstructor,
  Metadata,
} from '@grpc/grpc-js';

export type SubscribeCall = ClientDuplexStream<NodeMessage, ControlMessage>;
export type CommandsCall = ClientDuplexStream<NodeCommandMessage, Command>;

interface ConfigStreamClient extends Client {
  subscribe(metadata: Metadata): SubscribeCall;
  commands(metadata: Metadata): CommandsCall;
}

/** Chunks are about a mebibyte; a single large item may need more. */
const receiveBytesMax = 16 * 1024 * 1024;

/** The gRPC client of the config stream: opens its calls with the node's credential. */
export class ConfigClient {
  readonly #client: ConfigStreamClient;

  constructor(address: string) {
    const Constructor = makeClientConstructor(configStreamDefinition, 'ConfigStream');
    this.#client = new Constructor(address, credentials.createInsecure(), {
      'grpc.max_receive_message_length': receiveBytesMax,
      'grpc.keepalive_time_ms': 10_000,
      'grpc.keepalive_timeout_ms': 10_000,
      // The pace of reconnecting is ours; the channel must not add a longer one.
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 1000,
    }) as unknown as ConfigStreamClient;
  }

  subscribe(credential: string): SubscribeCall {
    return this.#client.subscribe(metadataOf(credential));
  }

  commands(credential: string): CommandsCall {
    return this.#client.commands(metadataOf(credential));
  }

  close(): void {
    this.#client.close();
  }
}

function metadataOf(credential: string): Metadata {
  const metadata = new Metadata();
  metadata.set(credentialKey, `Bearer ${credential}`);
  return metadata;
}
