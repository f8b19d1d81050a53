/** Compiled filters made ready, list by list; chains are assembled from the lists (`route-filters.ts`). */

import { CacheFilter, type CacheServices } from '@causeway/filters/cache/cache';
import { CompressFilter } from '@causeway/filters/compress/compress';
import { ExternalAuthFilter } from '@causeway/filters/external-auth/external-auth';
import type { Filter } from '@causeway/filters/filter';
import { createAuthorizeFilter } from '@causeway/filters/authorize';
import { type ConcurrencyServices, ConcurrencyFilter } from '@causeway/filters/concurrency';
import { createCorsFilter } from '@causeway/filters/cors';
import { enforcedFor } from '@causeway/filters/enforced';
import { createFaultInjectionFilter } from '@causeway/filters/fault-injection';
import { createGrpcWebFilter } from '@causeway/filters/grpc-web/grpc-web';
import { createHeadersFilter } from '@causeway/filters/headers';
import { createIpRestrictionFilter } from '@causeway/filters/ip-restriction';
import { createMirrorFilter } from '@causeway/filters/mirror';
import type { Buckets } from '@causeway/filters/rate-limit/buckets';
import type { ClusterBuckets } from '@causeway/filters/rate-limit/cluster-buckets';
import { RateLimitFilter } from '@causeway/filters/rate-limit/rate-limit';
import type { PluginServices } from '@causeway/filters/plugin/plugin';
import { createRedirectFilter } from '@causeway/filters/redirect';
import { createRespondFilter } from '@causeway/filters/respond';
import { createRewriteFilter } from '@causeway/filters/rewrite';
import { createTranscodeFilter } from '@causeway/filters/transcode/transcode';
import { createTransformJsonFilter } from '@causeway/filters/json/transform-json';
import { createValidateFilter } from '@causeway/filters/validate/validate';
import { createVersionFilter } from '@causeway/filters/version';
import type { FilterItem } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { UnknownChoice } from '@causeway/proto/route-rules';

import { makePlugin } from '../plugins/make-plugin.ts';
import type { PluginModules } from '../plugins/plugin-modules.ts';
import { type AuthServices, buildAnyOf, buildAuthFilter } from './filters/authentication.ts';
import { readCache } from './filters/cache.ts';
import { readCompress } from './filters/compress.ts';
import { readExternalAuth } from './filters/external-auth.ts';
import { readAuthorize } from './filters/authorize.ts';
import { readConcurrency } from './filters/concurrency.ts';
import { readCors } from './filters/cors.ts';
import { readFault } from './filters/fault-injection.ts';
import { readHeaders } from './filters/headers.ts';
import { readIpRestriction } from './filters/ip-restriction.ts';
import { readMirror } from './filters/mirror.ts';
import { readPlugin } from './filters/plugin.ts';
import { readRateLimit } from './filters/rate-limit.ts';
import { readRedirect } from './filters/redirect.ts';
import { readRespond } from './filters/respond.ts';
import { readRewrite } from './filters/rewrite.ts';
import { readTranscode } from './filters/transcode.ts';
import { readTransformJson } from './filters/transform-json.ts';
import { readValidate } from './filters/validate.ts';
import { readVersion } from './filters/version.ts';

/** An entry of a list: a filter, the removal of one, or a Middleware whose list stands here. */
export type BuiltItem =
  | { readonly kind: 'filter'; readonly name: string; readonly phase: number; readonly filter: Filter }
  | { readonly kind: 'removal'; readonly name: string }
  /** "namespace/name" */
  | { readonly kind: 'middleware'; readonly middleware: string };

/** Makes the filter of an item that is one. Throws UnknownChoice for a filter that it does not have. */
export type BuildFilter = (item: FilterItem) => Filter;

/**
 * The entries of one Gateway, Route or Middleware. A filter is made here once, and shared by every chain that the list is part
 * of. Throws UnknownChoice for a filter that this version does not have: a node must not run a Route without what protects it.
 */
export function buildFilters(items: readonly FilterItem[], build: BuildFilter): readonly BuiltItem[] {
  return items.map((entry): BuiltItem => {
    const { name, phase, item } = entry;
    if (item.case === 'middleware') return { kind: 'middleware', middleware: item.value };
    if (item.case === 'disabled') return { kind: 'removal', name };
    const filter = build(entry);
    const { enforcedPercent = 100 } = entry;
    return {
      kind: 'filter',
      name,
      phase,
      filter: enforcedPercent < 100 ? enforcedFor(filter, enforcedPercent) : filter,
    };
  });
}

/** What filters need of their node. */
export interface FilterServices extends AuthServices, ConcurrencyServices {
  /** 0 to 1. */
  readonly random: () => number;
  /** Of the node. */
  readonly buckets: Buckets;
  readonly plugins: PluginServices & { readonly modules: PluginModules };
  /** Of all nodes of the Gateway. */
  readonly clusterBuckets: ClusterBuckets;
  readonly cache: CacheServices;
}

/** The filters of the product: a line for each. */
export function filterBuilder(services: FilterServices): BuildFilter {
  const { random, buckets, clusterBuckets } = services;
  return (entry) => {
    const { name, item, enforcedPercent = 100 } = entry;
    switch (item.case) {
      case 'respond':
        return createRespondFilter(name, readRespond(item.value));
      case 'faultInjection':
        return createFaultInjectionFilter(name, readFault(item.value), random);
      case 'mirror':
        return createMirrorFilter(name, readMirror(item.value), random);
      case 'anyOf':
        return buildAnyOf(name, item.value, services);
      case 'cache':
        return new CacheFilter(name, readCache(item.value), services.cache);
      case 'compress':
        return new CompressFilter(name, readCompress(item.value));
      case 'externalAuth':
        return new ExternalAuthFilter(name, readExternalAuth(item.value));
      case 'concurrency':
        return new ConcurrencyFilter(name, readConcurrency(item.value), services);
      case 'rateLimit':
        return new RateLimitFilter(name, readRateLimit(item.value, enforcedPercent), buckets, clusterBuckets);
      case 'ipRestriction':
        return createIpRestrictionFilter(name, readIpRestriction(item.value));
      case 'cors':
        return createCorsFilter(name, readCors(item.value));
      case 'authorize':
        return createAuthorizeFilter(name, readAuthorize(item.value));
      case 'validate':
        return createValidateFilter(name, readValidate(item.value));
      case 'version':
        return createVersionFilter(name, readVersion(item.value));
      case 'redirect':
        return createRedirectFilter(name, readRedirect(item.value));
      case 'headers':
        return createHeadersFilter(name, readHeaders(item.value));
      case 'transformJson':
        return createTransformJsonFilter(name, readTransformJson(item.value));
      case 'transcode':
        return createTranscodeFilter(name, readTranscode(item.value));
      case 'plugin':
        return makePlugin(name, readPlugin(item.value), services.plugins.modules, services.plugins);
      case 'grpcWeb':
        return createGrpcWebFilter(name);
      case 'rewrite':
        return createRewriteFilter(name, readRewrite(item.value));
      default:
        return buildAuthFilter(entry, services) ?? unknownFilter(name);
    }
  };
}

function unknownFilter(name: string): never {
  throw new UnknownChoice(`filter ${JSON.stringify(name)}`);
}
