import { createHash } from 'node:crypto';

/**
 * Takes from several buckets and quotas, or from none of them when one has too little.
 *
 * A bucket holds the moment at which it is full again, by the clock of Redis: microseconds since 2025, of which a double holds fractions for
 * decades (GCRA, as in `token-buckets.ts`). For each there are in ARGV: microseconds that a token takes, tokens of a full bucket, cost, tokens
 * that are needed. It owes at most as many as it holds, so with `-capacity` needed it is charged in any case. Gives the microseconds until it
 * is full again, or, below 0, until there is enough.
 *
 * A quota holds what is used of it. In ARGV: 0, what may be used, cost, until when it is kept. Gives what is used, or -1.
 */
export const limitScript = `
local time = redis.call('TIME')
local now = (time[1] - 1735689600) * 1000000 + time[2]
local held, answers, refused = {}, {}, false
for i, key in ipairs(KEYS) do
  local interval, capacity = tonumber(ARGV[i * 4 - 3]), tonumber(ARGV[i * 4 - 2])
  local cost, needed = tonumber(ARGV[i * 4 - 1]), tonumber(ARGV[i * 4])
  held[i] = tonumber(redis.call('GET', key) or 0) or 0
  local missing = 0
  if interval == 0 then
    if held[i] + cost > capacity then missing = 1 end
    answers[i] = held[i]
  else
    held[i] = math.min(math.max(held[i] - now, 0), 2 * capacity * interval)
    missing = held[i] + (needed - capacity) * interval - interval / 200
    answers[i] = math.ceil(held[i])
  end
  if missing > 0 then
    refused = true
    answers[i] = -math.ceil(missing)
  end
end
if refused then return answers end
for i, key in ipairs(KEYS) do
  local interval, capacity, cost = tonumber(ARGV[i * 4 - 3]), tonumber(ARGV[i * 4 - 2]), tonumber(ARGV[i * 4 - 1])
  if interval == 0 then
    answers[i] = redis.call('INCRBY', key, cost)
    redis.call('PEXPIREAT', key, ARGV[i * 4])
  elseif cost > 0 then
    local owes = math.min(held[i] + cost * interval, 2 * capacity * interval)
    redis.call('SET', key, string.format('%.17g', now + owes), 'PX', math.ceil(owes / 1000) + 1000)
    answers[i] = math.ceil(owes)
  end
end
return answers
`;

export const limitScriptSha = createHash('sha1').update(limitScript).digest('hex');
