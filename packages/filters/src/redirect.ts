/** Another address for the client: no upstream is asked. */

import type { Answer, Filter, FilterExchange, Refusal } from './filter.ts';
import { type PathChangeSettings, preparePathChange } from './path-change.ts';

/** Undefined = as it was asked. */
export interface RedirectSettings {
  readonly status: number;
  readonly scheme: 'http' | 'https' | undefined;
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly path: PathChangeSettings | undefined;
}

const usualPorts = { http: 80, https: 443 } as const;
const nothing = new Uint8Array();

/** The new address is always a whole one: of a path alone a browser could take the beginning for a host. */
export function createRedirectFilter(name: string, settings: RedirectSettings): Filter {
  const change = settings.path && preparePathChange(settings.path);
  return {
    kind: 'redirect',
    name,
    onRequestHead: (exchange): Answer | Refusal => {
      const path = change === undefined ? exchange.path : change(exchange);
      if (typeof path !== 'string') return path;
      const origin = originOf(settings, exchange);
      if (typeof origin !== 'string') return origin;
      const { query } = exchange;
      const location = `${origin}${path}${query === undefined ? '' : `?${query}`}`;
      return { kind: 'answer', status: settings.status, fields: ['location', location], body: nothing };
    },
  };
}

function originOf(settings: RedirectSettings, exchange: FilterExchange): string | Refusal {
  const scheme = settings.scheme ?? exchange.scheme;
  const host = settings.host ?? exchange.host;
  if (host === '')
    return {
      kind: 'refusal',
      reason: 'bad_request',
      detail: 'Without Host there is nowhere to redirect to.',
    };
  // The port of one scheme is none of another.
  const kept = settings.scheme === undefined ? askedPort(exchange.authority) : undefined;
  const port = settings.port ?? kept;
  return port === undefined || port === usualPorts[scheme]
    ? `${scheme}://${host}`
    : `${scheme}://${host}:${port}`;
}

function askedPort(authority: string): number | undefined {
  const port = /:(\d{1,5})$/.exec(authority)?.[1];
  return port === undefined ? undefined : Number(port);
}
