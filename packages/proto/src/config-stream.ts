import { type DescMessage, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf';
import {
  CommandSchema,
  ConfigStream,
  ControlMessageSchema,
  NodeCommandMessageSchema,
  NodeMessageSchema,
} from './gen/causeway/config/v1/config_pb.ts';

/** Largest chunk of items in one message, in bytes: far under gRPC's limit of 4 MiB, for a node serves nobody while it decodes one. */
export const chunkBytesMax = 256 * 1024;
/** Largest chunk of a command's result, in bytes. */
export const resultChunkBytesMax = 64 * 1024;
/** Metadata key of the node's credential: `Bearer <token>`. */
export const credentialKey = 'authorization';
/** Metadata key of the answer: the control plane's own ports, comma-separated, which no upstream on its host may have. */
export const ownPortsKey = 'causeway-own-ports';

function method<In extends DescMessage, Out extends DescMessage>(name: string, input: In, output: Out) {
  return {
    path: `/${ConfigStream.typeName}/${name}`,
    requestStream: true,
    responseStream: true,
    requestSerialize: (message: MessageShape<In>): Buffer => Buffer.from(toBinary(input, message)),
    requestDeserialize: (bytes: Buffer): MessageShape<In> => fromBinary(input, bytes),
    responseSerialize: (message: MessageShape<Out>): Buffer => Buffer.from(toBinary(output, message)),
    responseDeserialize: (bytes: Buffer): MessageShape<Out> => fromBinary(output, bytes),
  } as const;
}

/** The service as @grpc/grpc-js wants it, for server and client alike. */
export const configStreamDefinition = {
  subscribe: method('Subscribe', NodeMessageSchema, ControlMessageSchema),
  commands: method('Commands', NodeCommandMessageSchema, CommandSchema),
} as const;
