/** Asks another Service whether a request may pass (forward authentication). */

import { forbiddenInValue, listValue, removeLookalikes } from './fields.ts';
import type { Answer, Filter, FilterExchange, Refusal, ServiceAnswer, Verdict } from './filter.ts';

export interface ExternalAuthSettings {
  /** "namespace/name" */
  readonly service: string;
  /** Undefined: the request's own, with its query. */
  readonly path: string | undefined;
  /** Of the request; lower case, as the others. */
  readonly headers: readonly string[];
  /** Of an answer that lets it pass, for the upstream. */
  readonly upstreamHeaders: readonly string[];
  /** Of a refusal, for the client. */
  readonly clientHeaders: readonly string[];
  readonly timeoutMs: number;
  readonly allowsOnFailure: boolean;
}

const unavailable: Refusal = { kind: 'refusal', reason: 'auth_unavailable', fields: ['retry-after', '1'] };

export class ExternalAuthFilter implements Filter {
  readonly kind = 'externalAuth';
  readonly name: string;
  readonly demands: string;
  readonly #settings: ExternalAuthSettings;

  constructor(name: string, settings: ExternalAuthSettings) {
    this.name = name;
    this.demands = `externalAuth ${JSON.stringify(settings)}`;
    this.#settings = settings;
  }

  async onRequestHead(exchange: FilterExchange): Promise<Verdict> {
    const { service, path, upstreamHeaders, timeoutMs, allowsOnFailure } = this.#settings;
    for (const name of upstreamHeaders) removeLookalikes(exchange.upstreamFields, name);
    const target = path ?? targetOf(exchange);
    const fields = this.#fieldsFor(exchange);
    const answer = await exchange.askService(service, { method: 'GET', target, fields, timeoutMs });
    exchange.isJudgedElsewhere = true;
    // Whoever cannot answer has not refused.
    if (answer === undefined || answer.status >= 500) return allowsOnFailure ? undefined : unavailable;
    if (answer.status < 200 || answer.status > 299) return this.#refusalOf(answer);
    for (const name of upstreamHeaders) {
      const value = listValue(answer.fields, name);
      if (value !== undefined) exchange.upstreamFields.push(name, value);
    }
    return undefined;
  }

  /** What the request is, as forwarding proxies write it, and those of its own fields that were asked for. */
  #fieldsFor(exchange: FilterExchange): string[] {
    const fields = [
      'host',
      exchange.host,
      'x-forwarded-method',
      exchange.method,
      'x-forwarded-proto',
      exchange.scheme,
      'x-forwarded-host',
      exchange.host,
      'x-forwarded-uri',
      targetOf(exchange),
      'x-forwarded-for',
      exchange.clientAddress,
      'x-request-id',
      exchange.requestId,
    ];
    for (const name of this.#settings.headers) {
      const value = fieldFor(exchange, name);
      if (value !== undefined && !forbiddenInValue.test(value)) fields.push(name, value);
    }
    return fields;
  }

  #refusalOf({ status, fields, body }: ServiceAnswer): Answer {
    const sent: string[] = [];
    for (let at = 0; at < fields.length; at += 2) {
      const name = fields[at]!.toLowerCase();
      if (name === 'content-type' || this.#settings.clientHeaders.includes(name))
        sent.push(name, fields[at + 1]!);
    }
    return { kind: 'answer', status, fields: sent, body: forbidsBody(status) ? new Uint8Array() : body };
  }
}

/** As the upstream would get it: without what the client says of itself, and with what is known of it. */
function fieldFor({ upstreamFields, identity }: FilterExchange, name: string): string | undefined {
  if (name === 'x-consumer-name') return identity?.consumer;
  if (name === 'x-consumer-groups') return identity?.groups.join(',');
  return listValue(upstreamFields, name);
}

function targetOf({ path, query }: FilterExchange): string {
  return query === undefined ? path : `${path}?${query}`;
}

function forbidsBody(status: number): boolean {
  return status === 204 || status === 304;
}
