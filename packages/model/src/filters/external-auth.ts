import type { z } from 'zod';
import { choice, headerName, line, list, name, object, realDuration, say, sizeWithin } from '../fields.ts';
import type { FilterKind } from './filter-kind.ts';
import { ownHeaderName } from './headers.ts';

const headers = (description: string, each: typeof headerName = headerName) =>
  list(each, { description, max: 64, key: '' });

const externalAuthSpec = object(
  {
    service: name.describe('Service that is asked.'),
    protocol: choice(
      "http: by GET, or by POST with a body. grpc: Envoy's check, envoy.service.auth.v3.Authorization/Check; the Service needs protocol h2c or h2.",
      ['http', 'grpc'],
    ).default('http'),
    path: line('a path', "What it is asked for by http; absent = the request's own path and query.", 1024)
      .regex(/^\/[!-~]*$/, { error: () => say('bad_format', 'not a path that begins with /') })
      .optional(),
    headers: headers(
      'Headers of the request that are sent. Method, host, path and client address always are: X-Forwarded-Method, -Host, -Uri, -For, -Proto.',
    ).default(['authorization', 'cookie']),
    upstreamHeaders: headers(
      "Headers of an answer of 2xx that the upstream gets; the client's own of these names never cross.",
      ownHeaderName,
    ).default([]),
    clientHeaders: headers(
      'Headers of any other answer that the client gets, with its status and body.',
    ).default(['www-authenticate', 'location', 'set-cookie']),
    maxBodySize: sizeWithin({ min: '0B', max: '16MiB' })
      .default('0B')
      .describe('0B = bodies are not sent. A larger one gets 413.'),
    timeout: realDuration.default('500ms').describe('Until the whole answer is there.'),
    onFailure: choice('Without an answer, or with one of 5xx: deny = 503 auth_unavailable.', [
      'deny',
      'allow',
    ]).default('deny'),
  },
  'Asks another Service whether a request may pass: 2xx (of grpc: status OK) lets it pass, any other answer below 500 is given to the client.',
).superRefine(({ protocol, path }, context) => {
  if (protocol === 'http' || path === undefined) return;
  const message = say('not_allowed_here', 'a path beside protocol: grpc, which has its own');
  context.addIssue({ code: 'custom', path: ['path'], message });
});

export type ExternalAuthSpec = z.output<typeof externalAuthSpec>;

export const externalAuthFilter: FilterKind<typeof externalAuthSpec> = {
  key: 'externalAuth',
  spec: externalAuthSpec,
  phase: 'externalAuthentication',
  mayRepeat: false,
  mayBeShadowed: true,
  objectFields: [{ field: 'service', kind: 'Service' }],
  summary: ({ service, protocol }) => `externalAuth ${service}${protocol === 'grpc' ? ' by gRPC' : ''}`,
};
