// A gRPC service of external authorization, by Envoy's API.

import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import {
  type CheckRequest,
  CheckRequestSchema,
  type CheckResponse,
  CheckResponseSchema,
} from '@causeway/proto/gen/causeway/extauthz/v1/ext_authz_pb';
import { Server, ServerCredentials, type sendUnaryData, type ServerUnaryCall } from '@grpc/grpc-js';
import type { Owner } from '../owner.ts';

type Judge = (request: CheckRequest) => MessageInitShape<typeof CheckResponseSchema> | undefined;

const check = {
  path: '/envoy.service.auth.v3.Authorization/Check',
  requestStream: false,
  responseStream: false,
  requestSerialize: (value: CheckRequest) => Buffer.from(toBinary(CheckRequestSchema, value)),
  requestDeserialize: (bytes: Buffer) => fromBinary(CheckRequestSchema, bytes),
  responseSerialize: (value: CheckResponse) => Buffer.from(toBinary(CheckResponseSchema, value)),
  responseDeserialize: (bytes: Buffer) => fromBinary(CheckResponseSchema, bytes),
} as const;

/** Answers each check as `judge` says, never where it says nothing. Gives its port. */
export async function startExtAuthz(owner: Owner, judge: Judge): Promise<number> {
  const server = new Server();
  server.addService(
    { check },
    {
      check: (
        { request }: ServerUnaryCall<CheckRequest, CheckResponse>,
        respond: sendUnaryData<CheckResponse>,
      ) => {
        const response = judge(request);
        if (response !== undefined) respond(null, create(CheckResponseSchema, response));
      },
    },
  );
  owner.after(() => server.forceShutdown());
  return new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    );
  });
}
