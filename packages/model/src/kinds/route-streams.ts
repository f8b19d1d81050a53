import { z } from 'zod';
import { choice, duration, flag, integer, list, object, realDuration, say, size } from '../fields.ts';
import { origin } from '../origin.ts';
import { parseDurationMs } from '../quantity.ts';

/**
 * What a Route says of connections that stay: WebSockets, event streams, and streams that a token has admitted. Rules
 * about messages are for what clients send; what upstreams send is theirs to answer for.
 */

/** Shortest time between two pings, or two comments: more of them would be a load by themselves. */
const intervalMsMin = 100;

function isTooShort(interval: string): boolean {
  const intervalMs = parseDurationMs(interval) ?? 0;
  return intervalMs > 0 && intervalMs < intervalMsMin;
}

function sayTooShort(interval: string): string {
  return say('out_of_range', `${interval} is shorter than ${intervalMsMin}ms`);
}

export const websocket = object(
  {
    enabled: flag('false: a handshake is refused, 426 upgrade_refused.').default(true),
    allowOrigins: list(origin, {
      description:
        'Origins whose pages may open WebSockets; 403 forbidden for others. A handshake without Origin comes from no page and passes.',
      max: 64,
      min: 1,
      key: '',
    })
      .superRefine((origins, context) => {
        if (origins.length > 1 && origins.includes('*'))
          context.addIssue({
            code: 'custom',
            message: say('exclusive', '* takes every origin, so it stands alone', 'remove the others, or *'),
          });
      })
      .default(['*']),
    maxConnections: integer(
      'a number of connections',
      'WebSockets of this Route that are open at the same time, per node; 0 = off; over: 503 overloaded.',
      0,
      10_000_000,
    ).default(0),
    maxLifetime: duration
      .default('0s')
      .describe('A WebSocket ends with close code 1001 when it is as old; 0s = off.'),
    pingInterval: duration
      .default('0s')
      .describe(
        `Time between two pings to the client, at least ${intervalMsMin}ms; 0s = off. This, maxMessageSize, messagesPerSecond or fewer opcodes make the node read frames; otherwise bytes pass as they are.`,
      ),
    pongTimeout: realDuration
      .default('10s')
      .describe(
        'A client that answers a ping with no pong for so long is gone; counts only with pingInterval.',
      ),
    maxMessageSize: size
      .default('0B')
      .describe(
        'Largest message from the client, with all its fragments; 0B = off, or 16MiB where another rule has messages read; over: close code 1009.',
      ),
    messagesPerSecond: integer(
      'a number of messages',
      'Messages from the client, per connection; 0 = off; over: close code 1008.',
      0,
      1_000_000,
    ).default(0),
    opcodes: list(choice('Kind of message.', ['text', 'binary']), {
      description: 'Messages that the client may send; others: close code 1003.',
      max: 2,
      min: 1,
      key: '',
    }).default(['text', 'binary']),
  },
  'WebSockets. Filters run on the handshake; rules about messages are for those that the client sends.',
).superRefine(({ pingInterval, pongTimeout }, context) => {
  const complain = (field: string, message: string): void =>
    context.addIssue({ code: 'custom', path: [field], message });
  if (isTooShort(pingInterval)) complain('pingInterval', sayTooShort(pingInterval));
  // The default without an interval is what a document says that was read with its defaults.
  if (parseDurationMs(pingInterval) === 0 && parseDurationMs(pongTimeout) !== 10_000)
    complain(
      'pongTimeout',
      say('not_allowed_here', 'counts only with pingInterval', 'write pingInterval too, such as 30s'),
    );
});

export type Websocket = z.output<typeof websocket>;

export const sse = object(
  {
    keepAlive: duration
      .default('0s')
      .refine((interval) => !isTooShort(interval), { error: (issue) => sayTooShort(String(issue.input)) })
      .describe(
        `A comment goes to the client, between two events, when nothing came for so long, at least ${intervalMsMin}ms; 0s = off.`,
      ),
  },
  'Event streams (text/event-stream).',
);

export const onExpire = object(
  {
    grace: duration.default('0s').describe('How long the stream goes on after that.'),
  },
  'When what admitted a stream expires, such as a token: a WebSocket ends with close code 1008, other streams end between two events or are reset.',
);
