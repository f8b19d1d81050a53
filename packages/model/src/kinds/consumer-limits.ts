import { z } from 'zod';
import { choice, list, name, object, say, shown } from '../fields.ts';
import { burst, per, requests } from '../filters/rate-limit.ts';

const limitsMax = 16;

const limit = object(
  {
    name: name.describe('Stands in RateLimit headers, and in the answer to who is over it.'),
    requests,
    per,
    burst: burst.optional(),
    scope: choice(
      'Who counts: each node by itself, or all nodes of the Gateway together, in its redis; while that does not answer each node holds its share.',
      ['node', 'cluster'],
    ).default('node'),
  },
  'So many requests in so much time; 429 rate_limited.',
  () => 'this',
);

const quota = object(
  {
    name: name.describe(
      'Stands in RateLimit headers, and in the answer to who has used it up; not that of a limit.',
    ),
    requests: requests.describe('Requests in each period.'),
    per: choice('Period, of the calendar of its time zone.', ['day', 'month']),
    timeZone: z
      .string({ error: (issue) => say('wrong_type', `${shown(issue.input)} is not a time zone`) })
      .max(64)
      .refine(isTimeZone, {
        error: (issue) =>
          say('bad_format', `${shown(issue.input)} is not a time zone`, 'write UTC or Europe/Berlin'),
      })
      .default('UTC')
      .describe('Name of the IANA database, such as Europe/Berlin: when a day begins.'),
  },
  'So many requests a day or a month, counted in the redis of the Gateway; 429 quota_exceeded. Without a redis that answers they pass uncounted.',
  () => 'this',
);

export const consumerLimits = list(limit, {
  description:
    'What it is held to over all Routes together. A request that is refused elsewhere costs nothing.',
  max: limitsMax,
  key: 'name',
});

export const consumerQuotas = list(quota, {
  description: 'Likewise, by the calendar.',
  max: limitsMax,
  key: 'name',
});

function isTimeZone(text: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
