/** Which stored answers a command means. */

import type { PurgeQuery } from '@causeway/filters/cache/cache-store';
import { canonicalPath } from '@causeway/router/canonical-path';

import { parseAuthority } from '../proxy/host.ts';

/** As users write it: `url` and `prefix` are absolute, or begin with a slash and mean every host. */
export interface CachePurge {
  /** "namespace/name" */
  readonly route: string;
  readonly url?: string;
  readonly prefix?: string;
}

/** Of the arguments of the command `purge-cache`. Throws a sentence where they are none. */
export function cachePurge(args: unknown): CachePurge {
  const given = typeof args === 'object' && args !== null ? (args as Record<string, unknown>) : {};
  const { route, url, prefix } = given;
  if (typeof route !== 'string') throw new Error('the command needs {"route": "namespace/name"}');
  for (const text of [url, prefix])
    if (text !== undefined && typeof text !== 'string') throw new Error('"url" and "prefix" are texts');
  return { route, ...(typeof url === 'string' && { url }), ...(typeof prefix === 'string' && { prefix }) };
}

/** Throws a sentence for what no request could ask for. */
export function purgeQuery({ route, url, prefix }: CachePurge, mergeSlashes: boolean): PurgeQuery {
  const written = url ?? prefix;
  if (written === undefined) return { route };
  const parts = /^(?:https?:\/\/([^/?#]+))?((?:\/[^#]*)?)$/i.exec(written);
  const [, authority, target = ''] = parts ?? [];
  const host = authority === undefined ? undefined : parseAuthority(authority)?.host;
  const canonical = canonicalPath(escaped(target === '' ? '/' : target), mergeSlashes);
  if (parts === null || written === '' || !canonical.ok || (authority !== undefined && host === undefined))
    throw new Error(`${JSON.stringify(written)} is not the URL or the path of a request`);
  const { path, query } = canonical;
  const place = { route, ...(host !== undefined && { host }) };
  if (url === undefined) return { ...place, prefix: path };
  return { ...place, path, ...(query !== undefined && { query }) };
}

/** People write what clients send as escapes. */
function escaped(target: string): string {
  return target.replaceAll(/[^\x21-\x7e]/gu, (character) => encodeURIComponent(character.toWellFormed()));
}
