import type { z } from 'zod';
import { choice, flag, grpcService, headerName, list, name, object, say, sizeWithin } from '../fields.ts';
import type { FilterKind } from './filter-kind.ts';
import { isConnectionHeader } from './header-map.ts';

/** What says which protocol is spoken, which the filter alone knows. */
const ofProtocol = ['accept-encoding', 'content-encoding', 'content-type', 'host'];

const crossingHeader = headerName.superRefine((header, context) => {
  const isGrpc = header.startsWith('grpc-');
  if (!isGrpc && !isConnectionHeader(header) && !ofProtocol.includes(header)) return;
  context.addIssue({
    code: 'custom',
    message: say('not_allowed_here', `${header} belongs to the protocol and is written by the gateway`),
  });
});

const crossing = (description: string) => list(crossingHeader, { description, max: 64, key: '' }).default([]);

const jsonOptions = object(
  {
    preserveFieldNames: flag('Names as in the proto file: page_size, not pageSize.').default(false),
    emitDefaults: flag('Fields that hold 0, "", false or nothing are written too.').default(false),
    enumsAsNumbers: flag('Enums as numbers, not as names.').default(false),
    ignoreUnknownFields: flag(
      'Members and query parameters that are no fields are passed over; false = they get 400.',
    ).default(false),
  },
  'How messages stand in JSON. Requests may have fields by both of their names, enums by name and number.',
);

const transcodeSpec = object(
  {
    descriptors: name.describe('DescriptorSet that tells the messages and methods.'),
    services: list(grpcService, {
      description: 'Services of it that may be called, by their full names; empty = all.',
      max: 256,
      key: '',
    }).default([]),
    headers: crossing(
      'Headers of requests that become metadata, whoever has set them; others do not cross, besides Authorization, trace context and what the gateway says of the request.',
    ),
    responseHeaders: crossing(
      'Metadata that becomes headers of responses: what comes before the messages, and after the one message of an answer that is none of a stream.',
    ),
    timeoutHeader: headerName
      .default('grpc-timeout')
      .describe('Header that says how long a client waits, as grpc-timeout does: 500m, 10S.'),
    unmatched: choice(
      'What becomes of requests that no method is bound to: reject = 404 no_grpc_method; pass = they go on as they are.',
      ['reject', 'pass'],
    ).default('reject'),
    json: jsonOptions.prefault({}),
    maxMessageSize: sizeWithin({ min: '1B', max: '16MiB' })
      .default('4MiB')
      .describe(
        'A larger request, or message of a stream of them, gets 413; a larger message of the upstream becomes 502.',
      ),
  },
  'Lets clients call gRPC by HTTP and JSON, as google.api.http in the descriptors says. Calls by gRPC and gRPC-Web pass untouched.',
);

export type TranscodeSpec = z.output<typeof transcodeSpec>;

export const transcodeFilter: FilterKind<typeof transcodeSpec> = {
  key: 'transcode',
  spec: transcodeSpec,
  phase: 'translation',
  mayRepeat: false,
  objectFields: [{ field: 'descriptors', kind: 'DescriptorSet' }],
  summary: ({ descriptors, unmatched }) =>
    `transcode ${descriptors}${unmatched === 'pass' ? ', others pass' : ''}`,
};
