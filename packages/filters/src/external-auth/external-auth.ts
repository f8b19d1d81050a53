/** Asks another Service whether a request may pass: over HTTP (forward authentication), or by Envoy's check over gRPC. */

import { forbiddenInValue, removeField, removeLookalikes } from '../fields.ts';
import type { Filter, FilterExchange, Refusal, ServiceAnswer, ServiceQuestion, Verdict } from '../filter.ts';
import { grpcCheck } from './grpc-check.ts';
import { httpCheck } from './http-check.ts';

export interface ExternalAuthSettings {
  /** "namespace/name" */
  readonly service: string;
  readonly protocol: 'http' | 'grpc';
  /** Undefined: the request's own, with its query. Of HTTP alone. */
  readonly path: string | undefined;
  /** Of the request; lower case, as the others. */
  readonly headers: readonly string[];
  /** Of an answer that lets it pass, for the upstream. */
  readonly upstreamHeaders: readonly string[];
  /** Of a refusal, for the client. */
  readonly clientHeaders: readonly string[];
  /** 0: bodies are not sent. */
  readonly bodyBytesMax: number;
  readonly timeoutMs: number;
  readonly allowsOnFailure: boolean;
}

/** How a question is put, and its answer read. */
export interface Check {
  /** `body`: undefined where none is sent. */
  question(
    exchange: FilterExchange,
    settings: ExternalAuthSettings,
    body: Uint8Array | undefined,
  ): ServiceQuestion;
  /** Undefined: it is no judgement. */
  read(answer: ServiceAnswer): Judgement | undefined;
}

export type Judgement =
  | {
      readonly kind: 'pass';
      /** Flat. */
      readonly fields: readonly string[];
      /** Fields of the request that are not to go upstream. */
      readonly removed: readonly string[];
    }
  | {
      readonly kind: 'deny';
      readonly status: number;
      readonly fields: readonly string[];
      readonly body: Uint8Array;
    };

const unavailable: Refusal = { kind: 'refusal', reason: 'auth_unavailable', fields: ['retry-after', '1'] };

export class ExternalAuthFilter implements Filter {
  readonly kind = 'externalAuth';
  readonly name: string;
  readonly demands: string;
  readonly #settings: ExternalAuthSettings;
  readonly #check: Check;

  constructor(name: string, settings: ExternalAuthSettings) {
    this.name = name;
    this.demands = `externalAuth ${JSON.stringify(settings)}`;
    this.#settings = settings;
    this.#check = settings.protocol === 'grpc' ? grpcCheck : httpCheck;
  }

  async onRequestHead(exchange: FilterExchange): Promise<Verdict> {
    const { service, upstreamHeaders, bodyBytesMax, allowsOnFailure } = this.#settings;
    for (const name of upstreamHeaders) removeLookalikes(exchange.upstreamFields, name);
    let body: Uint8Array | undefined;
    if (bodyBytesMax > 0 && exchange.hasRequestBody) {
      const read = await exchange.readRequestBody(bodyBytesMax);
      if (read === 'tooLarge') return { kind: 'refusal', reason: 'payload_too_large' };
      if (read === 'noRoom') return { kind: 'refusal', reason: 'overloaded' };
      body = read;
    }
    const answer = await exchange.askService(service, this.#check.question(exchange, this.#settings, body));
    exchange.isJudgedElsewhere = true;
    const judgement = answer === undefined ? undefined : this.#check.read(answer);
    // Whoever cannot answer has not refused.
    if (judgement === undefined) return allowsOnFailure ? undefined : unavailable;
    if (judgement.kind === 'pass') return this.#pass(exchange, judgement);
    const { status, fields } = judgement;
    const sent = chosen(
      fields,
      (name) => name === 'content-type' || this.#settings.clientHeaders.includes(name),
    );
    return { kind: 'answer', status, fields: sent, body: judgement.body };
  }

  #pass({ upstreamFields }: FilterExchange, { fields, removed }: Judgement & { kind: 'pass' }): undefined {
    for (const name of removed) if (name !== 'host') removeField(upstreamFields, name.toLowerCase());
    upstreamFields.push(...chosen(fields, (name) => this.#settings.upstreamHeaders.includes(name)));
  }
}

/** Those of names in lower case that are wanted, several of a name joined as one list but for cookies. */
function chosen(fields: readonly string[], isWanted: (lowerName: string) => boolean): string[] {
  const found: string[] = [];
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at]!.toLowerCase();
    const value = fields[at + 1]!;
    if (!isWanted(name) || forbiddenInValue.test(value)) continue;
    const before =
      name === 'set-cookie' ? -1 : found.findIndex((each, place) => place % 2 === 0 && each === name);
    if (before < 0) found.push(name, value);
    else found[before + 1] += `, ${value}`;
  }
  return found;
}
