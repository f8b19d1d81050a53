/** Calls to upstreams without a relay. */

import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { ResponseHead } from '@causeway/http1/response-head';

import type { UpstreamCall, UpstreamEvents, UpstreamFailure, UpstreamRequest } from '../proxy/exchange.ts';
import { EndpointPool, type PoolContext, type PoolSettings } from '../upstream/endpoint-pool.ts';
import { until } from './http-client.ts';
import { poolContext, poolSettings } from './pools.ts';

/** Keeps what an upstream brought. */
export class Heard implements UpstreamEvents {
  status = 0;
  head: ResponseHead | undefined;
  fields: readonly string[] = [];
  body = '';
  informational: number[] = [];
  failure: UpstreamFailure | undefined;
  isReady = false;
  trailers: readonly string[] | undefined;
  isOver = false;
  drains = 0;
  /** Says whether a piece of the body is free at once. */
  takes: () => boolean = () => true;

  onUpstreamReady(): void {
    this.isReady = true;
  }

  onUpstreamPart(): void {}

  onUpstreamInformational(head: ResponseHead): void {
    this.informational.push(head.status);
  }

  onUpstreamHead(head: ResponseHead): void {
    this.head = head;
    this.status = head.status;
    this.fields = head.fields;
  }

  onUpstreamChunk(chunk: Buffer): boolean {
    this.body += chunk.toString('latin1');
    return this.takes();
  }

  onUpstreamEnd(trailers?: readonly string[]): void {
    this.trailers = trailers;
    this.isOver = true;
  }

  onUpstreamDrain(): void {
    this.drains += 1;
  }

  onUpstreamSent(): void {}

  onUpstreamFailed(failure: UpstreamFailure): void {
    this.failure = failure;
    this.isOver = true;
  }
}

export const get: UpstreamRequest = {
  method: 'GET',
  target: '/x?y',
  fields: ['host', 'a.test', 'X-A', '\xe9'],
  bodyLength: 0,
  wantsTrailers: false,
  mayHaveTrailers: false,
};

export const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-B: \xe9\r\n\r\nhi';

export interface PoolOptions {
  readonly settings?: Partial<PoolSettings>;
  readonly address?: string;
  readonly name?: string;
  readonly context?: PoolContext;
}

/** A pool that is closed with the test. */
export function openPool(context: TestContext, port: number, options: PoolOptions = {}): EndpointPool {
  const { settings = {}, address = '127.0.0.1', name = address } = options;
  const pool = new EndpointPool(
    'default/s',
    { address, port, name, serverName: undefined },
    poolSettings(settings),
    options.context ?? poolContext(),
  );
  context.after(() => pool.close());
  return pool;
}

/** Sends a request, and gives the call with what is heard of it. */
export function call(
  pool: EndpointPool,
  request: UpstreamRequest = get,
): { heard: Heard; sent: UpstreamCall } {
  const heard = new Heard();
  const sent = pool.send(request, heard);
  assert.ok(sent, 'no place in the queue');
  return { heard, sent };
}

/** Sends a request with an empty body, and waits for the end of its response. */
export async function exchange(pool: EndpointPool, request: UpstreamRequest = get): Promise<Heard> {
  const { heard, sent } = call(pool, request);
  if (request.bodyLength !== 0) sent.endRequest();
  await until('the end of the call', () => heard.isOver);
  return heard;
}
