/** What a request may be known by: to hash it, to keep a session where it is. */

import { RequestView, type RouteRequest } from '@causeway/router/request-view';

/** `header`, `query` and `cookie` with the name of one. */
export type RequestSource =
  | { readonly kind: 'address' | 'path' | 'route' | 'consumer' }
  | { readonly kind: 'header' | 'query' | 'cookie' | 'claim'; readonly name: string };

/** What a source may be read from. */
export interface SourcedRequest {
  /** Address of the client, behind trusted proxies too. */
  readonly client: string;
  /** "namespace/name" */
  readonly route: string;
  readonly view: RequestView;
}

/** The request that predicates saw; what they parsed is parsed again, for hardly any Route needs both. */
export function sourcedRequest(client: string, route: string, request: RouteRequest): SourcedRequest {
  return { client, route, view: new RequestView(request) };
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
    case 'header':
    case 'query':
    case 'cookie':
      return request.view.valueOf({ source: source.kind, name: source.name });
    // Nobody is known by name on this node.
    case 'consumer':
    case 'claim':
      return undefined;
  }
}

/** As users write it: `address`, `header:x-user-id`. Undefined for anything else. */
export function parseSource(text: string): RequestSource | undefined {
  const colon = text.indexOf(':');
  const kind = colon < 0 ? text : text.slice(0, colon);
  const name = colon < 0 ? '' : text.slice(colon + 1);
  switch (kind) {
    case 'address':
    case 'path':
    case 'route':
    case 'consumer':
      return colon < 0 ? { kind } : undefined;
    case 'header':
      return name === '' ? undefined : { kind, name: name.toLowerCase() };
    case 'query':
    case 'cookie':
    case 'claim':
      return name === '' ? undefined : { kind, name };
    default:
      return undefined;
  }
}
