/** What of a request may lead an application elsewhere than its method, its URL and what Vary names. */

import type { FilterExchange } from '../filter.ts';
import { parameterName } from '../query-value.ts';

/** The application takes the request for one of another method. */
export const methodOverrides = ['x-http-method-override', 'x-http-method', 'x-method-override'] as const;

/** They name another host or path. */
const otherTargets = [
  'x-host',
  'x-http-host-override',
  'x-original-host',
  'x-original-uri',
  'x-original-url',
  'x-rewrite-url',
] as const;

/** All that has its say by its name; what an application may take for one of them has it too. */
export const steeringHeaders: readonly string[] = [...methodOverrides, ...otherTargets];

const otherTarget: ReadonlySet<string> = new Set(otherTargets);
/** What trusted proxies tell of a client and its request. */
const toldByProxies = /^x-(?:forwarded|authenticated|credential|ssl)-/;
/** The gateway writes them itself: they are in every key, or tell from which address a request comes. */
const written: ReadonlySet<string> = new Set([
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
]);
/** In Forwarded; what is more than an address is none. */
const address = /\b(?:for|by)=(?:[\w.:-]+|"[\w.:[\]-]+")/gi;

/** The part of a key for such headers, as they go upstream: hardly ever more than nothing. */
export function steeringPart(exchange: FilterExchange): string {
  const { upstreamFields } = exchange;
  let part = '';
  for (let at = 0; at < upstreamFields.length; at += 2) {
    const name = upstreamFields[at]!;
    // Hot path: most names begin with neither f nor x.
    const first = name.charCodeAt(0) | 0x20;
    if (first !== 0x66 && first !== 0x78) continue;
    const lowerName = name.toLowerCase();
    const value = upstreamFields[at + 1]!;
    // No value holds a carriage return.
    if (lowerName === 'forwarded') part += `\r${lowerName}:${value.replaceAll(address, '')}`;
    else if (otherTarget.has(lowerName) || isTold(lowerName, exchange)) part += `\r${lowerName}:${value}`;
  }
  return part;
}

/** What filters say of the caller goes by such names too, and is no proxy's word. */
function isTold(lowerName: string, exchange: FilterExchange): boolean {
  if (written.has(lowerName) || !toldByProxies.test(lowerName)) return false;
  return exchange.requestHeader(lowerName) !== undefined;
}

/** The parameters that are part of a key, where others are not. */
export class ListedParameters {
  readonly #names: ReadonlySet<string>;
  readonly #folded: ReadonlySet<string>;

  /** Byte strings. */
  constructor(names: ReadonlySet<string>) {
    this.#names = names;
    this.#folded = new Set(Array.from(names, folded));
  }

  /** Whether one that is not listed may be read as one that is: `a;page=2`, `Page`, `page[]` and `page%00` are `page` to somebody. */
  haveLookalike(query: string): boolean {
    return query.split('&').some((pair) => {
      if (this.#names.has(parameterName(pair))) return false;
      return pair.split(';').some((each) => this.#isLikeListed(parameterName(each)));
    });
  }

  #isLikeListed(name: string): boolean {
    return this.#folded.has(folded(name)) || this.#folded.has(folded(name.split(/[\0[]/, 1)[0]!));
  }
}

/** Frameworks differ in what they make of case and of all that is neither letter nor digit. */
function folded(name: string): string {
  return name.toLowerCase().replaceAll(/[\0-/:-@[-`{-\x7f]/g, '');
}
