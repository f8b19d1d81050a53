// A server of gRPC with a method of every kind, and clients of it. Messages are bytes that nobody decodes.

import {
  type ChannelCredentials,
  Client,
  credentials,
  type handleBidiStreamingCall,
  type handleClientStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  type MethodDefinition,
  Server,
  ServerCredentials,
  type StatusObject,
} from '@grpc/grpc-js';
import type { Owner } from '../owner.ts';

export const serviceName = 'test.v1.Echo';

const bytes = (message: Buffer): Buffer => message;
const methods = {
  /** Answers the message; `x-code` in the metadata: with that status, and `x-details-bin` for details. */
  Unary: [false, false],
  /** Answers it as often as `x-count` says. */
  Repeat: [false, true],
  /** Answers all messages in one. */
  Join: [true, false],
  Chat: [true, true],
  /** Never answers. */
  Never: [false, false],
  /** Answers one message, and no end. */
  Endless: [false, true],
} as const;
export type MethodName = keyof typeof methods;

/** What all kinds of calls have. */
interface NotedCall {
  readonly metadata: Metadata;
  getDeadline(): Date | number;
  on(event: 'cancelled', listener: () => void): unknown;
}

type EchoMethod = MethodDefinition<Buffer, Buffer>;
function definition(name: MethodName): EchoMethod {
  const [requestStream, responseStream] = methods[name];
  return {
    path: `/${serviceName}/${name}`,
    requestStream,
    responseStream,
    requestSerialize: bytes,
    requestDeserialize: bytes,
    responseSerialize: bytes,
    responseDeserialize: bytes,
  };
}

function codeOf({ metadata }: NotedCall): number {
  return Number(metadata.get('x-code')[0] ?? 0);
}

export interface GrpcUpstream {
  readonly port: number;
  /** Calls by method. */
  readonly calls: Readonly<Partial<Record<MethodName, number>>>;
  /** Milliseconds that the last caller gave it when it came; Infinity: all the time in the world. */
  readonly lastTimeoutMs: number;
  /** Calls that their caller took back. */
  readonly cancelled: number;
  /** Ends all connections at once. */
  kill(): void;
}

export interface GrpcServerOptions {
  readonly credentials?: ServerCredentials;
  /** As grpc-js has them. */
  readonly options?: object;
}

/** `name` comes back in the metadata, so that callers can tell servers apart. */
export async function startGrpc(
  owner: Owner,
  name = 'a',
  { credentials: how = ServerCredentials.createInsecure(), options = {} }: GrpcServerOptions = {},
): Promise<GrpcUpstream> {
  const calls: Partial<Record<MethodName, number>> = {};
  let cancelled = 0;
  let lastTimeoutMs = Infinity;
  const note = (method: MethodName, call: NotedCall): void => {
    calls[method] = (calls[method] ?? 0) + 1;
    lastTimeoutMs = Number(call.getDeadline()) - Date.now();
    call.on('cancelled', () => {
      cancelled += 1;
    });
  };
  const told = (): Metadata => metadataOf({ 'x-server': name });
  const unary: handleUnaryCall<Buffer, Buffer> = (call, respond) => {
    note('Unary', call);
    call.sendMetadata(told());
    const code = codeOf(call);
    const trailers = metadataOf({ 'x-trailer': 'at the end' });
    trailers.set('x-back-bin', call.metadata.get('x-there-bin')[0] ?? Buffer.alloc(0));
    const [details] = call.metadata.get('x-details-bin');
    if (details !== undefined) trailers.set('grpc-status-details-bin', details);
    if (code === 0) respond(null, call.request, trailers);
    else respond({ code: code as never, details: 'as it was asked for, é', metadata: trailers });
  };
  const refused: handleUnaryCall<Buffer, Buffer> = (call, respond) => {
    if (call.metadata.get('x-bare').length === 0) return unary(call, respond);
    note('Unary', call);
    respond({ code: codeOf(call) as never, details: 'bare' });
  };
  const repeat: handleServerStreamingCall<Buffer, Buffer> = (call) => {
    note('Repeat', call);
    const count = Number(call.metadata.get('x-count')[0]);
    let sent = 0;
    const send = (): void => {
      while (sent < count) {
        sent += 1;
        if (!call.write(call.request)) {
          call.once('drain', send);
          return;
        }
      }
      call.end();
    };
    send();
  };
  const join: handleClientStreamingCall<Buffer, Buffer> = (call, respond) => {
    note('Join', call);
    const parts: Buffer[] = [];
    call.on('data', (part: Buffer) => parts.push(part));
    call.on('end', () => respond(null, Buffer.concat(parts)));
  };
  const chat: handleBidiStreamingCall<Buffer, Buffer> = (call) => {
    note('Chat', call);
    call.on('data', (part: Buffer) => call.write(part));
    call.on('end', () => call.end());
  };
  const server = new Server({ 'grpc.max_receive_message_length': -1, ...options });
  const definitions = Object.fromEntries(
    (Object.keys(methods) as MethodName[]).map((method) => [method, definition(method)]),
  );
  server.addService(definitions, {
    Unary: refused,
    Repeat: repeat,
    Join: join,
    Chat: chat,
    Never: (call: NotedCall) => note('Never', call),
    Endless: (call: Parameters<typeof repeat>[0]) => {
      note('Endless', call);
      call.write(call.request);
    },
  });
  owner.after(() => server.forceShutdown());
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', how, (error, at) => (error === null ? resolve(at) : reject(error)));
  });
  return {
    port: bound,
    calls,
    get lastTimeoutMs() {
      return lastTimeoutMs;
    },
    get cancelled() {
      return cancelled;
    },
    kill: () => server.forceShutdown(),
  };
}

export function metadataOf(values: Readonly<Record<string, string | Buffer>>): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(values)) metadata.set(name, value);
  return metadata;
}

/** How a call ended. */
export interface Outcome {
  readonly code: number;
  readonly details: string;
  readonly messages: readonly Buffer[];
  /** What came before the first message. */
  readonly metadata: Metadata | undefined;
  readonly trailers: Metadata;
}

export class GrpcClient {
  readonly #client: Client;

  constructor(
    owner: Owner,
    port: number,
    how: ChannelCredentials = credentials.createInsecure(),
    options: object = {},
  ) {
    this.#client = new Client(`127.0.0.1:${port}`, how, {
      // What a test sees is what happened once.
      'grpc.enable_retries': 0,
      'grpc.max_receive_message_length': -1,
      'grpc.use_local_subchannel_pool': 1,
      ...options,
    });
    owner.after(() => this.#client.close());
  }

  /** Sends all messages, reads all answers. */
  call(
    method: MethodName,
    messages: readonly Buffer[],
    metadata: Readonly<Record<string, string | Buffer>> = {},
    options: { readonly deadlineMs?: number } = {},
  ): Promise<Outcome> {
    const { outcome, send, end } = this.open(method, metadata, options);
    for (const message of messages) send(message);
    end();
    return outcome;
  }

  /** `path`: in place of the method's own. */
  open(
    method: MethodName,
    values: Readonly<Record<string, string | Buffer>> = {},
    { deadlineMs, path }: { readonly deadlineMs?: number; readonly path?: string } = {},
  ) {
    // Each kind is one of a stream both ways that sends or reads a single message.
    const call = this.#client.makeBidiStreamRequest(
      path ?? definition(method).path,
      bytes,
      bytes,
      metadataOf(values),
      deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs },
    );
    const messages: Buffer[] = [];
    let metadata: Metadata | undefined;
    call.on('data', (message: Buffer) => messages.push(message));
    call.on('metadata', (told: Metadata) => {
      metadata = told;
    });
    call.on('error', () => {
      // The status says it.
    });
    const outcome = new Promise<Outcome>((resolve) => {
      call.on('status', ({ code, details, metadata: trailers }: StatusObject) =>
        resolve({ code, details, messages, metadata, trailers }),
      );
    });
    return {
      messages,
      outcome,
      send: (message: Buffer) => call.write(message),
      end: () => call.end(),
      cancel: () => call.cancel(),
      pause: () => call.pause(),
      resume: () => call.resume(),
    };
  }
}
