// A server of bookstore.v1.Bookstore (packages/transcoding/src/testing/protos), with messages as objects of JSON.

import {
  create,
  type DescMessage,
  fromBinary,
  fromJson,
  type JsonValue,
  toBinary,
  toJson,
} from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import { buildProtos, readProtos } from '@causeway/transcoding/testing/read-protos';
import {
  type MethodDefinition,
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { Owner } from '../owner.ts';
import { metadataOf } from './grpc.ts';

type Json = Record<string, JsonValue>;
type Metadata = Readonly<Record<string, unknown>>;

export interface BookstoreUpstream {
  readonly port: number;
  /** A FileDescriptorSet in base64, for a DescriptorSet. */
  readonly descriptors: string;
  /** Requests and their metadata, the last one first. */
  readonly requests: readonly {
    readonly method: string;
    readonly message: Json;
    readonly metadata: Metadata;
  }[];
  /** Milliseconds that the last caller gave it when it came; Infinity: all the time in the world. */
  readonly lastTimeoutMs: number;
  readonly cancelled: number;
  /** Ends all connections at once. */
  kill(): void;
}

/** Prefixes a google.rpc.Status with a Book and something unknown in its details. */
function detailsOf(code: number, book: Uint8Array): Buffer {
  const detail = (typeUrl: string, value: Uint8Array): Uint8Array => {
    const any = toBinary(AnySchema, create(AnySchema, { typeUrl, value }));
    return Buffer.concat([Buffer.from([26, any.length]), any]);
  };
  return Buffer.concat([
    Buffer.from([8, code]),
    detail('type.googleapis.com/bookstore.v1.Book', book),
    detail('type.googleapis.com/x.Unknown', Buffer.from([1])),
  ]);
}

/**
 * GetBook: id 404 is not there, with details; 0 never answers; 1000 has a long title. WatchShelves: as many as `pageSize` says, then what `pageToken` says:
 * `fail`, `refuse` (before any), `hang`. ImportBooks tells what it was sent as shelves; Chat sends back.
 */
export async function startBookstore(owner: Owner): Promise<BookstoreUpstream> {
  const bytes = buildProtos();
  const registry = readProtos(bytes);
  const service = registry.getService('bookstore.v1.Bookstore')!;
  const book = registry.getMessage('bookstore.v1.Book')!;
  const requests: { method: string; message: Json; metadata: Metadata }[] = [];
  let lastTimeoutMs = Infinity;
  let cancelled = 0;
  const codec = (type: DescMessage) => ({
    serialize: (value: Json) => Buffer.from(toBinary(type, fromJson(type, value, { registry }))),
    deserialize: (data: Buffer) => toJson(type, fromBinary(type, data), { registry }) as Json,
  });
  const definitions = Object.fromEntries(
    service.methods.map((method): [string, MethodDefinition<Json, Json>] => {
      const [input, output] = [codec(method.input), codec(method.output)];
      return [
        method.name,
        {
          path: `/${service.typeName}/${method.name}`,
          requestStream: ['client_streaming', 'bidi_streaming'].includes(method.methodKind),
          responseStream: ['server_streaming', 'bidi_streaming'].includes(method.methodKind),
          requestSerialize: input.serialize,
          requestDeserialize: input.deserialize,
          responseSerialize: output.serialize,
          responseDeserialize: output.deserialize,
        },
      ];
    }),
  );
  const note = (
    method: string,
    call: {
      metadata: { getMap(): object };
      getDeadline(): Date | number;
      on(event: 'cancelled', run: () => void): unknown;
    },
    message: Json = {},
  ): void => {
    requests.unshift({ method, message, metadata: call.metadata.getMap() as Metadata });
    lastTimeoutMs = Number(call.getDeadline()) - Date.now();
    call.on('cancelled', () => (cancelled += 1));
  };
  const unary =
    (method: string, answer: (message: Json) => Json | undefined) =>
    (call: ServerUnaryCall<Json, Json>, respond: sendUnaryData<Json>): void => {
      note(method, call, call.request);
      call.sendMetadata(metadataOf({ 'x-next': 'head', 'x-secret': 'a' }));
      const given = answer(call.request);
      if (given !== undefined) respond(null, given, metadataOf({ 'x-next': 'trailer' }));
    };
  const bookOf = ({ book: asked }: Json): Json => {
    const { id } = asked as Json;
    return { id: id!, title: id === '1000' ? 'x'.repeat(100_000) : `Book ${id as string}`, genre: 'NOVEL' };
  };
  const implementation: UntypedServiceImplementation = {
    ListShelves: unary('ListShelves', () => ({ shelves: [{ name: 'shelves/1' }] })),
    CreateShelf: unary('CreateShelf', (message) => message['shelf'] as Json),
    DeleteShelf: unary('DeleteShelf', () => ({})),
    GetBook: (call: ServerUnaryCall<Json, Json>, respond: sendUnaryData<Json>): void => {
      const { id } = (call.request['book'] ?? {}) as Json;
      if (id === undefined) return note('GetBook', call, call.request);
      if (id !== '404') return unary('GetBook', bookOf)(call, respond);
      note('GetBook', call, call.request);
      const details = detailsOf(status.NOT_FOUND, toBinary(book, fromJson(book, { id: '404' })));
      respond({
        code: status.NOT_FOUND,
        details: 'no such book: é',
        metadata: metadataOf({ 'grpc-status-details-bin': details, 'x-next': 'error' }),
      });
    },
    TitleOf: unary('TitleOf', bookOf),
    GetFile: unary('GetFile', ({ path }) => ({
      contentType: 'text/css',
      data: Buffer.from(`of ${path as string}`).toString('base64'),
    })),
    PutFile: unary('PutFile', () => ({})),
    WatchShelves: (call: ServerWritableStream<Json, Json>): void => {
      const { pageSize = 0, pageToken = '' } = call.request as { pageSize?: number; pageToken?: string };
      note('WatchShelves', call, call.request);
      const failure = { code: status.RESOURCE_EXHAUSTED, details: 'enough' };
      if (pageToken === 'refuse') return void call.emit('error', failure);
      let sent = 0;
      const send = (): void => {
        while (sent < pageSize) {
          sent += 1;
          if (!call.write({ name: `shelves/${sent}` })) return void call.once('drain', send);
        }
        if (pageToken === 'fail') call.emit('error', failure);
        else if (pageToken !== 'hang') call.end();
      };
      send();
    },
    ImportBooks: (call: ServerReadableStream<Json, Json>, respond: sendUnaryData<Json>): void => {
      note('ImportBooks', call);
      const shelves: Json[] = [];
      call.on('data', (message: Json) => shelves.push({ name: message['title'] as string }));
      call.on('end', () => respond(null, { shelves }));
    },
    Chat: (call: ServerDuplexStream<Json, Json>): void => {
      note('Chat', call);
      call.on('data', (message: Json) => call.write(message));
      call.on('end', () => call.end());
    },
  };
  const server = new Server();
  server.addService(definitions, implementation);
  owner.after(() => server.forceShutdown());
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, at) =>
      error === null ? resolve(at) : reject(error),
    );
  });
  return {
    port,
    descriptors: bytes.toString('base64'),
    requests,
    get lastTimeoutMs() {
      return lastTimeoutMs;
    },
    get cancelled() {
      return cancelled;
    },
    kill: () => server.forceShutdown(),
  };
}
