// A gRPC server that tells of its files by reflection, and has no other method.

import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { type FileDescriptorProto, FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import {
  ReflectionRequestSchema,
  ReflectionResponseSchema,
} from '@causeway/proto/gen/causeway/grpcapi/v1/grpcapi_pb';
import { type handleBidiStreamingCall, Server, ServerCredentials } from '@grpc/grpc-js';
import type { Owner } from '../owner.ts';

export interface ReflectionUpstream {
  readonly port: number;
  /** Questions that it was asked. */
  readonly asked: readonly string[];
  /** What it tells of from now on. */
  files: readonly FileDescriptorProto[];
}

export interface ReflectionOptions {
  readonly files: readonly FileDescriptorProto[];
  /** Default: v1. */
  readonly version?: 'v1' | 'v1alpha';
  readonly credentials?: ServerCredentials;
  /** Default: any that is free. */
  readonly port?: number;
}

/** Each answer has the one file that was asked for, so that whoever asks must ask for imports. */
export async function startReflection(
  owner: Owner,
  { files, version = 'v1', credentials = ServerCredentials.createInsecure(), port = 0 }: ReflectionOptions,
): Promise<ReflectionUpstream> {
  const asked: string[] = [];
  const upstream = { port, asked, files };
  const info: handleBidiStreamingCall<Buffer, Buffer> = (call) => {
    call.on('data', (bytes: Buffer) => {
      const { question } = fromBinary(ReflectionRequestSchema, bytes);
      asked.push(`${question.case} ${question.value}`);
      const answer = answerTo(question.case, question.value ?? '', upstream.files);
      call.write(
        Buffer.from(
          toBinary(ReflectionResponseSchema, create(ReflectionResponseSchema, { ...(answer && { answer }) })),
        ),
      );
    });
    call.on('end', () => call.end());
  };
  const server = new Server();
  const same = (message: Buffer): Buffer => message;
  server.addService(
    {
      info: {
        path: `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
        requestStream: true,
        responseStream: true,
        requestSerialize: same,
        requestDeserialize: same,
        responseSerialize: same,
        responseDeserialize: same,
      },
    },
    { info },
  );
  owner.after(() => server.forceShutdown());
  upstream.port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, credentials, (error, at) =>
      error === null ? resolve(at) : reject(error),
    );
  });
  return upstream;
}

function answerTo(
  question: string | undefined,
  value: string,
  files: readonly FileDescriptorProto[],
): MessageInitShape<typeof ReflectionResponseSchema>['answer'] {
  const servicesOf = (file: FileDescriptorProto): string[] =>
    file.service.map(({ name }) => `${file.package}.${name}`);
  if (question === 'listServices') {
    const names = ['grpc.reflection.v1.ServerReflection', ...files.flatMap(servicesOf)];
    return { case: 'services', value: { services: names.map((name) => ({ name })) } };
  }
  const file = files.find((each) =>
    question === 'fileByFilename' ? each.name === value : servicesOf(each).includes(value),
  );
  return file === undefined
    ? { case: 'error', value: { code: 5, message: 'not found' } }
    : { case: 'files', value: { files: [toBinary(FileDescriptorProtoSchema, file)] } };
}
