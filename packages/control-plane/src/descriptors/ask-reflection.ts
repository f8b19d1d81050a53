/** Server reflection: what a gRPC server says of itself (https://github.com/grpc/grpc/blob/master/doc/server-reflection.md). */

import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import {
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt';
import {
  ReflectionRequestSchema,
  type ReflectionResponse,
  ReflectionResponseSchema,
} from '@causeway/proto/gen/causeway/grpcapi/v1/grpcapi_pb';
import { messageOf } from '@causeway/runtime/errors';
import {
  type ChannelCredentials,
  type ChannelOptions,
  Client,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { descriptorBytesMax } from '@causeway/model/kinds/descriptor-set';
import { DescriptorFault, missingImports } from './descriptor-files.ts';

export interface ReflectionServer {
  /** As grpc-js has it: `ipv4:10.0.0.1:50051`. */
  readonly target: string;
  readonly credentials: ChannelCredentials;
  readonly options: ChannelOptions;
}

const paths = ['v1', 'v1alpha'].map(
  (version) => `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
);
/** Services that every server has for its own sake. */
const ownServices = /^grpc\.(?:reflection|health|channelz)\./;
const servicesMax = 1000;
const filesMax = 2000;

/**
 * The FileDescriptorSet of these services, empty = all but those of gRPC itself; equal ones have equal bytes, in whatever order the server
 * tells of its files. Throws a `DescriptorFault` that says what went wrong.
 */
export async function askReflection(
  server: ReflectionServer,
  services: readonly string[],
  deadlineMs: number,
): Promise<Uint8Array> {
  const client = new Client(server.target, server.credentials, {
    ...server.options,
    'grpc.enable_http_proxy': 0,
    'grpc.max_receive_message_length': descriptorBytesMax,
    'grpc.use_local_subchannel_pool': 1,
  });
  try {
    for (const path of paths) {
      try {
        return await readFiles(new Questions(client, path, deadlineMs), services);
      } catch (error) {
        if (!(isServiceError(error) && error.code === status.UNIMPLEMENTED)) throw error;
      }
    }
    throw new DescriptorFault('the server has no reflection');
  } catch (error) {
    if (error instanceof DescriptorFault) throw error;
    throw new DescriptorFault(isServiceError(error) ? error.details : messageOf(error));
  } finally {
    client.close();
  }
}

async function readFiles(questions: Questions, asked: readonly string[]): Promise<Uint8Array> {
  try {
    const files = new Map<string, FileDescriptorProto>();
    let bytes = 0;
    const take = (response: ReflectionResponse, what: string): void => {
      const { answer } = response;
      if (answer.case === 'error') throw new DescriptorFault(`${what}: ${answer.value.message}`);
      if (answer.case !== 'files') throw new DescriptorFault(`${what}: the server gives no file`);
      for (const each of answer.value.files) {
        bytes += each.byteLength;
        if (bytes > descriptorBytesMax) throw new DescriptorFault('the server tells of more than 8MiB');
        const file = fromBinary(FileDescriptorProtoSchema, each);
        delete file.sourceCodeInfo;
        files.set(file.name, file);
        if (files.size > filesMax)
          throw new DescriptorFault(`the server tells of more than ${filesMax} files`);
      }
    };
    for (const service of asked.length > 0 ? asked : await listServices(questions))
      take(await questions.ask({ case: 'fileContainingSymbol', value: service }), service);
    for (let missing = missingImports(files); missing.size > 0; missing = missingImports(files))
      for (const name of missing.keys()) {
        take(await questions.ask({ case: 'fileByFilename', value: name }), name);
        if (!files.has(name)) throw new DescriptorFault(`${name}: the server gives another file`);
      }
    const file = [...files.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
    return toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file }));
  } finally {
    questions.end();
  }
}

async function listServices(questions: Questions): Promise<string[]> {
  const { answer } = await questions.ask({ case: 'listServices', value: '' });
  if (answer.case !== 'services') throw new DescriptorFault('the server does not list its services');
  const names = answer.value.services.map(({ name }) => name).filter((name) => !ownServices.test(name));
  if (names.length === 0) throw new DescriptorFault('the server has no services');
  if (names.length > servicesMax)
    throw new DescriptorFault(`the server has more than ${servicesMax} services`);
  return names;
}

/** One stream, on which each question waits for its answer. */
class Questions {
  readonly #call;
  #answered: PromiseWithResolvers<ReflectionResponse> | undefined;
  #failure: unknown;

  constructor(client: Client, path: string, deadlineMs: number) {
    this.#call = client.makeBidiStreamRequest(
      path,
      (question: Uint8Array) => Buffer.from(question),
      (bytes: Buffer) => fromBinary(ReflectionResponseSchema, bytes),
      { deadline: deadlineMs },
    );
    this.#call.on('data', (response: ReflectionResponse) => {
      const answered = this.#answered;
      this.#answered = undefined;
      answered?.resolve(response);
    });
    this.#call.on('error', (error) => this.#fail(error));
    this.#call.on('end', () => this.#fail(new DescriptorFault('the server ended the call')));
  }

  ask(question: MessageInitShape<typeof ReflectionRequestSchema>['question']): Promise<ReflectionResponse> {
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- it is the error that the call ended with
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    this.#answered = Promise.withResolvers();
    const message = create(ReflectionRequestSchema, { ...(question && { question }) });
    this.#call.write(toBinary(ReflectionRequestSchema, message));
    return this.#answered.promise;
  }

  end(): void {
    this.#call.cancel();
  }

  /** The status comes after the end, and says more. */
  #fail(error: unknown): void {
    this.#failure ??= error;
    if (error instanceof DescriptorFault) {
      setImmediate(() => this.#answered?.reject(this.#failure));
      return;
    }
    this.#failure = error;
    this.#answered?.reject(error);
    this.#answered = undefined;
  }
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && 'details' in error;
}
