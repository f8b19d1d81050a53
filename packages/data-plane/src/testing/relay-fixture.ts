/** A relay between two sides that do what a test says, on a clock that stands still. */

import type { TestContext } from 'node:test';
import type { RequestHead } from '@causeway/http1/request-head';
import { createLogger } from '@causeway/runtime/logger';
import { ManualClock } from '@causeway/runtime/manual-clock';

import type { Downstream, PeerConnection, UpstreamCall } from '../proxy/exchange.ts';
import { type ExchangeTimeouts, noTimeouts } from '../proxy/exchange-deadlines.ts';
import type { ExchangeRecord } from '../proxy/exchange-record.ts';
import { BodyRoom } from '../proxy/held-body.ts';
import { Mirrors } from '../proxy/mirrored-request.ts';
import { Relay } from '../proxy/relay.ts';
import { TimerWheel } from '../proxy/timer-wheel.ts';
import { aloneShared } from '../counts/node-shared.ts';
import { AffinityKeys } from '../upstream/balancing/affinity-keys.ts';
import { LiveStreams } from '../streams/live-streams.ts';
import type { Table } from '../table/table.ts';
import { TableGeneration, TableGenerations } from '../table/table-generations.ts';
import { exchangeRecord } from './exchange-records.ts';
import { requestHead, responseHead } from './heads.ts';

/** A peer that takes bytes as a test says, and counts those that it has not taken. */
class Peer {
  unsentMark = 0;
  bytes = 0;
  /** Takes nothing more by itself. */
  isStuck = false;

  sendChunk(chunk: Buffer): boolean {
    this.bytes += chunk.length;
    if (this.isStuck) this.unsentMark += chunk.length;
    return this.unsentMark === 0;
  }

  flush(): void {}
}

export class FakeClient extends Peer implements Downstream {
  readonly connection: PeerConnection = {
    socketKey: 'a:1',
    peerAddress: '192.0.2.1',
    peerPort: 1,
    localPort: 1,
    scheme: 'http',
  };
  readonly head: RequestHead;
  status = 0;
  isPaused = true;
  wasReset = false;
  isEnded = false;
  onEnded: () => void = () => {};

  constructor(head: RequestHead) {
    super();
    this.head = head;
  }

  startBody(): void {
    this.isPaused = false;
  }

  pauseBody(): void {
    this.isPaused = true;
  }

  resumeBody(): void {
    this.isPaused = false;
  }

  sendInformational(): void {}

  sendHead(status: number): void {
    this.status = status;
  }

  switchProtocols(): never {
    throw new Error('no tunnel is made here');
  }

  takeBack(): boolean {
    return false;
  }

  endResponse(): void {
    this.isEnded = true;
    this.onEnded();
  }

  reset(): void {
    this.wasReset = true;
  }
}

export class FakeCall extends Peer implements UpstreamCall {
  readonly isSecure = false;
  isPaused = false;
  isAborted = false;

  endRequest(): void {}

  pauseResponse(): void {
    this.isPaused = true;
  }

  resumeResponse(): void {
    this.isPaused = false;
  }

  outlast(): void {}

  switchProtocols(): never {
    throw new Error('no tunnel is made here');
  }

  abort(): void {
    this.isAborted = true;
  }

  timeOut(): boolean {
    return false;
  }
}

export interface RelayFixture {
  readonly clock: ManualClock;
  readonly client: FakeClient;
  readonly call: FakeCall;
  readonly relay: Relay;
  readonly record: ExchangeRecord;
  readonly streams: LiveStreams;
  /** A part of the request's body of so many bytes. */
  upload(bytes: number): void;
  /** The head of a response whose body is chunked. */
  answer(type?: string): void;
  /** A part of its body, in so many chunks of so many bytes. */
  download(bytes: number, chunks?: number): void;
  /** The client takes so many bytes; without a number, all. */
  take(bytes?: number): void;
  /** The same of the upstream. */
  takeUpstream(bytes?: number): void;
}

/** All that a relay asks its table for. */
const table = { gateway: { forwarding: { forwarded: false, via: false } } } as Table;

/** An exchange whose request is on its way to the upstream, with these limits and no others; undefined: one without a Route, yet. */
export function startRelay(
  context: TestContext,
  timeouts: Partial<ExchangeTimeouts> | undefined,
  lines = '',
): RelayFixture {
  const clock = new ManualClock();
  const wheel = new TimerWheel(clock);
  const client = new FakeClient(requestHead('POST / HTTP/1.1', `Host: a\n${lines}`));
  const call = new FakeCall();
  const record = exchangeRecord({
    startedWallMs: clock.wallMs(),
    startedMs: clock.monotonicMs(),
    status: 0,
    bytesIn: 0,
    bytesOut: 0,
  });
  const generation = new TableGeneration(table, () => {}).acquire();
  const observer = {
    onExchangeStart: () => {},
    onUpstreamStart: () => {},
    onUpstreamOver: () => {},
    onMirrored: () => {},
    onRetry: () => {},
    onLogin: () => {},
    onBreaker: () => {},
    onFilterRefusal: () => {},
    onPluginFailure: () => {},
    onFilterError: () => {},
    onExchangeOver: () => {},
    onUpgraded: () => {},
    onWebSocketOver: () => {},
  };
  const logger = createLogger({ level: 'error' });
  const generations = new TableGenerations();
  const shared = {
    generations,
    wheel,
    clock,
    logger,
    observer,
    shared: aloneShared(),
    affinityKeys: new AffinityKeys(),
    mirrors: new Mirrors(),
    bodyRoom: new BodyRoom(),
    streams: new LiveStreams(clock, aloneShared().slices, () => 0),
    hasDescriptors: () => true,
    isDraining: false,
  };
  const relay = new Relay(shared, client, generation, record);
  client.onEnded = () => {
    if (client.unsentMark === 0) relay.onResponseSent();
  };
  context.after(() => relay.onDownstreamClosed());
  if (timeouts !== undefined) {
    relay.limit({ ...noTimeouts, ...timeouts }, 0);
    relay.beginTry();
    relay.start(call);
  }
  if (timeouts !== undefined && client.head.bodyLength !== 0) relay.onUpstreamReady();
  return {
    clock,
    client,
    call,
    relay,
    record,
    streams: shared.streams,
    upload(bytes) {
      relay.onRequestChunk(Buffer.alloc(bytes));
      relay.onRequestPart();
    },
    answer: (type = 'text/plain') => relay.onUpstreamHead(chunkedHead(type)),
    download(bytes, chunks = 1) {
      for (let chunk = 0; chunk < chunks; chunk += 1) relay.onUpstreamChunk(Buffer.alloc(bytes));
      relay.onUpstreamPart();
    },
    take(bytes = client.unsentMark) {
      client.unsentMark -= bytes;
      if (client.unsentMark > 0) return;
      if (client.isEnded) relay.onResponseSent();
      else relay.onDownstreamDrain();
    },
    takeUpstream(bytes = call.unsentMark) {
      call.unsentMark -= bytes;
      if (call.unsentMark === 0) relay.onUpstreamDrain();
    },
  };
}

const chunkedHead = (type: string) =>
  responseHead('POST', 200, `Content-Type: ${type}\nTransfer-Encoding: chunked`);
