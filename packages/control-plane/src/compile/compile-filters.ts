import { create } from '@bufbuild/protobuf';
import { enforcedPercent } from '@causeway/model/filters/enforcement';
import { type FilterItem as AuthoredItem, filterKeys, filterName } from '@causeway/model/filters/filter-item';
import { phaseOf } from '@causeway/model/filters/filter-kind';
import { filterKindNamed } from '@causeway/model/filters/filter-kinds';
import { phaseRank } from '@causeway/model/filters/phases';
import { fieldOf } from '@causeway/model/kinds/kind';
import { qualifiedName } from '@causeway/model/resource';
import {
  type FilterItem,
  FilterItemSchema,
  GrpcWebSchema,
} from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { assert } from '@causeway/runtime/assert';
import { compileAuthentication } from './filters/authentication.ts';
import { compileCache } from './filters/cache.ts';
import { compileCompress } from './filters/compress.ts';
import { compileExternalAuth } from './filters/external-auth.ts';
import { compileAuthorize } from './filters/authorize.ts';
import { compileConcurrency } from './filters/concurrency.ts';
import { compileCors } from './filters/cors.ts';
import { compileFaultInjection } from './filters/fault-injection.ts';
import { compileHeaders } from './filters/headers.ts';
import { compileIpRestriction } from './filters/ip-restriction.ts';
import { compileMirror } from './filters/mirror.ts';
import { compilePlugin } from './filters/plugin.ts';
import { compileRateLimit } from './filters/rate-limit.ts';
import { compileRedirect } from './filters/redirect.ts';
import { compileRespond } from './filters/respond.ts';
import { compileRewrite } from './filters/rewrite.ts';
import { compileTranscode } from './filters/transcode.ts';
import { compileTransformJson } from './filters/transform-json.ts';
import { compileValidate } from './filters/validate.ts';
import { compileVersion } from './filters/version.ts';

/** The filters of an object; `namespace` is that of the objects that they name. */
export function compileFilters(
  items: readonly AuthoredItem[],
  { namespace, key }: { readonly namespace: string | undefined; readonly key: string },
): FilterItem[] {
  return items.map((item) => {
    const name = filterName(item);
    if (item.middleware !== undefined) {
      const middleware = qualifiedName(namespace, item.middleware);
      return create(FilterItemSchema, { item: { case: 'middleware', value: middleware } });
    }
    if (item.disabled) return create(FilterItemSchema, { name, item: { case: 'disabled', value: true } });
    return create(FilterItemSchema, {
      name,
      phase: phaseOfItem(item),
      ...(item.enforcement !== 'enforce' && { enforcedPercent: enforcedPercent(item.enforcement) }),
      item: compileItem(item, namespace, `${key}/${name}`),
    });
  });
}

/** A line for each filter. `id` tells it apart from those of other objects. */
function compileItem(item: AuthoredItem, namespace: string | undefined, id: string): FilterItem['item'] {
  const { respond, faultInjection, mirror, compress, externalAuth, rateLimit, concurrency } = item;
  const { transformJson, validate, plugin, cache, transcode } = item;
  const { ipRestriction, cors, authorize, version, redirect, headers, rewrite } = item;
  const authentication = compileAuthentication(item, namespace);
  if (authentication) return authentication;
  if (respond) return { case: 'respond', value: compileRespond(respond) };
  if (faultInjection) return { case: 'faultInjection', value: compileFaultInjection(faultInjection) };
  if (mirror) return { case: 'mirror', value: compileMirror(mirror, namespace) };
  if (cache) return { case: 'cache', value: compileCache(cache) };
  if (compress) return { case: 'compress', value: compileCompress(compress) };
  if (externalAuth) return { case: 'externalAuth', value: compileExternalAuth(externalAuth, namespace) };
  if (concurrency) return { case: 'concurrency', value: compileConcurrency(concurrency, id) };
  if (rateLimit) return { case: 'rateLimit', value: compileRateLimit(rateLimit, namespace, id) };
  if (ipRestriction) return { case: 'ipRestriction', value: compileIpRestriction(ipRestriction) };
  if (cors) return { case: 'cors', value: compileCors(cors) };
  if (authorize) return { case: 'authorize', value: compileAuthorize(authorize, namespace) };
  if (validate) return { case: 'validate', value: compileValidate(validate, namespace) };
  if (version) return { case: 'version', value: compileVersion(version) };
  if (redirect) return { case: 'redirect', value: compileRedirect(redirect) };
  if (headers) return { case: 'headers', value: compileHeaders(headers) };
  if (transformJson) return { case: 'transformJson', value: compileTransformJson(transformJson) };
  if (transcode) return { case: 'transcode', value: compileTranscode(transcode, namespace) };
  if (plugin) return { case: 'plugin', value: compilePlugin(plugin, namespace) };
  if (item.grpcWeb) return { case: 'grpcWeb', value: create(GrpcWebSchema) };
  if (rewrite) return { case: 'rewrite', value: compileRewrite(rewrite) };
  throw new Error('validation has seen that the entry is a filter');
}

function phaseOfItem(item: AuthoredItem): number {
  const [key] = filterKeys(item).filter((each) => fieldOf(item, each) !== undefined);
  const kind = key === undefined ? undefined : filterKindNamed(key);
  assert(kind, 'validation has seen that the entry is a filter');
  return phaseRank(phaseOf(kind, fieldOf(item, kind.key)));
}
