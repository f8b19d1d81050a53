import { z } from 'zod';
import {
  checkInterval,
  choice,
  headerName,
  integer,
  line,
  list,
  method,
  object,
  percent,
  port,
  realDuration,
  windowDuration,
  say,
  serverName,
  shown,
} from '../fields.ts';
import { parseDurationMs } from '../quantity.ts';
import { statusClass } from '../status-class.ts';

const headersMax = 16;
/** What a check is framed with, and where it goes. */
const ownHeaders = [
  'connection',
  'content-length',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
];
const count = (description: string, min: number, max: number): z.ZodNumber =>
  integer('a number', description, min, max);

const checkHeaders = z
  .record(headerName, line('a header value', 'Value of the header.', 1024), {
    error: (issue) => say('wrong_type', `${shown(issue.input)} is not a mapping of headers to values`),
  })
  .superRefine((map, context) => {
    if (Object.keys(map).length > headersMax)
      context.addIssue({ code: 'custom', message: say('out_of_range', `more than ${headersMax} headers`) });
    for (const key of Object.keys(map).filter((name) => ownHeaders.includes(name.toLowerCase())))
      context.addIssue({
        code: 'custom',
        path: [key],
        message: say('not_allowed_here', 'the node writes this header itself'),
      });
  })
  .default({})
  .describe('Headers of the check.');

/** Asking endpoints how they are. */
const activeCheck = object(
  {
    type: choice('How endpoints are asked; absent = grpc for protocols grpc and grpcs, http for others.', [
      'http',
      'tcp',
      'grpc',
    ]).optional(),
    path: line('a path', 'http: path and query.', 2048)
      .regex(/^\/[^#\s]*$/, { error: (issue) => say('bad_format', `${shown(issue.input)} is not a path`) })
      .default('/'),
    method: method
      .refine((word) => word !== 'CONNECT', {
        error: () => say('not_allowed_here', 'CONNECT asks for a tunnel, not for an answer'),
      })
      .default('GET')
      .describe('http: method.'),
    host: serverName.optional().describe('http and grpc: host that is asked for; absent = the address.'),
    port: port.optional().describe('Port that is asked; absent = that of the endpoint.'),
    headers: checkHeaders,
    statuses: list(statusClass, {
      description: 'http: statuses of one that is well.',
      max: 16,
      min: 1,
      key: '',
    }).default(['2xx', '3xx']),
    body: line('a text', 'http: text that stands within the first 4 KiB of the body.', 1024).optional(),
    grpcService: z
      .string({ error: (issue) => say('wrong_type', `${shown(issue.input)} is not a service name`) })
      .regex(/^[A-Za-z0-9_.]{0,256}$/, {
        error: (issue) => say('bad_format', `${shown(issue.input)} is not a service name`),
      })
      .default('')
      .describe('grpc: the service that grpc.health.v1 is asked about; empty = the whole server.'),
    interval: checkInterval.default('10s').describe('From one check to the next, give or take 10 %.'),
    timeout: realDuration.default('2s').describe('A check that takes longer has failed.'),
    unhealthyAfter: count(
      'Failures in a row that make an endpoint unhealthy; the first check decides at once.',
      1,
      100,
    ).default(3),
    healthyAfter: count('Successes in a row that make it healthy again.', 1, 100).default(2),
  },
  'Each node asks every endpoint. Absent: nobody is asked.',
).superRefine(({ method: verb, body }, context) => {
  if (verb !== 'HEAD' || body === undefined) return;
  const message = say('not_allowed_here', 'an answer to HEAD has no body', 'write method: GET');
  context.addIssue({ code: 'custom', path: ['body'], message });
});

const passiveCheck = object(
  {
    connectFailures: count('Connects that fail in a row; 0 = off.', 0, 1000).default(3),
    consecutive5xx: count(
      'Answers of 500 and above, resets and timeouts in a row; 0 = off: a 500 may be the right answer.',
      0,
      1000,
    ).default(0),
    successRatePercent: percent('Ejected below this share of successes over the window; 0 = off.').default(0),
    minRequests: count('Requests in the window below which no rate counts.', 1, 1_000_000).default(100),
    window: windowDuration.default('30s').describe('Time over which the rate is taken.'),
    ejectFor: realDuration.default('30s').describe('Times the number of ejections in a row.'),
    maxEjectFor: realDuration.default('5m').describe('No ejection is longer.'),
    maxEjectedPercent: percent(
      'Endpoints that may be ejected at a time, rounded down; at least 1 when there are 2 or more.',
    ).default(50),
  },
  'Endpoints whose answers speak against them get no requests for a while.',
)
  .superRefine(({ ejectFor, maxEjectFor }, context) => {
    const [firstMs, longestMs] = [parseDurationMs(ejectFor), parseDurationMs(maxEjectFor)];
    if (firstMs === undefined || longestMs === undefined || firstMs <= longestMs) return;
    const message = say('out_of_range', `${maxEjectFor} is shorter than ejectFor, ${ejectFor}`);
    context.addIssue({ code: 'custom', path: ['maxEjectFor'], message });
  })
  .prefault({});

/** What keeps requests from endpoints that are not fit for them. */
export const healthCheck = object(
  {
    active: activeCheck.optional(),
    passive: passiveCheck,
    panicPercent: percent(
      'With less than so many endpoints fit, all get requests again; 0 = never: 503 no_healthy_endpoint.',
    ).default(0),
  },
  'Which endpoints are fit for requests.',
).prefault({});

export type HealthCheck = z.output<typeof healthCheck>;
