import { compressFilter } from './compress.ts';
import { externalAuthFilter } from './external-auth.ts';
import { enforcement } from './enforcement.ts';
import { z } from 'zod';
import { flag, list, name, object, say } from '../fields.ts';
import { entriesOf, fieldOf, type Reference } from '../kinds/kind.ts';
import { anyOfFilter } from './any-of.ts';
import { apiKeyFilter } from './api-key.ts';
import { basicAuthFilter } from './basic-auth.ts';
import { cacheFilter } from './cache.ts';
import { clientCertificateFilter } from './client-certificate.ts';
import { faultInjectionFilter } from './fault-injection.ts';
import { filterKindNamed, filterKinds } from './filter-kinds.ts';
import { jwtFilter } from './jwt.ts';
import { mirrorFilter } from './mirror.ts';
import { pluginFilter } from './plugin.ts';
import { oidcFilter } from './oidc.ts';
import { rateLimitFilter } from './rate-limit.ts';
import { authorizeFilter } from './authorize.ts';
import { concurrencyFilter } from './concurrency.ts';
import { corsFilter } from './cors.ts';
import { grpcWebFilter } from './grpc-web.ts';
import { headersFilter } from './headers.ts';
import { ipRestrictionFilter } from './ip-restriction.ts';
import { redirectFilter } from './redirect.ts';
import { respondFilter } from './respond.ts';
import { rewriteFilter } from './rewrite.ts';
import { transcodeFilter } from './transcode.ts';
import { transformJsonFilter } from './transform-json.ts';
import { validateFilter } from './validate.ts';
import { versionFilter } from './version.ts';

/** Entries of one list as written. */
const itemsMax = 64;

const filterItem = object(
  {
    name: name
      .optional()
      .describe('Name of the filter, default its key. One of the same name further on replaces it.'),
    enforcement: enforcement.default('enforce'),
    disabled: flag('true: removes the inherited filter of this name.').default(false),
    middleware: name
      .optional()
      .describe('Middleware whose filters stand here, in place of a filter. Not inside a Middleware.'),
    clientCertificate: clientCertificateFilter.spec.optional(),
    apiKey: apiKeyFilter.spec.optional(),
    basicAuth: basicAuthFilter.spec.optional(),
    oidc: oidcFilter.spec.optional(),
    anyOf: anyOfFilter.spec.optional(),
    respond: respondFilter.spec.optional(),
    faultInjection: faultInjectionFilter.spec.optional(),
    mirror: mirrorFilter.spec.optional(),
    jwt: jwtFilter.spec.optional(),
    cache: cacheFilter.spec.optional(),
    compress: compressFilter.spec.optional(),
    rateLimit: rateLimitFilter.spec.optional(),
    concurrency: concurrencyFilter.spec.optional(),
    externalAuth: externalAuthFilter.spec.optional(),
    ipRestriction: ipRestrictionFilter.spec.optional(),
    cors: corsFilter.spec.optional(),
    authorize: authorizeFilter.spec.optional(),
    version: versionFilter.spec.optional(),
    validate: validateFilter.spec.optional(),
    redirect: redirectFilter.spec.optional(),
    headers: headersFilter.spec.optional(),
    rewrite: rewriteFilter.spec.optional(),
    transformJson: transformJsonFilter.spec.optional(),
    plugin: pluginFilter.spec.optional(),
    transcode: transcodeFilter.spec.optional(),
    grpcWeb: grpcWebFilter.spec.optional(),
  },
  'A filter, {middleware: NAME}, or {name, disabled: true}.',
).meta({
  oneOf: [
    ...filterKinds.map(({ key }) => ({ required: [key] })),
    { required: ['middleware'] },
    { required: ['disabled'], properties: { disabled: { const: true } } },
  ],
});

export type FilterItem = z.output<typeof filterItem>;

/** A list of filters, as Gateway, Route and Middleware have it. Its entries are told apart by name (`filterName`). */
export function filterList(description: string) {
  return list(filterItem, { description, max: itemsMax })
    .superRefine((items, context) => {
      const first = new Map<string, number>();
      for (const [index, item] of items.entries()) {
        const identity =
          item.middleware === undefined ? `filter ${filterName(item)}` : `middleware ${item.middleware}`;
        const before = first.get(identity);
        if (before === undefined) first.set(identity, index);
        else {
          const message = say('duplicate', `the same name as entry ${before}`, 'give it a name of its own');
          context.addIssue({ code: 'custom', path: [index], message });
        }
      }
    })
    .meta({ 'x-causeway-list-key': 'name' })
    .default([]);
}

/** The name of an entry: its own, or its filter's key, also of one that this version does not know; '' of what has neither. */
export function filterName(item: unknown): string {
  const own = fieldOf(item, 'name');
  if (typeof own === 'string') return own;
  return filterKeys(item)[0] ?? '';
}

const ownFields = ['name', 'disabled', 'middleware', 'enforcement'];

/** Keys that are there to say which filter it is, those of filters that this version does not know among them. */
export function filterKeys(item: unknown): string[] {
  const isMapping = typeof item === 'object' && item !== null;
  return isMapping ? Object.keys(item).filter((key) => !ownFields.includes(key)) : [];
}

/** What the entries of `/spec/filters` name: Middlewares, and the objects that filters need. */
export function filterReferences(filters: readonly unknown[]): Reference[] {
  return filters.flatMap((item, index): Reference[] => {
    const at = `/spec/filters/${index}`;
    const middleware = fieldOf(item, 'middleware');
    if (typeof middleware === 'string')
      return [{ pointer: `${at}/middleware`, kind: 'Middleware', name: middleware }];
    return filterKeys(item).flatMap((key) => [
      ...objectReferences(item, key, `${at}/${key}`),
      // The filters that stand in anyOf.
      ...entriesOf(item, key).flatMap((way, place) =>
        filterKeys(way).flatMap((inner) => objectReferences(way, inner, `${at}/${key}/${place}/${inner}`)),
      ),
    ]);
  });
}

function objectReferences(item: unknown, key: string, at: string): Reference[] {
  return (filterKindNamed(key)?.objectFields ?? []).flatMap(({ field, kind }): Reference[] => {
    const named = fieldOf(fieldOf(item, key), field);
    if (typeof named === 'string') return [{ pointer: `${at}/${field}`, kind, name: named }];
    return (Array.isArray(named) ? named : []).flatMap((each: unknown, index): Reference[] =>
      typeof each === 'string' ? [{ pointer: `${at}/${field}/${index}`, kind, name: each }] : [],
    );
  });
}
