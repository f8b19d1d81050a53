/** What a request may be known by: to hash it, to keep a session where it is. */

import { claimText, type Identity } from '@causeway/filters/identity';
import type { RequestSource } from '@causeway/filters/request-source';
import { RequestView, type RouteRequest } from '@causeway/router/request-view';

/** What a source may be read from. */
export interface SourcedRequest {
  /** Address of the client, behind trusted proxies too. */
  readonly client: string;
  /** "namespace/name" */
  readonly route: string;
  readonly view: RequestView;
  readonly identity: Identity | undefined;
}

/** The request that predicates saw; what they parsed is parsed again, for hardly any Route needs both. */
export function sourcedRequest(
  client: string,
  route: string,
  request: RouteRequest,
  identity?: Identity,
): SourcedRequest {
  return { client, route, view: new RequestView(request), identity };
}

/** Undefined where the request has none; of a repeated parameter or cookie the first. An empty value is one. */
export function readSource(source: RequestSource, request: SourcedRequest): string | undefined {
  switch (source.kind) {
    case 'address':
      return request.client;
    case 'path':
      return request.view.request.path;
    case 'route':
      return request.route;
    case 'consumer':
      return request.identity?.consumer;
    case 'claim':
      return request.identity && claimText(request.identity.claims, source.name);
    case 'header':
    case 'query':
    case 'cookie':
      return request.view.valueOf({ source: source.kind, name: source.name });
  }
}
