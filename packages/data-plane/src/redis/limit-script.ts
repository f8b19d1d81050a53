import { createHash } from 'node:crypto';

/**
 * Takes tokens from several buckets, or from none of them when one has too few: GCRA, as in `token-buckets.ts`. A bucket is the moment at which it
 * is full again, by the clock of Redis: microseconds since 2025, of which a double holds fractions for decades.
 *
 * For each key there are in ARGV: microseconds that a token takes, tokens of a full bucket, cost, tokens that are needed. A bucket owes at most as
 * many as it holds, so with `-capacity` needed it is charged in any case. Gives for each key the microseconds until it is full again, or, below 0,
 * until there is enough.
 */
export const limitScript = `
local time = redis.call('TIME')
local now = (time[1] - 1735689600) * 1000000 + time[2]
local owed, answers, refused = {}, {}, false
for i, key in ipairs(KEYS) do
  local interval, capacity, needed = tonumber(ARGV[i * 4 - 3]), tonumber(ARGV[i * 4 - 2]), tonumber(ARGV[i * 4])
  owed[i] = math.min(math.max((tonumber(redis.call('GET', key) or 0) or 0) - now, 0), 2 * capacity * interval)
  answers[i] = math.ceil(owed[i])
  local missing = owed[i] + (needed - capacity) * interval
  if missing > interval / 200 then
    refused = true
    answers[i] = -math.ceil(missing)
  end
end
if refused then return answers end
for i, key in ipairs(KEYS) do
  local interval, capacity, cost = tonumber(ARGV[i * 4 - 3]), tonumber(ARGV[i * 4 - 2]), tonumber(ARGV[i * 4 - 1])
  if cost > 0 then
    local owes = math.min(owed[i] + cost * interval, 2 * capacity * interval)
    redis.call('SET', key, string.format('%.17g', now + owes), 'PX', math.ceil(owes / 1000) + 1000)
    answers[i] = math.ceil(owes)
  end
end
return answers
`;

export const limitScriptSha = createHash('sha1').update(limitScript).digest('hex');
