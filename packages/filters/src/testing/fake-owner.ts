/** An exchange without a node: takes the part of the relay, and writes down what becomes of it. */

import type { BodyPass } from '../body-pass.ts';
import type { Answer, ExchangeOutcome, Filter, Refusal, RequestCopy } from '../filter.ts';
import { type FilterChain, type FilterOwner, freshProgress } from '../filter-chain.ts';

export const outcome: ExchangeOutcome = {
  status: 200,
  reason: undefined,
  durationMs: 1,
  bytesIn: 0,
  bytesOut: 0,
};

export class FakeOwner implements FilterOwner {
  requestId = 'id-1';
  method = 'GET';
  host = 'a.test';
  path = '/a';
  query: string | undefined = undefined;
  scheme = 'http' as const;
  clientAddress = '203.0.113.1';
  routeName = 'default/r';
  headers = new Map<string, string>();
  parameters = new Map<string, string>();
  upstreamFields: string[] = [];
  responseStatus = 0;
  responseFields: string[] = [];
  filtersEntered = freshProgress.filtersEntered;
  filtersLeft = freshProgress.filtersLeft;
  filterTurn = freshProgress.filterTurn;
  filterStates: unknown[] | undefined = undefined;
  requestPass: BodyPass | undefined = undefined;
  responsePass: BodyPass | undefined = undefined;
  /** What the owner was told, in order. */
  readonly log: string[] = [];
  readonly errors: { filter: Filter; error: unknown }[] = [];
  /** The answer or refusal that is the response. */
  response: Answer | Refusal | undefined = undefined;
  crashed: unknown = undefined;
  /** Called in `sendRequest` and `sendResponse`. */
  onSent: (what: 'request' | 'response') => void = () => {};
  readonly chain: FilterChain;

  constructor(chain: FilterChain) {
    this.chain = chain;
  }

  readonly expiries: number[] = [];

  expireAt(wallMs: number): void {
    this.expiries.push(wallMs);
  }

  hasRequestBody = false;
  /** Of every copy: its Service, and what became of it. */
  readonly copies: string[] = [];
  /** No more copies are taken. */
  hasCopiesEnough = false;

  openCopy(service: string): RequestCopy | undefined {
    if (this.hasCopiesEnough) return undefined;
    return {
      send: (body) => this.copies.push(`${service} ${Buffer.concat(body).toString()}`),
      drop: (why) => this.copies.push(`${service} ${why}`),
    };
  }

  cutOff(): void {
    this.log.push('cut');
  }

  requestHeader(lowerName: string): string | undefined {
    return this.headers.get(lowerName);
  }

  pathParameter(name: string): string | undefined {
    return this.parameters.get(name);
  }

  sendRequest(): void {
    this.log.push('request');
    this.onSent('request');
  }

  replaceResponse(response: Answer | Refusal): void {
    this.response = response;
    this.responseStatus = response.kind === 'answer' ? response.status : statuses[response.reason];
    this.responseFields = response.kind === 'answer' ? [...response.fields] : [];
    this.log.push(`replace ${this.responseStatus}`);
  }

  sendResponse(): void {
    this.log.push(`response ${this.responseStatus}`);
    this.onSent('response');
  }

  forwardRequestChunk(chunk: Uint8Array): void {
    this.log.push(`> ${String(chunk)}`);
  }

  forwardRequestEnd(): void {
    this.log.push('> end');
  }

  resumeRequest(): void {
    this.log.push('> resume');
  }

  forwardResponseChunk(chunk: Uint8Array): void {
    this.log.push(`< ${String(chunk)}`);
  }

  forwardResponseEnd(): void {
    this.log.push('< end');
  }

  resumeResponse(): void {
    this.log.push('< resume');
  }

  onFilterError(filter: Filter, error: unknown): void {
    this.errors.push({ filter, error });
  }

  onBodyFilterFailed(): void {
    this.log.push('body failed');
  }

  crash(error: unknown): void {
    this.crashed = error;
    this.log.push('crash');
  }

  /** The upstream's response head arrives. */
  upstreamAnswers(status: number): void {
    this.responseStatus = status;
    this.responseFields = [];
    this.chain.responseHead(this);
  }
}

const statuses = { bad_request: 400, internal: 500 } as const;
