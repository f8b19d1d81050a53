import { flag, line, list, name, object, realDuration, say, serverName, shown } from '../fields.ts';
import { redisUrlComplaint } from '../redis-url.ts';
import { hiddenSecret } from '../resource.ts';
import { secretSource } from '../secret-source.ts';

const url = secretSource(
  'redis://USER:PASSWORD@HOST:PORT/DATABASE, rediss:// for TLS; redis+cluster:// and rediss+cluster:// with nodes of a Redis Cluster, HOST:PORT,HOST:PORT. Write-only, reads back as (hidden), or {secret, key}.',
).superRefine((value, context) => {
  if (typeof value !== 'string' || value === hiddenSecret) return;
  const complaint = redisUrlComplaint(value);
  if (complaint !== undefined) context.addIssue({ code: 'custom', message: say('bad_format', complaint) });
});

const tls = object(
  {
    trust: list(name.describe('Certificate in namespace default.'), {
      description: 'Certificates that may have signed that of Redis; empty = the system store.',
      max: 32,
      key: '',
    }).default([]),
    clientCertificate: name.optional().describe('Certificate with a key that is shown to Redis.'),
    serverName: serverName
      .optional()
      .describe('SNI and verified name; absent = the host of the URL, in a cluster of each node.'),
    verify: flag('false takes any certificate, and warns at every apply.').default(true),
  },
  'TLS towards Redis; rediss:// only.',
);

/** Where the nodes of a Gateway count together. */
export const gatewayRedis = object(
  {
    url,
    timeout: realDuration
      .default('50ms')
      .describe('Deadline of a command. What then becomes of a request, its limit says by onFailure.'),
    tls: tls.optional(),
    keyPrefix: line('a prefix', 'Keys in Redis begin with it; no braces.', 64)
      .refine((text) => !/[{}]/.test(text), {
        error: (issue) =>
          say('bad_format', `${shown(issue.input)} has braces, which say where a cluster has a key`),
      })
      .default('causeway:'),
  },
  'Redis, in which the nodes of this Gateway count together: for limits with scope cluster, and for quotas.',
);
