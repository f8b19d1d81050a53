import { fieldValue } from '../fields.ts';
import type { FilterExchange } from '../filter.ts';

/**
 * Scheme, host and port under which the client knows the gateway: `https://a.example:8443`. Behind trusted proxies it is what they say,
 * which stands in the fields that go upstream already.
 */
export function publicOrigin(exchange: FilterExchange): string {
  const { upstreamFields, scheme, authority } = exchange;
  const told = (name: string): string => (fieldValue(upstreamFields, name) ?? '').split(',', 1)[0]!.trim();
  const proto = told('x-forwarded-proto').toLowerCase();
  const host = told('x-forwarded-host').toLowerCase();
  const isHost = /^([-.\w]{1,255}|\[[\da-f:.]{2,45}\])(:\d{1,5})?$/.test(host);
  return `${proto === 'https' || proto === 'http' ? proto : scheme}://${isHost ? host : authority}`;
}
