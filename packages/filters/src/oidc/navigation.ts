/** What kind of request a browser makes: Fetch Metadata (W3C), and what older ones tell. */

import type { FilterExchange } from '../filter.ts';
import { publicOrigin } from './public-origin.ts';

/** Somebody goes to a page, in the whole of a window: what may be answered with a login. */
export function isNavigation(exchange: FilterExchange): boolean {
  if (exchange.method !== 'GET' || isPrefetch(exchange)) return false;
  const mode = exchange.requestHeader('sec-fetch-mode');
  const destination = exchange.requestHeader('sec-fetch-dest');
  if ((mode ?? 'navigate') !== 'navigate' || (destination ?? 'document') !== 'document') return false;
  return acceptsHtml(exchange.requestHeader('accept'));
}

export function isPrefetch(exchange: FilterExchange): boolean {
  return [exchange.requestHeader('sec-purpose'), exchange.requestHeader('purpose')].some(
    (purpose) => purpose !== undefined && /(^|[\s,;])prefetch/i.test(purpose),
  );
}

/** Nothing says that another site is behind it. */
export function isOfSameSite(exchange: FilterExchange): boolean {
  const site = exchange.requestHeader('sec-fetch-site');
  if (site !== undefined) return site === 'same-origin' || site === 'same-site' || site === 'none';
  const origin = exchange.requestHeader('origin') ?? exchange.requestHeader('referer');
  return origin === undefined || originOf(origin) === publicOrigin(exchange);
}

function originOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).origin : undefined;
}

/** Names text/html itself, with a weight (RFC 9110 section 12.5.1): programs that take everything are not browsers. */
function acceptsHtml(accept: string | undefined): boolean {
  return (accept ?? '').split(',').some((part) => {
    const [range = '', ...parameters] = part.split(';').map((piece) => piece.trim().toLowerCase());
    if (range !== 'text/html') return false;
    const weight = parameters.find((parameter) => /^q\s*=/.test(parameter));
    return weight === undefined || Number(weight.slice(weight.indexOf('=') + 1)) > 0;
  });
}
