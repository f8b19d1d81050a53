import type { z } from 'zod';
import { choice, integer, list, method, object, realDuration, say, keptBodySize } from '../fields.ts';
import { parseDurationMs } from '../quantity.ts';
import { statusClass } from '../status-class.ts';

/** Codes of gRPC that may be worth another try, with their numbers. */
export const retryGrpcCodes = {
  unavailable: 14,
  resourceExhausted: 8,
  cancelled: 1,
  deadlineExceeded: 4,
  internal: 13,
  aborted: 10,
} as const;

const codeNames = Object.keys(retryGrpcCodes) as [keyof typeof retryGrpcCodes];

/** When a request is tried again. */
export const retry = object(
  {
    attempts: integer('a number', 'Tries after the first.', 0, 5).default(1),
    errors: list(
      choice(
        'connectFailure; reset: before the head of an answer; timeout: of backendRequest or responseHead.',
        ['connectFailure', 'reset', 'timeout'],
      ),
      { description: 'Errors that are tried again.', max: 3, key: '' },
    ).default(['connectFailure', 'reset']),
    statuses: list(statusClass, { description: 'Answers that are tried again.', max: 16, key: '' }).default(
      [],
    ),
    grpcCodes: list(choice('Code of gRPC.', codeNames), {
      description: 'Codes of gRPC, in an answer that is no more than a head, that are tried again.',
      max: 6,
      key: '',
    }).default([]),
    methods: list(method, {
      description: 'Methods; others only in a request with Idempotency-Key.',
      max: 32,
      key: '',
    }).default(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']),
    backoff: realDuration
      .default('25ms')
      .describe('Before the first retry up to this, before each further one up to twice as much.'),
    maxBackoff: realDuration.default('250ms').describe('No longer than this.'),
    maxBodySize: keptBodySize
      .default('64KiB')
      .describe('A request with a larger body is not tried again once its body was being sent.'),
  },
  'Requests that fail are tried again, on another endpoint where there is one. Absent: no more than a request that met a connection which was just being closed.',
).superRefine(({ backoff, maxBackoff }, context) => {
  const [longestMs, firstMs] = [parseDurationMs(maxBackoff), parseDurationMs(backoff)];
  if (longestMs === undefined || firstMs === undefined || longestMs >= firstMs) return;
  const message = say(
    'out_of_range',
    `${backoff} is longer than maxBackoff, ${maxBackoff}`,
    'raise maxBackoff too',
  );
  context.addIssue({ code: 'custom', path: ['backoff'], message });
});

export type Retry = z.output<typeof retry>;
