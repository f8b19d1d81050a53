import type { ApiProblem } from '@causeway/model/api-types';
import type { GatewaySpec } from '@causeway/model/kinds/gateway';
import { parseRedisUrl, redisUrlComplaint } from '@causeway/model/redis-url';
import { fieldOf } from '@causeway/model/kinds/kind';
import type { Entry, ResourceView } from '../store/resource-index.ts';
import { secretAt } from '../store/secret-at.ts';
import type { ReadSecret } from '../store/secret-values.ts';

const urlPath = ['redis', 'url'];

/**
 * Where the Redis of a Gateway is, as far as the schema has not seen it: in a Secret, or kept from before. Checked from whichever is written,
 * the Gateway or the Secret. The URL is read, and never quoted.
 */
export function checkRedis(
  planned: ResourceView,
  writtenKeys: readonly string[],
  readSecret: ReadSecret,
): ApiProblem[] {
  const written = new Set(writtenKeys);
  return writtenKeys.flatMap((key): ApiProblem[] => {
    const entry = planned.get(key);
    if (entry?.resource.kind === 'Gateway')
      return problemsOf(entry, planned, readSecret).map((problem) => ({ resource: key, ...problem }));
    if (entry?.resource.kind !== 'Secret') return [];
    const gateways = Array.from(planned.referrersOf(key), (referrer) => planned.get(referrer));
    return gateways
      .filter((gateway) => gateway?.resource.kind === 'Gateway' && !written.has(gateway.key))
      .flatMap((gateway) =>
        problemsOf(gateway!, planned, readSecret).map((problem) => ({ ...problem, gateway })),
      )
      .map(({ gateway, code, pointer, detail }) => ({
        resource: key,
        code,
        pointer: '/spec/data',
        detail: `${gateway!.key} ${pointer}: ${detail}`,
      }));
  });
}

type Found = Pick<ApiProblem, 'code' | 'pointer' | 'detail'>;

function problemsOf(gateway: Entry, planned: ResourceView, readSecret: ReadSecret): Found[] {
  const { redis } = gateway.effective as GatewaySpec;
  if (redis === undefined) return [];
  const reference = secretAt(gateway, urlPath, planned);
  if (reference === undefined) {
    const target = gateway.references.find(({ pointer }) => pointer === '/spec/redis/url/secret')?.target;
    // A Secret that is not there is an unknown reference already.
    if (target === undefined || !planned.get(target)) return [];
    const detail = `${target} has no key ${JSON.stringify(fieldOf(redis.url, 'key'))}`;
    return [{ code: 'bad_format', pointer: '/spec/redis/url/key', detail }];
  }
  const url = readSecret(reference.secretRef);
  if (url === undefined) return [];
  const complaint = redisUrlComplaint(url);
  if (complaint !== undefined) return [{ code: 'bad_format', pointer: '/spec/redis/url', detail: complaint }];
  if (redis.tls === undefined || parseRedisUrl(url)?.tls === true) return [];
  const detail = 'the URL is one without TLS: rediss:// or rediss+cluster:// is meant, or no tls';
  return [{ code: 'exclusive', pointer: '/spec/redis/tls', detail }];
}
