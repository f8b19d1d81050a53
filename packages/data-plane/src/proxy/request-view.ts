/** A request as filters see it, which nobody changes. */

import type { ConsumerLookup, ShownCertificate } from '@causeway/filters/consumers';
import type { TokenVerifier } from '@causeway/filters/jwt/token-verifier';
import type { RequestRules } from '@causeway/schema/request-rules';
import type { Types } from '@causeway/transcoding/types';

import { redactQuery, redactUrl } from '../observe/redact-query.ts';
import type { FilteredRelay, FilteredRequest } from './filtered-relay.ts';

/** A base class, so that an exchange need not be two objects. */
export abstract class RequestView {
  protected readonly relay: FilteredRelay;
  protected request: FilteredRequest;

  constructor(relay: FilteredRelay, request: FilteredRequest) {
    this.relay = relay;
    this.request = request;
  }

  get requestId(): string {
    return this.relay.record.requestId;
  }

  get method(): string {
    return this.relay.method;
  }

  get host(): string {
    return this.request.host;
  }

  get authority(): string {
    return this.request.authority;
  }

  get path(): string {
    return this.request.path;
  }

  get query(): string | undefined {
    return this.request.query;
  }

  get scheme(): 'http' | 'https' {
    return this.request.scheme;
  }

  get clientAddress(): string {
    return this.relay.record.client;
  }

  get routeName(): string {
    return this.request.routeName;
  }

  get routeMethods(): readonly string[] {
    return this.request.routeMethods;
  }

  get matchedLength(): number {
    return this.request.matchedLength;
  }

  hideQuery(name: string): void {
    const { record } = this.relay;
    const names = new Set([name]);
    if (record.query !== undefined) record.query = redactQuery(record.query, names);
    if (record.referer !== undefined) record.referer = redactUrl(record.referer, names);
  }

  get hasRequestBody(): boolean {
    return this.relay.hasRequestBody;
  }

  get clientCertificate(): ShownCertificate | undefined {
    return this.request.clientCertificate;
  }

  get consumers(): ConsumerLookup {
    return this.request.known.consumers;
  }

  get legacyRateLimitHeaders(): boolean {
    return this.request.known.gateway.legacyRateLimitHeaders;
  }

  tokenVerifier(provider: string): TokenVerifier | undefined {
    return this.request.known.tokenVerifiers.get(provider);
  }

  requestRules(apiSpec: string): RequestRules | undefined {
    return this.request.known.requestRules.get(apiSpec);
  }

  descriptors(descriptorSet: string): Types | undefined {
    return this.request.known.descriptors.get(descriptorSet);
  }

  requestHeader(lowerName: string): string | undefined {
    return this.request.header(lowerName);
  }

  pathParameter(name: string): string | undefined {
    return this.request.pathParameter(name);
  }
}
